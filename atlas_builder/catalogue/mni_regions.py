"""The ASPECTS regions in MNI space that ship with the project.

`scripts/authoring/make_mni_aspects.py` makes them with `scripts/authoring/region_drawing`.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from atlas_builder.core.anatomy import SIDES, Region, Side, map_value
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import replacing

FOLDER = Path(__file__).parents[1] / "atlases" / "mni152-aspects"
LABELS_FILE = FOLDER / "mni152_aspects_1mm.nii.gz"
TABLE_FILE = FOLDER / "lookup.tsv"

BGL_POINT = (0.0, -5.0, 4.0)
"""Millimetres: where the basal ganglia level crosses the midline between the deep nuclei."""

BGL_PITCH = -2.0
"""Degrees about the left-right axis by which the front of that level lies above its back."""

_COLUMNS = ("value", "region", "side", "name", "colour", "volume_ml")


@dataclass(frozen=True)
class LookupRow:
    """A region of one side.

    Attributes
    ----------
    value : int
        In the labels: 1-10 on the left, 11-20 on the right.
    region : Region
        Which of the ten.
    side : {'left', 'right'}
        The patient's.
    name : str
        The region and the side in words.
    colour : str
        As figures show the region, ``#rrggbb``.
    volume_ml : float
        In millilitres of MNI space, whose brain is larger than the average brain.
    """

    value: int
    region: Region
    side: Side
    name: str
    colour: str
    volume_ml: float


@dataclass(frozen=True)
class MniAspects:
    """The twenty regions in MNI152NLin2009aSym space at 1 mm.

    Attributes
    ----------
    labels : ndarray of uint8, shape (197, 233, 189)
        1-10 on the left, 11-20 on the right, 0 elsewhere.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ millimetres.
    table : tuple of LookupRow
        One row a value, in ascending order.
    """

    labels: NDArray[np.uint8]
    affine: NDArray[np.float64]
    table: tuple[LookupRow, ...]


def load_mni_aspects() -> MniAspects:
    """Read the atlas that ships.

    Raises
    ------
    InputError
        A file of it is missing or damaged: the installation is incomplete.
    """
    try:
        content = gzip.decompress(LABELS_FILE.read_bytes())
        image = nib.Nifti1Image.from_bytes(content)
        text = TABLE_FILE.read_text("utf-8")
        rows = tuple(_read_row(row) for row in csv.DictReader(io.StringIO(text), delimiter="\t"))
    except (OSError, EOFError, KeyError, ValueError, zlib.error, ImageFileError) as error:
        raise InputError(
            f"{FOLDER}: the ASPECTS regions in MNI space cannot be read ({error}); "
            "install aspects-atlas again"
        ) from None
    return MniAspects(np.asarray(image.dataobj, np.uint8), np.asarray(image.affine), rows)


def lookup_table(labels: NDArray[np.uint8], colours: Mapping[Region, str]) -> tuple[LookupRow, ...]:
    """Describe the twenty regions of a label volume of 1 mm voxels.

    Parameters
    ----------
    labels : ndarray of uint8, shape (x, y, z)
        1-10 on the left, 11-20 on the right, 0 elsewhere; 1 mm voxels.
    colours : mapping of Region to str
        ``#rrggbb`` of each region.

    Returns
    -------
    tuple of LookupRow
        Twenty, left before right, each side in label order; volumes in mL.
    """
    return tuple(
        LookupRow(
            value := map_value(region, side),
            region,
            side,
            f"{side} {region.full_name}",
            colours[region],
            np.count_nonzero(labels == value) / 1000,
        )
        for side in SIDES
        for region in Region
    )


def save_mni_aspects(atlas: MniAspects) -> None:
    """Write the labels and the table; the same bytes for the same atlas.

    Parameters
    ----------
    atlas : MniAspects
        Written to `LABELS_FILE` and `TABLE_FILE`, which are replaced.

    Raises
    ------
    OSError
        A file cannot be written.
    """
    image: Any = nib.Nifti1Image(atlas.labels, atlas.affine)  # type: ignore[no-untyped-call]
    image.set_sform(atlas.affine, code="mni")
    image.set_qform(atlas.affine, code="mni")
    image.header.set_xyzt_units("mm")
    with replacing(LABELS_FILE) as partial:
        partial.write_bytes(gzip.compress(image.to_bytes(), compresslevel=9, mtime=0))
    lines = ["\t".join(_COLUMNS)]
    lines += [
        f"{row.value}\t{row.region.name}\t{row.side}\t{row.name}\t{row.colour}\t{row.volume_ml:.3f}"
        for row in atlas.table
    ]
    with replacing(TABLE_FILE) as partial:
        partial.write_text("\n".join(lines) + "\n", "utf-8")


def _read_row(row: dict[str, str]) -> LookupRow:
    side: Side = "left" if row["side"] == "left" else "right"
    return LookupRow(
        int(row["value"]),
        Region[row["region"]],
        side,
        row["name"],
        row["colour"],
        float(row["volume_ml"]),
    )
