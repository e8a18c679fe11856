"""A participant made ready for building: both key slices with their labels, or why not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.cohorts.labelled_scans import Participant, read_labelled_slices
from atlas_builder.core.anatomy import Level
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Slice
from atlas_builder.preprocessing.key_slice import (
    KEY_SLICE_SHAPE,
    KEY_SLICE_SPACING,
    KeySlice,
    even_box,
    make_key_slice,
    resample_labels,
)
from atlas_builder.runtime.files import replacing

_MM2_PER_CM2 = 100.0
_SHOWN_HU = (0.0, 80.0)


@dataclass(frozen=True)
class PreparedLevel:
    """One key slice of a participant on the key-slice grid.

    Attributes
    ----------
    image : ndarray of float32, shape (460, 460)
        HU; 0 outside the brain.
    labels : ndarray of uint8, shape (460, 460)
        The regions a rater drew.
    head : ndarray of uint8, shape (230, 230)
        The slice before brain extraction, 0-80 HU as 0-255 at 1 mm, for reports.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    head: NDArray[np.uint8]


@dataclass(frozen=True)
class Preparation:
    """What preprocessing made of a participant.

    Attributes
    ----------
    levels : mapping of level to PreparedLevel
        Empty when the participant cannot be used.
    quality : mapping of str to float
        Per level the angle (degrees) and offset (mm) of the midline, the asymmetry left, the brain
        area (cm2) and the first and last brain pixel along both axes.
    refusal : str or None
        Why the participant cannot be used, in one line.
    """

    levels: Mapping[Level, PreparedLevel]
    quality: Mapping[str, float]
    refusal: str | None = None


def prepare(task: tuple[Participant, str]) -> Preparation:
    """Read a participant's key slices and a rater's labels and preprocess them.

    Parameters
    ----------
    task : tuple of Participant and str
        The participant and the rater's name.
    """
    participant, rater = task
    levels: dict[Level, PreparedLevel] = {}
    quality: dict[str, float] = {}
    try:
        for level, drawn in read_labelled_slices(participant, rater).items():
            try:
                key = make_key_slice(drawn.ct)
            except InputError as error:
                raise InputError(f"{participant.folder.name}, {level} slice: {error}") from None
            levels[level] = PreparedLevel(
                key.image, resample_labels(drawn.labels, key), _picture(drawn.ct, key)
            )
            x, y = (np.flatnonzero(key.brain.any(axis=axis)) for axis in (1, 0))
            quality |= {
                f"{level}_angle_deg": key.alignment.angle,
                f"{level}_midline_offset_mm": key.alignment.offset,
                f"{level}_asymmetry": key.alignment.asymmetry,
                f"{level}_brain_area_cm2": float(
                    key.brain.sum() * KEY_SLICE_SPACING**2 / _MM2_PER_CM2
                ),
                f"{level}_x_first": float(x[0]),
                f"{level}_x_last": float(x[-1]),
                f"{level}_y_first": float(y[0]),
                f"{level}_y_last": float(y[-1]),
            }
    except InputError as error:
        return Preparation({}, {}, str(error))
    return Preparation(levels, quality)


def _picture(ct: Slice, key: KeySlice) -> NDArray[np.uint8]:
    """Return the whole head on every second pixel of the key slice, in grey levels."""
    every_second = key.to_slice @ np.diag([2.0, 2.0, 1.0])
    shape = tuple(n // 2 for n in KEY_SLICE_SHAPE)
    hu = np.clip(np.asarray(ct.data, np.float32), *_SHOWN_HU)
    shown = ndimage.affine_transform(hu, every_second, output_shape=shape, order=1)
    return np.rint((shown - _SHOWN_HU[0]) * 255 / np.ptp(_SHOWN_HU)).astype(np.uint8)


def save_preparation(path: Path, preparation: Preparation) -> None:
    """Write a preparation as one ``.npz`` file without pickles.

    Parameters
    ----------
    path : Path
        The file; one that is there is replaced. Its folder must exist.
    preparation : Preparation
        What to write.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    arrays: dict[str, NDArray[np.generic]] = {
        "notes": np.array(
            json.dumps({"quality": dict(preparation.quality), "refusal": preparation.refusal})
        )
    }
    for level, prepared in preparation.levels.items():
        arrays |= {f"{level}_image": prepared.image, f"{level}_labels": prepared.labels}
        arrays[f"{level}_head"] = prepared.head
    with replacing(path) as partial:
        np.savez(partial, **arrays)  # type: ignore[arg-type]


def load_notes(path: Path) -> Preparation:
    """Read back a preparation without its images.

    Parameters
    ----------
    path : Path
        A file that `save_preparation` wrote.

    Returns
    -------
    Preparation
        With quality and refusal; `levels` is empty.
    """
    with np.load(path, allow_pickle=False) as arrays:
        notes = json.loads(str(arrays["notes"]))
    return Preparation({}, notes["quality"], notes["refusal"])


def load_level(path: Path, level: Level) -> PreparedLevel:
    """Read back one level of a usable participant.

    Parameters
    ----------
    path : Path
        A file that `save_preparation` wrote.
    level : {'BGL', 'SGL'}
        Which level.

    Returns
    -------
    PreparedLevel

    Raises
    ------
    KeyError
        The participant was refused, so the file holds no images.
    """
    with np.load(path, allow_pickle=False) as arrays:
        return PreparedLevel(*(arrays[f"{level}_{name}"] for name in ("image", "labels", "head")))


def brain_box(notes: Iterable[Preparation], level: Level) -> tuple[slice, slice]:
    """Return the part of the key-slice grid that holds every brain; see `even_box`."""
    qualities = [preparation.quality for preparation in notes]
    x_ends, y_ends = (
        (
            min(q[f"{level}_{axis}_first"] for q in qualities),
            max(q[f"{level}_{axis}_last"] for q in qualities),
        )
        for axis in "xy"
    )
    return even_box(x_ends, y_ends)
