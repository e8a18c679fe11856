"""Atlas folders: a template, its regions and their probabilities for each level."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import LEVELS, AgeGroup, Level, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.images import read_labels, read_maps, read_scan, write_image
from atlas_builder.runtime.files import sha256_of, write_json

METADATA = "atlas.json"
_PROVENANCE = ("source", "licence", "citation")


@dataclass(frozen=True)
class AtlasLevel:
    """One level of an atlas, in the layout of `atlas_builder.core.scan.Slice`.

    Attributes
    ----------
    image : ndarray of float32, shape (nx, ny)
        The template in HU; 0 outside the brain. Files hold whole HU.
    labels : ndarray of uint8, shape (nx, ny)
        The regions, the same values on both sides.
    affine : ndarray, shape (4, 4)
        From ``(i, j, 0, 1)`` to RAS+ mm.
    probabilities : ndarray of float32, shape (regions, nx, ny), or None
        The share of votes of each region of the level, in label order; None where the atlas was
        published without them.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    affine: NDArray[np.float64]
    probabilities: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Atlas:
    """An age group's atlas.

    Attributes
    ----------
    age_group : AgeGroup
        Whom it is for.
    levels : dict of level to AtlasLevel
        BGL and SGL.
    name : str
        What it is called: its name in the catalogue, else that of its folder.
    simulated : bool
        Whether it was built from simulated participants.
    provenance : mapping of str to str
        Where it comes from: ``source``, ``licence`` and ``citation`` where ``atlas.json`` gives
        them, and ``sha256``, the checksum of ``atlas.json``, which pins every file.
    """

    age_group: AgeGroup
    levels: dict[Level, AtlasLevel]
    name: str = "unnamed"
    simulated: bool = False
    provenance: Mapping[str, str] = field(default_factory=dict)


def image_name(level: Level, kind: str, age_group: AgeGroup) -> str:
    """Return the name of an atlas file.

    Parameters
    ----------
    level : {'BGL', 'SGL'}
        Which level.
    kind : {'image', 'label', 'probseg'}
        Template, regions or probabilities of the regions.
    age_group : AgeGroup
        Of the atlas.

    Returns
    -------
    str
        Such as ``BGL_image_50_69.nii.gz``.
    """
    return f"{level}_{kind}_{age_group.stem}.nii.gz"


def write_level(folder: Path, level: Level, age_group: AgeGroup, content: AtlasLevel) -> list[Path]:
    """Write a level's files and return their paths.

    Parameters
    ----------
    folder : Path
        An existing folder.
    level, age_group
        What the files are named after.
    content : AtlasLevel
        The image is rounded to whole HU; probabilities become the fourth axis of a file of their
        own, where there are any.
    """
    maps: dict[str, NDArray[np.generic]] = {
        "image": np.rint(content.image).astype(np.int16),
        "label": content.labels,
    }
    if content.probabilities is not None:
        maps["probseg"] = np.moveaxis(content.probabilities, 0, -1)
    paths = []
    for kind, data in maps.items():
        paths.append(folder / image_name(level, kind, age_group))
        write_image(paths[-1], data, content.affine)
    return paths


def write_metadata(folder: Path, metadata: dict[str, object], files: list[Path]) -> None:
    """Write ``atlas.json``, the mark of a finished atlas, with the checksums of its files.

    Parameters
    ----------
    folder : Path
        The atlas folder; it must exist.
    metadata : dict
        Content of the file as JSON can hold it, without the key ``sha256``.
    files : list of Path
        All other files of the atlas, inside `folder`.

    Raises
    ------
    OSError
        A file cannot be read, or ``atlas.json`` cannot be written.
    """
    checksums = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
    write_json(folder / METADATA, metadata | {"sha256": checksums})


def read_metadata(folder: Path) -> dict[str, object] | None:
    """Return the content of ``atlas.json``; None where there is none.

    Parameters
    ----------
    folder : Path
        The atlas folder.

    Returns
    -------
    dict or None

    Raises
    ------
    InputError
        It cannot be read, or is not a JSON object.
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

    Parameters
    ----------
    folder : Path
        With ``atlas.json`` and the images, labels and probabilities of both levels.

    Returns
    -------
    Atlas

    Raises
    ------
    InputError
        The folder holds no finished atlas, or a file of it is missing or not the one that
        ``atlas.json`` has the checksum of.
    """
    folder = Path(folder)
    metadata = read_metadata(folder)
    if metadata is None:
        raise InputError(f"{folder}: no {METADATA} in it; give the folder of a finished atlas")
    try:
        age_group = AgeGroup.parse(str(metadata.get("age_group")))
    except InputError as error:
        raise InputError(f"{folder / METADATA}: {error}") from None
    checksums = metadata.get("sha256")
    if not isinstance(checksums, dict):
        raise InputError(f"{folder / METADATA}: lists no checksums; build again")
    provenance = {key: str(metadata[key]) for key in _PROVENANCE if metadata.get(key)}
    return Atlas(
        age_group,
        {level: _read_level(folder, level, age_group, checksums) for level in LEVELS},
        name=str(metadata.get("name") or folder.resolve().name),
        simulated=metadata.get("simulated") is True,
        provenance=provenance | {"sha256": sha256_of(folder / METADATA)},
    )


def _read_level(
    folder: Path, level: Level, age_group: AgeGroup, checksums: Mapping[str, object]
) -> AtlasLevel:
    paths = {
        kind: folder / image_name(level, kind, age_group) for kind in ("image", "label", "probseg")
    }
    has_probabilities = paths["probseg"].name in checksums
    for kind, path in paths.items():
        if kind != "probseg" or has_probabilities:
            _verify(path, checksums.get(path.name))
    image, labels = read_scan(paths["image"]), read_labels(paths["label"])
    regions = len(regions_of(level))
    maps = read_maps(paths["probseg"], regions) if has_probabilities else None
    shapes = {scan.data.shape for scan in (image, labels)}
    if maps is not None:
        shapes.add((*maps.shape[1:], 1))
    if len(shapes) != 1 or len(image) != 1:
        raise InputError(f"{folder}: the {level} image and labels do not match; build again")
    return AtlasLevel(
        np.asarray(image[0].data, np.float32),
        np.asarray(labels[0].data, np.uint8),
        image.affines[0],
        maps,
    )


def _verify(path: Path, checksum: object) -> None:
    """Refuse a file that is not the one the atlas was finished with."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; copy the whole atlas folder, or build again")
    try:
        found = sha256_of(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check access") from None
    if found != checksum:
        raise InputError(
            f"{path}: not the file its atlas was finished with (its checksum differs from that in "
            f"{METADATA}); copy the atlas folder again, or build again"
        )
