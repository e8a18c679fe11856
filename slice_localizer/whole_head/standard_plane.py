"""The plane that atlases are made for, and how far a scan's slices are pitched against it.

Radiographers tilt the gantry or reformat thin slices until they run along the skull base; where
neither was done, slices of a head with its chin down or up show other parts of the brain than an
atlas does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_regions import BGL_PITCH
from atlas_builder.core.anatomy import SGL_ABOVE_BGL_MM
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.mapping.thick_slices import THICKNESS_MM
from slice_localizer.alignment.gauss_newton import Array
from slice_localizer.alignment.level import LEAST_CORRELATION, LevelAlignment
from slice_localizer.alignment.standard_head import BRAIN_WINDOW, load_standard_head
from slice_localizer.positions import heights_of, normal_of

LEAST_PITCH_DEG = 6.0
"""From about there on one slice crosses the border of M1-M3 with M4-M6 within the brain."""

THIN_MM = 2.5
"""Slices that lie farther apart do not hold what is between them."""

_ROUNDING_MM = 0.01


def pitch_of(affines: NDArray[np.float64], alignment: LevelAlignment) -> float:
    """Return the angle about the left-right axis between slices and the atlas's plane.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        Of each slice, as in `Scan`.
    alignment : LevelAlignment
        Of the standard head with the scan.

    Returns
    -------
    float
        In degrees, by how much the slices' front lies above their back against that plane;
        negative where it lies below.
    """
    # Planes are carried by the transpose of what carries points back.
    normal = alignment.affine[:3, :3].T @ affines[0, :3, 2]
    return float(np.degrees(np.arctan2(-normal[1], normal[2]))) - BGL_PITCH


def remarks_on_pitch(scan: Scan, alignment: LevelAlignment) -> tuple[Flag, ...]:
    """Remark on a pitched head.

    Parameters
    ----------
    scan : Scan
        All slices.
    alignment : LevelAlignment
        Of the standard head with it.

    Returns
    -------
    tuple of Flag
        ``pitched-head``, with the angle.
    """
    pitch = pitch_of(scan.affines, alignment)
    if alignment.correlation < LEAST_CORRELATION or abs(pitch) < LEAST_PITCH_DEG:
        return ()
    return (
        Flag(
            "pitched-head",
            f"{pitch_in_words(pitch)}: each slice shows other parts of the brain than the atlas "
            "does; check each region by eye, or give thin slices, or slices along the skull base",
        ),
    )


def to_be_levelled(scan: Scan, alignment: LevelAlignment) -> bool:
    """Tell whether a head is pitched, and the scan thin and long enough for `level_scan`.

    Parameters
    ----------
    scan : Scan
        All slices.
    alignment : LevelAlignment
        Of the standard head with it.
    """
    apart = float(np.median(np.diff(np.sort(heights_of(scan.affines)))))
    return (
        apart <= THIN_MM + _ROUNDING_MM
        and alignment.correlation >= LEAST_CORRELATION
        and not alignment.upside_down
        and abs(pitch_of(scan.affines, alignment)) >= LEAST_PITCH_DEG
        and _holds_key_slices(scan, alignment)
    )


def standard_plane(scan: Scan, alignment: LevelAlignment) -> Array:
    """Return the directions of the atlas's plane in a scan.

    Parameters
    ----------
    scan : Scan
        All slices.
    alignment : LevelAlignment
        Of the standard head with it.

    Returns
    -------
    ndarray, shape (3, 3)
        Unit vectors in RAS+, as columns: to the left as far as the scan's columns run so, to the
        back, and upwards along the normal.
    """
    tilt = np.radians(BGL_PITCH)
    normal = np.linalg.inv(alignment.affine[:3, :3]).T @ (0.0, -np.sin(tilt), np.cos(tilt))
    normal /= np.linalg.norm(normal)
    left = scan.affines[0, :3, 0] - (scan.affines[0, :3, 0] @ normal) * normal
    left /= np.linalg.norm(left)
    return np.column_stack([left, np.cross(normal, left), normal])


def pitch_in_words(pitch: float) -> str:
    """Return by how much and which way slices are pitched.

    Parameters
    ----------
    pitch : float
        Degrees, from `pitch_of`.
    """
    return (
        f"the slices are pitched by {abs(pitch):.0f} degrees against the atlas's plane, their "
        f"front {'above' if pitch > 0 else 'below'} it"
    )


def _holds_key_slices(scan: Scan, alignment: LevelAlignment) -> bool:
    """Tell whether the brain lies in the scan where the reformatted key slices will cross it."""
    head = load_standard_head()
    brain = head.grid.points()[:, head.stripped_hu > BRAIN_WINDOW[0]]
    points = alignment.affine[:3, :3] @ brain + alignment.affine[:3, 3:]
    above = standard_plane(scan, alignment)[:, 2] @ (points - alignment.point[:, np.newaxis])
    near = [np.abs(above - mm) < THICKNESS_MM / 2 for mm in (0.0, SGL_ABOVE_BGL_MM)]
    heights = heights_of(scan.affines)
    crossed = normal_of(scan.affines) @ points[:, near[0] | near[1]]
    return bool(
        crossed.min() > heights.min() - THICKNESS_MM
        and crossed.max() < heights.max() + THICKNESS_MM
    )
