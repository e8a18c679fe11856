"""The standard head that ships, as `scripts/authoring/make_mni_head.py` wrote it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_regions import BGL_POINT, load_mni_aspects
from atlas_builder.catalogue.tissues import Tissue
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import replacing

FOLDER = Path(__file__).parents[1] / "atlases" / "mni152-head"
TISSUES_FILE = FOLDER / "mni152_tissues_1mm.nii.gz"
_GZIP = 16 + zlib.MAX_WBITS  # zlib's way of asking for gzip's header
_MOST_BYTES = 2**28


@dataclass(frozen=True)
class Head:
    """The standard head, in MNI152NLin2009aSym space at 1 mm.

    Attributes
    ----------
    tissues : mapping of Tissue to ndarray of uint8, shape (x, y, z)
        How much of each voxel is of that tissue, in 1/255; they add up to 255 everywhere.
    regions : ndarray of uint8, shape (x, y, z)
        The ASPECTS regions in the brain: 1-10 on the left, 11-20 on the right.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ millimetres of MNI space.
    bgl_point : ndarray, shape (3,)
        Millimetres: where the basal ganglia level crosses the midline between the deep nuclei.
    """

    tissues: Mapping[Tissue, NDArray[np.uint8]]
    regions: NDArray[np.uint8]
    affine: NDArray[np.float64]
    bgl_point: NDArray[np.float64]


def load_head() -> Head:
    """Read the standard head and the ASPECTS regions in it.

    Returns
    -------
    Head
        In MNI152NLin2009aSym space at 1 mm. Its arrays are in Fortran order and read-only.

    Raises
    ------
    InputError
        A file of it is missing or damaged: the installation is incomplete.
    """
    try:
        packed = TISSUES_FILE.read_bytes()
        # A gzip file ends with its content's size: given that, memory is taken once.
        size = min(int.from_bytes(packed[-4:], "little"), _MOST_BYTES)
        content = zlib.decompress(packed, _GZIP, size)
        image: Any = nib.Nifti1Image.from_bytes(content)
        # A view of the file's bytes: reading through nibabel would hold them twice.
        values = np.frombuffer(content, np.uint8, offset=image.dataobj.offset)
        fractions = values.reshape(image.shape, order="F")
    except (OSError, zlib.error, ValueError) as error:
        raise InputError(
            f"{TISSUES_FILE}: the standard head cannot be read ({error}); "
            "install aspects-atlas again"
        ) from None
    if fractions.ndim != 4 or fractions.shape[3] != len(Tissue):
        raise InputError(
            f"{TISSUES_FILE}: shape {fractions.shape}, expected {len(Tissue)} tissues; "
            "install aspects-atlas again"
        )
    affine = np.asarray(image.affine, np.float64)
    regions = load_mni_aspects()
    return Head(
        tissues={tissue: fractions[..., index] for index, tissue in enumerate(Tissue)},
        regions=_placed(regions.labels, regions.affine, fractions.shape[:3], affine),
        affine=affine,
        bgl_point=np.array(BGL_POINT),
    )


def save_tissues(fractions: NDArray[np.uint8], affine: NDArray[np.float64]) -> None:
    """Write the tissue fractions; the same bytes for the same head.

    Parameters
    ----------
    fractions : ndarray of uint8, shape (x, y, z, tissues)
        In the order of `Tissue`.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ millimetres of MNI space.
    """
    image: Any = nib.Nifti1Image(fractions, affine)  # type: ignore[no-untyped-call]
    image.set_sform(affine, code="mni")
    image.set_qform(affine, code="mni")
    image.header.set_xyzt_units("mm")
    with replacing(TISSUES_FILE) as partial:
        partial.write_bytes(gzip.compress(image.to_bytes(), compresslevel=9, mtime=0))


def _placed(
    labels: NDArray[np.uint8],
    own: NDArray[np.float64],
    shape: tuple[int, ...],
    affine: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """Put labels on another grid of the same voxels; beyond their own there are none."""
    shift = np.rint(own[:3, 3] - affine[:3, 3]).astype(int)
    to, of = [], []
    for at, count, room in zip(shift, labels.shape, shape, strict=True):
        to.append(slice(max(at, 0), min(at + count, room)))
        of.append(slice(max(-at, 0), min(count, room - at)))
    placed = np.zeros(shape, np.uint8, order="F")
    placed[tuple(to)] = labels[tuple(of)]
    return placed
