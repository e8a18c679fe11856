"""How a scan's slices are stacked: evenly or not, straight or tilted, whole or with gaps.

A `Scan` needs no such thing, but a NIfTI file has one affine for all slices, and a reader of the
result wants to know what was unusual.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.flags import Flag

_SEEN_MM = 0.01  # less does not show in a message
_TOLERANCE_PIXELS = 0.1
_ROUNDED_MM = 0.15
"""How far from the line between the outer slices positions written to 0.1 mm put the others: each
lies up to 0.05 mm off its place in height and, where the gantry is tilted, as much in depth."""
_TILT_DEGREES = 1.0
_MISSING = 1.7
"""How many times as wide as the gaps beside it a gap is where a slice is missing."""


def is_even(origins: NDArray[np.float64], tolerance: float) -> bool:
    """Tell whether slice origins lie at equal steps on a line, as a NIfTI affine puts them.

    Parameters
    ----------
    origins : ndarray, shape (slices, 3)
        In mm, in the order of the slices.
    tolerance : float
        How far one may be off, in mm.
    """
    line = np.linspace(origins[0], origins[-1], len(origins))
    return bool(np.linalg.norm(origins - line, axis=1).max() <= tolerance)


def stack_affine(
    affines: NDArray[np.float64], exact_at: tuple[int, int]
) -> tuple[NDArray[np.float64], str | None]:
    """Return the affine of a stack of slices as one volume.

    A tilted stack has a sheared affine, see `shear`. An even stack's is fitted to all slices by
    least squares, as their positions may be rounded. Where the spacing changes no affine is right
    for every slice; the one returned is right at two slices of choice.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        Of each slice, as in `Scan`.
    exact_at : tuple of int
        Two slices by their index.

    Returns
    -------
    affine : ndarray, shape (4, 4)
        From ``(column, row, slice, 1)`` to RAS+ mm.
    note : str or None
        What to know about it, where it is not right for every slice.
    """
    origins = affines[:, :3, 3]
    affine = affines[0].copy()
    if len(affines) == 1:
        return affine, None
    note = None
    if is_even(origins, _tolerance(affines)):
        from_middle = np.arange(len(origins)) - (len(origins) - 1) / 2
        affine[:3, 2] = from_middle @ origins / (from_middle @ from_middle)
        affine[:3, 3] = origins.mean(axis=0) + from_middle[0] * affine[:3, 2]
    else:
        first, second = sorted(exact_at)
        if first == second:
            first, second = (first - 1, first) if first else (0, 1)
        affine[:3, 2] = (origins[second] - origins[first]) / (second - first)
        affine[:3, 3] = origins[first] - first * affine[:3, 2]
        note = (
            "the spacing of the slices changes, which one NIfTI file cannot express: slice k of "
            "the volume is slice k of the scan, and its affine is exact at slices "
            f"{first} and {second} only"
        )
    return affine, note


def tilt_of(affines: NDArray[np.float64]) -> float:
    """Return the angle in degrees between the slices' normal and the way they are stacked.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        Of each slice, as in `Scan`.

    Returns
    -------
    float
        0 to 90 degrees; 0 for a single slice.
    """
    along = affines[-1, :3, 3] - affines[0, :3, 3]
    length = float(np.linalg.norm(along))
    if length == 0:
        return 0.0
    cosine = abs(float(affines[0, :3, 2] @ along)) / length
    return float(np.degrees(np.arccos(min(1.0, cosine))))


def remarks_on_stack(affines: NDArray[np.float64]) -> tuple[Flag, ...]:
    """Return what is unusual about how slices are stacked.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        Of each slice in the scan's order, as in `Scan`.

    Returns
    -------
    tuple of Flag
        ``gantry-tilt``, ``missing-slices``, ``uneven-spacing``.
    """
    if len(affines) < 2:
        return ()
    remarks = []
    tilt = tilt_of(affines)
    if tilt >= _TILT_DEGREES:
        remarks.append(
            Flag("gantry-tilt", f"the slices are tilted by {tilt:.1f} degrees against the stack")
        )
    gaps = np.abs(np.diff(affines[:, :3, 3] @ affines[0, :3, 2]))
    missing = _missing_after(gaps)
    if missing:
        places = ", ".join(f"{index} and {index + 1}" for index in missing)
        remarks.append(
            Flag("missing-slices", f"slices seem to be missing between {places} (a wide gap)")
        )
    if not is_even(affines[:, :3, 3], _tolerance(affines)):
        reason = f"the distance between slices changes from {gaps.min():.2f} to {gaps.max():.2f} mm"
        if np.ptp(gaps) < _SEEN_MM:
            reason = "the slices are shifted against each other within their plane, unevenly"
        remarks.append(Flag("uneven-spacing", reason))
    return tuple(remarks)


def _missing_after(gaps: NDArray[np.float64]) -> list[int]:
    """Return the slices after which a gap is far wider than those on either side of it."""
    beside = np.full(len(gaps) + 2, -np.inf)
    beside[1:-1] = gaps
    widest = np.maximum(beside[:-2], beside[2:])
    return [int(index) for index in np.flatnonzero((gaps > _MISSING * widest) & (widest > 0))]


def _tolerance(affines: NDArray[np.float64]) -> float:
    pixel = float(np.linalg.norm(affines[0, :3, :2], axis=0).min())
    return max(_TOLERANCE_PIXELS * pixel, _ROUNDED_MM)
