"""Mass effect: how far the middle of the brain lies off the middle of the skull.

The middle of the skull is the middle of its inner table on every slice; that of the brain is where
its deep parts (ventricles, septum, basal ganglia) are most alike on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.other_findings.coarse_head import CoarseHead
from atlas_builder.core.anatomy import Side
from atlas_builder.core.flags import Flag

_LEAST_MM = 6.0  # skulls are uneven: the middles of unshifted brains lie up to 4.5 mm off
_DEEP = (1, 2, 3, 11, 12, 13)  # caudate, lentiform nucleus, internal capsule
_WIDTH_MM, _REACH_MM, _STEP_MM = 26.0, 14.0, 0.5
_FRONT_MM = (-32.0, 32.0)
_CLIP_HU = (0.0, 50.0)


@dataclass(frozen=True)
class MidlineShift:
    """How far the middle of the brain lies off that of the skull.

    Attributes
    ----------
    mm : float
        Positive towards the patient's left.
    index : int
        The scan's slice that shows the most.
    """

    mm: float
    index: int

    @property
    def side(self) -> Side:
        """Towards which side."""
        return "left" if self.mm > 0 else "right"


def measure_shift(head: CoarseHead) -> MidlineShift | None:
    """Measure the shift of the midline.

    Parameters
    ----------
    head : CoarseHead
        The head.

    Returns
    -------
    MidlineShift or None
        The median of the three neighbouring slices with the most; None where less than three
        slices can be measured.
    """
    measured = []
    for index in np.flatnonzero(np.isin(head.labels, _DEEP).any(axis=(0, 1))):
        shift = _shift_on(head, int(index))
        if shift is not None:
            measured.append((index, shift))
    if len(measured) < 3:
        return None
    shifts = np.array([shift for _, shift in measured])
    steady = ndimage.median_filter(shifts, 3, mode="nearest")[1:-1]
    most = int(np.abs(steady).argmax())
    return MidlineShift(float(steady[most]), int(head.indices[measured[most + 1][0]]))


def find_mass_effect(head: CoarseHead) -> Iterator[Flag]:
    """Tell a shifted midline.

    Parameters
    ----------
    head : CoarseHead
        The head.

    Yields
    ------
    Flag
        ``midline-shift``, at most one.
    """
    shift = measure_shift(head)
    if shift is None or abs(shift.mm) < _LEAST_MM:
        return
    yield Flag(
        "midline-shift",
        f"the middle of the brain lies {abs(shift.mm):.0f} mm off that of the skull, to the "
        f"{shift.side}, on slice {shift.index}: swelling or a mass; early ischaemia shifts "
        "nothing, read the scan",
    )


def _shift_on(head: CoarseHead, index: int) -> float | None:
    """Return the shift on one slice, mm."""
    inside = head.inside[:, :, index]
    lateral, front = head.lateral[:, :, index], head.front[:, :, index]
    rows: NDArray[np.float64] = np.arange(*_FRONT_MM, dtype=np.float64)
    lefts, rights = _edges(inside, lateral, front, rows)
    if np.isnan(lefts).mean() > 0.3:
        return None
    skull = np.nanmedian((lefts + rights) / 2)
    image = _straightened(np.clip(head.smooth[:, :, index], *_CLIP_HU), lateral, front, rows)
    across = np.arange(-_REACH_MM, _REACH_MM + _STEP_MM / 2, _STEP_MM)
    costs = [_asymmetry(image, skull + shift) for shift in across]
    best = int(np.argmin(costs))
    return float(across[best])


def _edges(
    inside: NDArray[np.bool_],
    lateral: NDArray[np.float32],
    front: NDArray[np.float32],
    rows: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far the inside of the skull reaches to the left and to the right in each row."""
    lefts, rights = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    number = np.floor(front[inside] - rows[0]).astype(np.intp)
    kept = (number >= 0) & (number < len(rows))
    order = number[kept]
    values = lateral[inside][kept].astype(np.float64)
    most, least = np.full(len(rows), -np.inf), np.full(len(rows), np.inf)
    np.maximum.at(most, order, values)
    np.minimum.at(least, order, values)
    met = np.isfinite(most)
    lefts[met], rights[met] = most[met], least[met]
    return lefts, rights


_ACROSS = np.arange(-48.0, 48.5, _STEP_MM)


def _straightened(
    image: NDArray[np.float32],
    lateral: NDArray[np.float32],
    front: NDArray[np.float32],
    rows: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return a slice over rows towards the front and places across, the middle plane upright."""
    columns, lines = np.indices(image.shape)
    design = np.stack([lateral.ravel(), front.ravel(), np.ones(image.size)], axis=1)[::97]
    to_column, to_line = (
        np.linalg.lstsq(design, axis.ravel()[::97], rcond=None)[0] for axis in (columns, lines)
    )
    across, along = np.meshgrid(_ACROSS, rows)
    places = np.stack([across * a + along * b + c for a, b, c in (to_column, to_line)])
    return np.asarray(ndimage.map_coordinates(image, places, order=1, mode="nearest"), np.float32)


def _asymmetry(image: NDArray[np.float32], middle: float) -> float:
    """Return how far both sides of a place differ: mean absolute difference, HU."""
    centre = round((middle - _ACROSS[0]) / _STEP_MM)
    half = int(_WIDTH_MM / _STEP_MM)
    if centre - half < 0 or centre + half >= image.shape[1]:
        return np.inf
    left = image[:, centre : centre + half + 1]
    right = image[:, centre - half : centre + 1][:, ::-1]
    return float(np.abs(left - right).mean())
