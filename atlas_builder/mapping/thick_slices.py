"""Thick slices from thin ones, so that a key slice has the noise that atlases are made for.

Key slices of head CT are 5 mm thick. One of 0.6-1 mm has two to three times the noise, which hides
the difference of grey and white matter from a registration; blurring in plane would hide borders
instead. The thin slices about a key slice hold what one thick slice would have shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.core.rounding import rounded_to
from atlas_builder.core.scan import Scan, Slice
from atlas_builder.preprocessing.brain import brain_of_stripped

THICKNESS_MM = 5.0
"""Of the slices that head CT is read on."""

THIN_MM = 3.0
"""Slices that lie as far apart or farther are used as they are."""

_LEAST_SHARE_MM = 0.01
_PADDING_HU = -1024.0
# Rounded positions give the same average, and slices of 3 mm are not thin by rounding.
_HEIGHT_STEP_MM = 2.0**-7
_OFFSET_STEP = 2.0**-6  # of a pixel

Image = NDArray[np.float32]


@dataclass(frozen=True)
class ThickSlice:
    """A key slice, averaged with its neighbours where they are thin.

    Attributes
    ----------
    slice : Slice
        float32 HU on the pixels, and with the affine, of the slice that was chosen.
    count : int
        How many slices are in it; 1 where it was used as it is.
    thickness_mm : float
        How much of the scan they cover along the normal; 0 where it was used as it is.
    """

    slice: Slice
    count: int = 1
    thickness_mm: float = 0.0


def read_thick_slices(
    read: Callable[[Sequence[int]], Scan],
    affines: NDArray[np.float64],
    indices: Sequence[int],
) -> list[ThickSlice]:
    """Read slices of a scan, each averaged to 5 mm where the scan's are thin.

    Parameters
    ----------
    read : callable
        Returns some slices of the scan by their indices, in HU.
    affines : ndarray, shape (slices, 4, 4)
        Of all slices of the scan, in its order, which may run either way and unevenly.
    indices : sequence of int
        The slices to read, 0-based.
    """
    shares = [covered_mm(affines, index) for index in indices]
    needed = sorted({place for share in shares for place in share})
    scan = read(needed)
    at = {index: scan[place] for place, index in enumerate(needed)}
    return [
        _average(at, index, share) if len(share) > 1 else ThickSlice(at[index])
        for index, share in zip(indices, shares, strict=True)
    ]


def covered_mm(affines: NDArray[np.float64], index: int) -> dict[int, float]:
    """Return which slices lie in 5 mm about a slice, and how much of it each covers in mm.

    A slice stands for half the way to its nearer neighbour on either side, so that a gap in the
    scan is not filled by the slices at its edges.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        Of all slices of the scan.
    index : int
        The slice in the middle.

    Returns
    -------
    mapping of int to float
        By index; only `index` itself where the nearest slice is 3 mm away or farther.
    """
    heights = rounded_to(
        (affines[:, :3, 3] - affines[index, :3, 3]) @ affines[index, :3, 2], _HEIGHT_STEP_MM
    )
    order = np.argsort(heights, kind="stable")
    gaps = np.concatenate([[np.inf], np.diff(heights[order]), [np.inf]])
    spacing = np.empty_like(heights)
    spacing[order] = np.minimum(gaps[:-1], gaps[1:])
    if not _LEAST_SHARE_MM < spacing[index] < THIN_MM:
        return {index: THICKNESS_MM}
    half = THICKNESS_MM / 2
    covered = np.minimum(heights + spacing / 2, half) - np.maximum(heights - spacing / 2, -half)
    inside = np.flatnonzero(covered > _LEAST_SHARE_MM)
    return {int(place): float(covered[place]) for place in inside}


def _average(at: Mapping[int, Slice], index: int, share: Mapping[int, float]) -> ThickSlice:
    """Average slices on the pixels of one; what is background there stays as it is."""
    centre = at[index]
    own = np.asarray(centre.data, np.float32)
    total = np.zeros(own.shape, np.float64)
    weight = np.zeros(own.shape, np.float64)
    for place, mm in share.items():
        other = at[place]
        hu = np.asarray(other.data, np.float32)
        shows = _shown(hu, other.spacing)
        offset = _offset(centre, other)
        values = ndi.shift(np.where(shows, hu, 0), offset, order=1, mode="constant", cval=0)
        there = ndi.shift(shows.astype(np.float32), offset, order=1, mode="constant", cval=0)
        total += mm * values
        weight += mm * there
    shown = _shown(own, centre.spacing)
    mean = np.where(shown, total / np.where(shown, weight, 1), own).astype(np.float32)
    return ThickSlice(Slice(mean, centre.affine), len(share), sum(share.values()))


def _offset(centre: Slice, other: Slice) -> tuple[float, float]:
    """Return where a slice's first pixel lies on the pixels of another, seen along the normal.

    In a tilted stack that is not where that one's own first pixel lies.
    """
    away = other.affine[:3, 3] - centre.affine[:3, 3]
    along, down = rounded_to(
        [away @ centre.affine[:3, axis] / size**2 for axis, size in enumerate(centre.spacing)],
        _OFFSET_STEP,
    )
    return float(along), float(down)


def _shown(hu: Image, spacing: tuple[float, float]) -> NDArray[np.bool_]:
    """Return which pixels hold an image: no padding, and of a stripped brain no background."""
    brain = brain_of_stripped(hu, spacing)
    return hu > _PADDING_HU if brain is None else brain
