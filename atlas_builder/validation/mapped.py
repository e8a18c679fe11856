"""The regions of every atlas and of every rater on a participant's scan, for validation.

Mapping is the costly part, so what comes of it is kept in one file a participant; measures are
taken from that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import Atlas, AtlasLevel
from atlas_builder.cohorts.labelled_scans import LabelledSlice, Participant, read_labelled_slices
from atlas_builder.core.anatomy import LEVELS, Level, Region
from atlas_builder.core.errors import InputError
from atlas_builder.core.transform import apply_affine
from atlas_builder.mapping.level import carry_regions, map_level
from atlas_builder.preprocessing.key_slice import KeySlice, key_slice_grid, make_key_slice
from atlas_builder.runtime.files import replacing

_SHOWN_HU = (0.0, 80.0)


@dataclass(frozen=True)
class MappedLevel:
    """One key slice with the regions of every source, on the scan's own pixels.

    Attributes
    ----------
    spacing : tuple of float
        Pixel size in mm along each axis.
    left : ndarray of bool, shape (columns, rows)
        The patient's left, as the atlas's midline falls on the slice.
    regions : mapping of str to ndarray of uint8, shape (columns, rows)
        Region values 1-10 of each source, the same on both sides; atlases first.
    to_slice : ndarray, shape (3, 3)
        From pixels of the key slice to pixels of the scan's slice, as in `KeySlice`.
    brain : ndarray of uint8, shape (460, 460)
        The key slice, 0-80 HU as 0-255, for reports.
    """

    spacing: tuple[float, float]
    left: NDArray[np.bool_]
    regions: Mapping[str, NDArray[np.uint8]]
    to_slice: NDArray[np.float64]
    brain: NDArray[np.uint8]


@dataclass(frozen=True)
class MappedParticipant:
    """What mapping made of a participant.

    Attributes
    ----------
    levels : mapping of level to MappedLevel
        Empty when the participant cannot be used.
    refusal : str or None
        Why the participant cannot be used, in one line.
    """

    levels: Mapping[Level, MappedLevel]
    refusal: str | None = None


@dataclass(frozen=True)
class MappingTask:
    """A participant to map atlases onto.

    Attributes
    ----------
    participant : Participant
        With labels of every rater.
    atlases : mapping of str to Atlas
        By the name that tables give them; the midline is that of the first.
    raters : tuple of str
        Whose labels to read.
    """

    participant: Participant
    atlases: Mapping[str, Atlas]
    raters: tuple[str, ...]


def map_participant(task: MappingTask) -> MappedParticipant:
    """Read what every rater drew on a participant, and carry every atlas onto the same slices.

    All raters must have drawn on the same slices of the scan, so that they can be compared.

    Parameters
    ----------
    task : MappingTask
        The participant, at least one atlas and at least one rater.

    Returns
    -------
    MappedParticipant
        With a refusal instead of levels where an `InputError` was raised.

    Raises
    ------
    RegistrationError
        ANTs found no transform.
    """
    try:
        drawn = {rater: read_labelled_slices(task.participant, rater) for rater in task.raters}
        levels = {}
        for level in LEVELS:
            of_raters = {rater: slices[level] for rater, slices in drawn.items()}
            try:
                levels[level] = _map_level(level, of_raters, task.atlases)
            except InputError as error:
                name = task.participant.folder.name
                raise InputError(f"{name}, {level} slice: {error}") from None
    except InputError as error:
        return MappedParticipant({}, str(error))
    return MappedParticipant(levels)


def _map_level(
    level: Level, drawn: Mapping[str, LabelledSlice], atlases: Mapping[str, Atlas]
) -> MappedLevel:
    first, *others = drawn
    ct = drawn[first].ct
    for rater in others:
        if not np.allclose(drawn[rater].ct.affine, ct.affine, atol=1e-3):
            raise InputError(
                f"{rater} drew on another slice than {first}; raters are compared on one slice"
            )
    key = make_key_slice(ct)
    columns, rows = ct.data.shape
    regions: dict[str, NDArray[np.uint8]] = {}
    left: NDArray[np.bool_] | None = None
    for name, atlas in atlases.items():
        carried, side = _carried(atlas.levels[level], level, key, (columns, rows))
        regions[name] = carried
        left = side if left is None else left
    if left is None:
        raise ValueError("no atlas to map")
    regions |= {rater: np.asarray(of.labels.data, np.uint8) for rater, of in drawn.items()}
    grey = np.rint(np.clip(key.image, *_SHOWN_HU) * (255 / _SHOWN_HU[1])).astype(np.uint8)
    return MappedLevel(ct.spacing, left, regions, key.to_slice, grey)


def _carried(
    atlas: AtlasLevel, level: Level, key: KeySlice, shape: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return an atlas's regions on a slice's own pixels, and which pixels are on its left."""
    transform = map_level(atlas, key)
    carried = carry_regions(atlas, level, transform, key, shape).regions
    grid = key_slice_grid()
    pixels = apply_affine(np.linalg.inv(key.to_slice), np.indices(shape, dtype=np.float64))
    points = pixels * grid.spacing + np.reshape(grid.origin, (2, 1, 1))
    return both_sides_alike(carried), transform.to_template(points)[0] > 0


def both_sides_alike(regions: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a map on a scan, 1-10 on the left and 11-20 on the right, with 1-10 on both sides.

    Parameters
    ----------
    regions : ndarray of uint8, shape (columns, rows)
        0-20.

    Returns
    -------
    ndarray of uint8, shape (columns, rows)
        0-10.
    """
    return np.where(regions > len(Region), regions - len(Region), regions).astype(np.uint8)


def save_mapped(path: Path, mapped: MappedParticipant) -> None:
    """Write a mapped participant as one ``.npz`` file without pickles.

    Parameters
    ----------
    path : Path
        The file; one that is there is replaced. Its folder must exist.
    mapped : MappedParticipant
        What to write.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    sources: dict[str, list[str]] = {}
    for level, content in mapped.levels.items():
        sources[level] = list(content.regions)
        arrays |= {
            f"{level}_spacing": np.asarray(content.spacing),
            f"{level}_left": np.packbits(content.left),
            f"{level}_regions": np.stack(list(content.regions.values())),
            f"{level}_to_slice": content.to_slice,
            f"{level}_brain": content.brain,
        }
    arrays["notes"] = np.array(json.dumps({"sources": sources, "refusal": mapped.refusal}))
    with replacing(path) as partial:
        np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]


def load_mapped(path: Path) -> MappedParticipant:
    """Read back a mapped participant.

    Parameters
    ----------
    path : Path
        A file that `save_mapped` wrote.

    Returns
    -------
    MappedParticipant
    """
    with np.load(path, allow_pickle=False) as arrays:
        notes = json.loads(str(arrays["notes"]))
        levels: dict[Level, MappedLevel] = {}
        for level in LEVELS:
            if level not in notes["sources"]:
                continue
            stack = arrays[f"{level}_regions"]
            shape = stack.shape[1:]
            left = np.unpackbits(arrays[f"{level}_left"], count=int(np.prod(shape)))
            along, down = (float(size) for size in arrays[f"{level}_spacing"])
            levels[level] = MappedLevel(
                (along, down),
                left.reshape(shape).astype(bool),
                dict(zip(notes["sources"][level], stack, strict=True)),
                arrays[f"{level}_to_slice"],
                arrays[f"{level}_brain"],
            )
    return MappedParticipant(levels, notes["refusal"])
