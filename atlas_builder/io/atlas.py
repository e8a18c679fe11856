"""Atlas folders: a template, its regions and their probabilities for each level."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.anatomy import LEVELS, AgeGroup, Level
from atlas_builder.errors import InputError
from atlas_builder.io.files import replacing, sha256_of
from atlas_builder.io.nifti import read_labels, read_scan, write_image

METADATA = "atlas.json"


@dataclass(frozen=True)
class AtlasLevel:
    """One level of an atlas, in the layout of `atlas_builder.io.scan.Slice`.

    Attributes
    ----------
    image : ndarray of float32, shape (nx, ny)
        The template in HU; 0 outside the brain. Files hold whole HU.
    labels : ndarray of uint8, shape (nx, ny)
        The regions, the same values on both sides.
    affine : ndarray, shape (4, 4)
        From ``(i, j, 0, 1)`` to RAS+ mm.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    affine: NDArray[np.float64]


@dataclass(frozen=True)
class Atlas:
    """An age group's atlas.

    Attributes
    ----------
    age_group : AgeGroup
        Whom it is for.
    levels : dict of level to AtlasLevel
        BGL and SGL.
    """

    age_group: AgeGroup
    levels: dict[Level, AtlasLevel]


def image_name(level: Level, kind: str, age_group: AgeGroup) -> str:
    """Return the name of an atlas file; `kind` is ``image``, ``label`` or ``probseg``."""
    return f"{level}_{kind}_{age_group.stem}.nii.gz"


def write_level(
    folder: Path,
    level: Level,
    age_group: AgeGroup,
    content: AtlasLevel,
    probabilities: NDArray[np.float32],
) -> list[Path]:
    """Write a level's three files and return their paths.

    Parameters
    ----------
    folder : Path
        An existing folder.
    level, age_group
        What the files are named after.
    content : AtlasLevel
        The image is rounded to whole HU.
    probabilities : ndarray of float32, shape (regions, nx, ny)
        Of each region of the level in label order; the fourth axis of the file.
    """
    maps: dict[str, NDArray[np.generic]] = {
        "image": np.rint(content.image).astype(np.int16),
        "label": content.labels,
        "probseg": np.moveaxis(probabilities, 0, -1),
    }
    paths = []
    for kind, data in maps.items():
        paths.append(folder / image_name(level, kind, age_group))
        write_image(paths[-1], data, content.affine)
    return paths


def write_metadata(folder: Path, metadata: dict[str, object], files: list[Path]) -> None:
    """Write ``atlas.json``, the mark of a finished atlas, with the checksums of its files."""
    checksums = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
    with replacing(folder / METADATA) as partial:
        partial.write_text(json.dumps(metadata | {"sha256": checksums}, indent=2) + "\n", "utf-8")


def read_metadata(folder: Path) -> dict[str, object] | None:
    """Return what ``atlas.json`` says; None where there is none.

    Raises
    ------
    InputError
        It is not JSON.
    """
    path = folder / METADATA
    if not path.exists():
        return None
    try:
        metadata = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); build again") from None
    if not isinstance(metadata, dict):
        raise InputError(f"{path}: not the description of an atlas; build again")
    return metadata


def read_atlas(folder: Path) -> Atlas:
    """Read an atlas folder.

    Raises
    ------
    InputError
        The folder holds no finished atlas, or a file of it is missing or damaged.
    """
    folder = Path(folder)
    metadata = read_metadata(folder)
    if metadata is None:
        raise InputError(f"{folder}: no {METADATA} in it; give the folder of a finished atlas")
    try:
        age_group = AgeGroup.parse(str(metadata.get("age_group")))
    except InputError as error:
        raise InputError(f"{folder / METADATA}: {error}") from None
    levels: dict[Level, AtlasLevel] = {}
    for level in LEVELS:
        image = read_scan(folder / image_name(level, "image", age_group))
        labels = read_labels(folder / image_name(level, "label", age_group))
        if image.data.shape != labels.data.shape or len(image) != 1:
            raise InputError(f"{folder}: the {level} image and labels do not match; build again")
        levels[level] = AtlasLevel(
            np.asarray(image[0].data, np.float32),
            np.asarray(labels[0].data, np.uint8),
            image.affines[0],
        )
    return Atlas(age_group, levels)
