"""The entropy of atlases side by side, 3-D ones cut at the planes that correspond to key slices.

References
----------
Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y, Table 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import Atlas
from atlas_builder.catalogue.entries import read_atlases
from atlas_builder.core.anatomy import LEVELS, Level
from atlas_builder.io.nifti.images import read_scan
from atlas_builder.metrics.entropy import shannon_entropy
from atlas_builder.metrics.tables import Cell, Table
from atlas_builder.validation.reference_planes import find_planes
from atlas_builder.validation.reference_volume import read_volume


@dataclass(frozen=True)
class ImageEntropy:
    """The entropy of one image.

    Attributes
    ----------
    name : str
        Of the file or the atlas.
    level : {'BGL', 'SGL'} or None
        Of an atlas or a plane; None for a file as it is.
    bits : float
        See `shannon_entropy`.
    brain_bits : float
        The same of the pixels that are not 0 alone, which does not depend on how much background
        there is around the brain; NaN for a file as it is.
    remark : str
        How a plane was chosen; empty for anything else.
    """

    name: str
    level: Level | None
    bits: float
    brain_bits: float = float("nan")
    remark: str = ""


def entropies_of(source: str, planes_of: Atlas | None) -> list[ImageEntropy]:
    """Return the entropies of an image file, of an atlas, or of planes of a volume.

    Parameters
    ----------
    source : str
        An image file; an atlas folder, a folder of several or an atlas's name.
    planes_of : Atlas or None
        The atlas at whose levels volumes are cut; without it, a volume is one image.

    Raises
    ------
    InputError
        There is no such file or atlas, or a volume has no such planes.
    """
    path = Path(source)
    if not path.is_file() and not path.name.endswith((".nii", ".nii.gz", ".hdr", ".img")):
        return [
            _entropy_of_key_slice(_full_name(atlas), level, content.image)
            for atlas in read_atlases(source).values()
            for level, content in atlas.levels.items()
        ]
    scan = read_scan(path)
    if planes_of is None or len(scan) == 1:
        return [ImageEntropy(source, None, shannon_entropy(scan.data))]
    return _entropies_of_planes(path, planes_of)


def _entropy_of_key_slice(
    name: str, level: Level, image: NDArray[np.float32], remark: str = ""
) -> ImageEntropy:
    """Return the entropy of a brain on the key-slice grid, in whole HU as atlas files hold it."""
    whole = np.rint(image)
    return ImageEntropy(
        name, level, shannon_entropy(whole), shannon_entropy(whole[image != 0]), remark
    )


def _full_name(atlas: Atlas) -> str:
    group = str(atlas.age_group)
    return atlas.name if group in atlas.name else f"{atlas.name} {group}"


def _entropies_of_planes(path: Path, atlas: Atlas) -> list[ImageEntropy]:
    """Return the entropies of the planes of a volume."""
    volume = read_volume(path)
    return [
        _entropy_of_key_slice(
            str(path),
            level,
            plane.key.image,
            f"{volume.reading}; plane {plane.height_mm:g} mm above the lowest slice, pitch "
            f"{plane.pitch_deg:g}°, correlation {plane.fit:.2f}",
        )
        for level, plane in find_planes(volume, atlas).items()
    ]


def entropy_table(entropies: Iterable[ImageEntropy]) -> Table:
    """Table 2: an atlas a row, a level a column; files as they are have a column of their own.

    Parameters
    ----------
    entropies : iterable of ImageEntropy
        From `entropies_of`, in bits; images of one name share a row.

    Returns
    -------
    Table
    """
    rows: dict[str, dict[Level | None, ImageEntropy]] = {}
    for entropy in entropies:
        rows.setdefault(entropy.name, {})[entropy.level] = entropy
    columns: Sequence[Level | None] = [
        level for level in (*LEVELS, None) if any(level in of_image for of_image in rows.values())
    ]
    levels = [level for level in columns if level is not None]
    nothing = ImageEntropy("", None, float("nan"))
    cells: list[tuple[Cell, ...]] = []
    for name, of_image in rows.items():
        bits = [of_image.get(level, nothing).bits for level in columns]
        brain = [of_image.get(level, nothing).brain_bits for level in levels]
        cells.append((Path(name).name, *bits, *brain))
    remarks = [
        f"{Path(name).name}, {level}: {entropy.remark}."
        for name, of_image in rows.items()
        for level, entropy in of_image.items()
        if entropy.remark
    ]
    return Table(
        "table2_entropy",
        "Shannon entropy of templates in bits; the lower, the sharper",
        (
            "image",
            *(level or "whole file" for level in columns),
            *(f"{level}, brain only" for level in levels),
        ),
        tuple(cells),
        " ".join(
            [
                "Min-max to 0-255, 256 bins, background included as published; it counts, so only "
                "images with the same share of background compare. Brain only: without it.",
                *remarks,
            ]
        ),
    )
