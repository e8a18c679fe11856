"""The basal ganglia level found without a network: by aligning the scan with a standard head.

1. Whole heads are compared at about 10 mm, the standard head at every height and at three pitches.
2. The most alike starts are moved to fit (place, turn, size), and the best of them as an affine.
3. The middle of the brain is aligned on its own, ever more narrowly about the level, together with
   the modes in which subjects differ there, and what lies right around the level is shifted to
   where it fits. The level's point follows from the alignment, shifted by the coefficients of those
   modes and by a linear correction for the residuals.

A scan whose slices are stored against their positions (feet by the file where the picture shows the
vertex) fits a standard head that is mirrored from top to bottom; `LevelAlignment.upside_down` is
then true.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.scan import Scan
from slice_localizer.alignment.coarse_scan import AIR_HU, CoarseScan, coarsen
from slice_localizer.alignment.correction import residuals_of
from slice_localizer.alignment.gauss_newton import Alignment, Array, align
from slice_localizer.alignment.head_search import find_head
from slice_localizer.alignment.standard_head import (
    BRAIN_SIGMA_MM,
    BRAIN_WINDOW,
    HEAD_SIGMA_MM,
    HEAD_WINDOW,
    StandardHead,
    load_standard_head,
)

_BONE_HU, _HEAD_HU = 300.0, -300.0
_LEAST_BONE = 0.02  # of the head's voxels; heads with their skull have a tenth
_SURE, _CLEARLY = 0.8, 0.1
"""Correlations: from which on a head is not tried upside down; by which that must be better."""

LEAST_CORRELATION = 0.6
"""With less, no brain is found: simulated and real heads, complete or not, reach 0.8 and more."""

_REACHES = ((40.0, 6), (25.0, 3), (20.0, 3))
"""Standard deviations in mm of the weights about the level, and of how many points one is used."""

_NARROW_REACHES_MM = (12.0, 8.0)
_FARTHEST_MM = 4.0  # a shift that goes further has lost its way
_MODE_PENALTY = 0.05
_BRAIN_STEPS = 12


@dataclass(frozen=True)
class LevelAlignment:
    """Where the basal ganglia level lies, by alignment.

    Attributes
    ----------
    height_mm : float
        Of the point where the level crosses the midline, along the slices' normal, as
        `slice_localizer.positions.heights_of` counts.
    point : ndarray, shape (3,)
        That point in RAS+ mm.
    correlation : float
        Of the aligned standard brain and the scan around that point, 0 to 1; near 0 where the scan
        shows no such brain.
    upside_down : bool
        The picture runs against the positions: the higher slices show the lower head.
    affine : ndarray, shape (4, 4)
        From the standard head's mm to the scan's, right about the point.
    """

    height_mm: float
    point: Array
    correlation: float
    upside_down: bool
    affine: Array


def align_level(scan: Scan) -> LevelAlignment:
    """Find the basal ganglia level by alignment with the standard head.

    Parameters
    ----------
    scan : Scan
        A CT of the head in HU, with or without skull, tilted, turned or incomplete.

    Returns
    -------
    LevelAlignment

    Raises
    ------
    InputError
        The scan has one slice only or slices that are not parallel; or the standard head is missing
        or damaged.
    """
    return align_with(load_standard_head(), coarsen(scan))


def align_with(head: StandardHead, scan: CoarseScan) -> LevelAlignment:
    """Find the basal ganglia level of a coarse scan, as `align_level` does.

    Parameters
    ----------
    head : StandardHead
        What to look for.
    scan : CoarseScan
        From `coarsen`.

    Returns
    -------
    LevelAlignment
    """
    stripped = is_stripped(scan)
    if stripped:
        scan = in_air(scan)
    upright = _align(head, stripped, scan, upside_down=False)
    if upright.correlation >= _SURE:
        return upright
    reverse = _align(head, stripped, scan, upside_down=True)
    return reverse if reverse.correlation > upright.correlation + _CLEARLY else upright


def _align(
    head: StandardHead, stripped: bool, scan: CoarseScan, *, upside_down: bool
) -> LevelAlignment:
    image = scan.windowed(HEAD_WINDOW, HEAD_SIGMA_MM)
    whole = align(
        head.stripped if stripped else head.whole,
        scan,
        image,
        find_head(head, stripped, scan, image, upside_down=upside_down),
        "affine",
        steps=15,
        tolerance_mm=0.1,
        tolerance_hu=50.0,
    )
    image = scan.windowed(BRAIN_WINDOW, BRAIN_SIGMA_MM)
    brain = align_closely(head, scan, image, whole.affine)
    affine = brain.affine
    level = head.bgl_of(brain.coefficients[2:])
    level = level + head.correction.of(residuals_of(head.correction_pattern, scan, image, brain))
    point = affine[:3, :3] @ level + affine[:3, 3]
    return LevelAlignment(
        height_mm=float(scan.normal @ point),
        point=point,
        correlation=max(brain.correlation, 0.0),
        upside_down=upside_down,
        affine=affine,
    )


def align_brain(
    head: StandardHead, scan: CoarseScan, image: NDArray[np.float32], start: Array
) -> Alignment:
    """Align the middle of the brain, ever more narrowly about the basal ganglia level.

    Parameters
    ----------
    head : StandardHead
        What to look for.
    scan : CoarseScan
        Where to look.
    image : ndarray, shape (columns, rows, slices)
        The scan in `BRAIN_WINDOW`, blurred by `BRAIN_SIGMA_MM`.
    start : ndarray, shape (4, 4)
        From the standard head's mm to the scan's, right to some millimetres.

    Returns
    -------
    Alignment
        Of the narrowest pattern.
    """
    found = Alignment(start, np.zeros(2 + len(head.modes)), 0.0)
    for reach_mm, step in _REACHES:
        found = align(
            head.around_bgl(reach_mm, step),
            scan,
            image,
            found.affine,
            "affine",
            steps=_BRAIN_STEPS,
            tolerance_mm=0.02,
            tolerance_hu=12.0,
            coefficients=found.coefficients,
            mode_penalty=_MODE_PENALTY,
        )
    return found


def align_closely(
    head: StandardHead, scan: CoarseScan, image: NDArray[np.float32], start: Array
) -> Alignment:
    """Align the middle of the brain, then shift what lies right around the level to where it fits.

    The affine is too stiff for that.

    Parameters
    ----------
    head : StandardHead
        What to look for.
    scan : CoarseScan
        Where to look.
    image : ndarray of float32, shape (columns, rows, slices)
        The scan in `BRAIN_WINDOW`, blurred by `BRAIN_SIGMA_MM`.
    start : ndarray, shape (4, 4)
        From the standard head's mm to the scan's, right to some millimetres.

    Returns
    -------
    Alignment
        With the coefficients and the correlation of `align_brain`.
    """
    brain = align_brain(head, scan, image, start)
    affine = brain.affine
    for reach_mm in _NARROW_REACHES_MM:
        shifted = align(
            head.around_bgl(reach_mm, 1).of_person(brain.coefficients),
            scan,
            image,
            affine,
            "shift",
            steps=_BRAIN_STEPS,
            tolerance_mm=0.02,
            tolerance_hu=12.0,
        )
        if np.linalg.norm((shifted.affine - brain.affine) @ [*head.bgl_point, 1.0]) > _FARTHEST_MM:
            break
        affine = shifted.affine
    return replace(brain, affine=affine)


def is_stripped(scan: CoarseScan) -> bool:
    """Tell whether the skull has been taken away.

    Parameters
    ----------
    scan : CoarseScan
        A head.
    """
    bone = np.count_nonzero(scan.hu > _BONE_HU)
    return bool(bone < _LEAST_BONE * np.count_nonzero(scan.hu > _HEAD_HU))


def in_air(scan: CoarseScan) -> CoarseScan:
    """Put air where a stripped scan holds its background's value, which may be that of fluid."""
    background = scan.hu[0, 0, 0]
    hu = np.where(np.abs(scan.hu - background) < 1e-3, np.float32(AIR_HU), scan.hu)
    return CoarseScan(hu, scan.heights, scan.origins, scan.axes, scan.normal)
