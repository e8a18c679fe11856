"""The infarct core on a CBF map: flow below 30% of the mirrored place on the other side.

References
----------
.. [1] Cao Z, Xu J, Song B, et al. Deep learning derived automated ASPECTS on non-contrast CT scans
   of acute ischemic stroke patients. Hum Brain Mapp 43:3023-3036 (2022). doi:10.1002/hbm.25845
.. [2] Mokin M, Levy EI, Saver JL, et al. Predictive value of RAPID assessed perfusion thresholds on
   final infarct volume in SWIFT PRIME. Stroke 48:932-938 (2017).
   doi:10.1161/STROKEAHA.116.015472
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.perfusion.brain_scan import BrainScan
from atlas_builder.core.anatomy import SIDES, Region, Side, map_value

Mask = NDArray[np.bool_]
Image = NDArray[np.float32]

CORE_RATIO = 0.3
"""Of the mirrored flow: with less, tissue is core [1]_, [2]_."""

PENUMBRA_RATIO = 0.6
"""With less, tissue counts as ill where the side is told."""

_VESSEL = 2.5  # times the flow of grey matter
_LEAST_FLOW = 0.12  # times that of grey matter: a mirrored flow this low is no healthy one
_SMOOTH_MM = 1.5
_AMID_MM, _GREY, _WHITE = 3.0, 0.8, 0.9
_LEAST_WEIGHT = 0.3  # of the smoothing's window that must be tissue
_LEAST_CORE_ML = 0.5  # smaller spots are noise


@dataclass(frozen=True)
class CoreMap:
    """The core and what could be judged of the brain.

    Attributes
    ----------
    core : ndarray of bool, shape (columns, rows, slices)
        On the voxels of a `BrainScan`.
    judged : ndarray of bool, shape (columns, rows, slices)
        Tissue whose flow is known on both sides; vessels, fluid and skull are left out.
    ratio : ndarray of float32, shape (columns, rows, slices)
        Flow over that of the mirrored place; NaN where it is not judged.
    flow : ndarray of float32, shape (columns, rows, slices)
        Smoothed over tissue alone; NaN where it is not known.
    vessels, low_on_both : ndarray of bool, shape (columns, rows, slices)
        Tissue left out: with the flow of vessels; with hardly any flow on either side.
    """

    core: Mask
    judged: Mask
    ratio: Image
    flow: Image
    vessels: Mask
    low_on_both: Mask


def side_levels(flow: Image, scan: BrainScan) -> dict[Side, tuple[float, float]]:
    """Return the median flow of grey and of white matter in the regions of each side.

    Parameters
    ----------
    flow : ndarray of float32, shape (columns, rows, slices)
        On the scan's voxels, NaN where it is not known.
    scan : BrainScan
        The scan.

    Returns
    -------
    dict of Side to tuple of float
        Minus infinity where a tissue is not covered.
    """
    # Amid a tissue: at its border the patient's anatomy departs from the standard brain's.
    sigma = (_AMID_MM / scan.spacing[0], _AMID_MM / scan.spacing[1], 0)
    grey, white = (ndimage.gaussian_filter(share, sigma) for share in scan.grey_and_white)
    known = np.isfinite(flow) & scan.tissue
    levels: dict[Side, tuple[float, float]] = {}
    for side in SIDES:
        first, last = map_value(Region.C, side), map_value(Region.M6, side)
        own = known & (scan.labels >= first) & (scan.labels <= last)
        levels[side] = (_median(flow[own & (grey > _GREY)]), _median(flow[own & (white > _WHITE)]))
    return levels


def _median(values: Image) -> float:
    return float(np.median(values)) if values.size else -np.inf


def find_core(flow: Image, scan: BrainScan, grey: float) -> CoreMap:
    """Find the core.

    Parameters
    ----------
    flow : ndarray of float32, shape (columns, rows, slices)
        On the scan's voxels, NaN where it is not known.
    scan : BrainScan
        The scan.
    grey : float
        The flow of healthy grey matter, in the same unit.

    Returns
    -------
    CoreMap
    """
    known = np.isfinite(flow)
    vessels = known & scan.brain & (flow > _VESSEL * grey)
    # An artery spreads over the pixels next to it.
    vessels = scan.brain & ndimage.binary_dilation(vessels, np.ones((3, 3, 1)))
    usable = scan.tissue & known & ~vessels
    sigma = (_SMOOTH_MM / scan.spacing[0], _SMOOTH_MM / scan.spacing[1], 0)
    weight = ndimage.gaussian_filter(usable.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(usable, flow, 0).astype(np.float32), sigma)
    smooth = np.where(weight > _LEAST_WEIGHT, total / np.maximum(weight, 1e-3), np.nan)
    smooth = smooth.astype(np.float32)
    mirrored = scan.mirrored(smooth, usable)
    both = usable & np.isfinite(smooth) & np.isfinite(mirrored)
    least = _LEAST_FLOW * grey
    low_on_both = both & (np.nan_to_num(smooth) < least) & (np.nan_to_num(mirrored) < least)
    judged = both & ~low_on_both
    ratio = np.full(flow.shape, np.nan, np.float32)
    ratio[judged] = smooth[judged] / np.maximum(mirrored[judged], 1e-3 * grey)
    low = judged & (np.nan_to_num(ratio, nan=1.0) < CORE_RATIO)
    return CoreMap(
        _cleaned(low, judged, scan),
        judged,
        ratio,
        np.where(usable, smooth, np.nan),
        vessels,
        low_on_both,
    )


def _cleaned(core: Mask, judged: Mask, scan: BrainScan) -> Mask:
    """Return the core without small spots, and without small gaps in it."""
    core = _without_spots(core, scan)
    gaps = judged & ~core
    return core | (gaps & ~_without_spots(gaps, scan))


def _without_spots(mask: Mask, scan: BrainScan) -> Mask:
    labels, count = ndimage.label(mask)
    if not count:
        return mask
    sizes = np.zeros(count + 1)
    for index, voxel_ml in enumerate(scan.voxel_ml):
        sizes += np.bincount(labels[:, :, index].ravel(), minlength=count + 1) * voxel_ml
    sizes[0] = 0
    return np.asarray((sizes >= _LEAST_CORE_ML)[labels])
