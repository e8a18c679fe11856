"""What is measured in each region: area, density, and whether its sides differ.

Densities are means over tissue: pixels whose surroundings are fluid (sulci, ventricles, old
defects) or denser than clotted blood (calcification) are left out, as in the published range for
net water uptake, whose lower bound is set lower here, so that oedema counts in full [1]_.

References
----------
.. [1] Broocks G, et al. Quantitative lesion water uptake in acute stroke computed tomography is a
   predictor of malignant infarction. Eur Radiol 28:1945-1952 (2018).
   doi:10.1007/s00330-017-5213-2
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.core.anatomy import SIDES, Region, Side, map_value
from atlas_builder.mapping.region_map import LevelMap, RegionMeasure

TISSUE_HU = (12.0, 80.0)
"""What is neither fluid (0-10; oedema has 15 and more) nor calcified (clotted blood has 80)."""
_SMOOTHING_MM = 1.0  # before that range is looked for, else noise takes pixels out of both ends
_PATCH_MM = 5.0  # wider than the grain of noise and than a gyrus
_LEAST_MM2 = 20.0  # of tissue, for a mean; the smallest region, IC, has some 150
_STANDARD_ERRORS = 3.0
_LEAST_DIFFERENCE_HU = 2.0
"""Healthy hemispheres differ too, by head tilt and beam hardening; less than this is not seen by
eye in the narrowest stroke windows either."""


@dataclass(frozen=True)
class _Density:
    """Tissue of one region: its mean in HU and the standard error of that; NaN where it is none."""

    mean: float
    error: float


def measure_regions(
    levels: Iterable[LevelMap], confidences: Mapping[tuple[Region, Side], float]
) -> tuple[RegionMeasure, ...]:
    """Measure every region of every level: those of the left, then of the right, in label order.

    Parameters
    ----------
    levels : iterable of LevelMap
        What to measure.
    confidences : mapping of region and side to float
        How far each region's place can be trusted, 0 to 1.
    """
    by_level = {level_map.level: level_map for level_map in levels}
    densities = {
        (region, side): density
        for level_map in by_level.values()
        for (region, side), density in _densities(level_map).items()
    }
    measures = []
    for side in SIDES:
        for region in Region:
            if (region, side) in densities:
                level_map = by_level[region.level]
                confidence = confidences[region, side]
                measures.append(_measure(level_map, region, side, densities, confidence))
    return tuple(measures)


def stands_out(difference: float, error: float) -> bool:
    """Tell whether a region is darker than its counterpart by more than is normal.

    It is when the difference is 2 HU or more and at least three times its standard error. The error
    comes from the scan itself: it grows with noise, with sulci and mottled tissue, and for small
    regions. Both rules look at the darker side, which is that of an infarct; blood, which is
    brighter, makes the other side stand out.

    Parameters
    ----------
    difference : float
        This side's mean minus the other's, HU.
    error : float
        Standard error of that difference, HU.
    """
    return difference <= -max(_LEAST_DIFFERENCE_HU, _STANDARD_ERRORS * error)


def _measure(
    level_map: LevelMap,
    region: Region,
    side: Side,
    densities: Mapping[tuple[Region, Side], _Density],
    confidence: float,
) -> RegionMeasure:
    own = densities[region, side]
    other = densities[region, "right" if side == "left" else "left"]
    difference = own.mean - other.mean
    columns, rows = level_map.slice.spacing
    pixels = np.count_nonzero(level_map.regions == map_value(region, side))
    return RegionMeasure(
        region=region,
        side=side,
        level=level_map.level,
        area_mm2=pixels * columns * rows,
        mean_hu=own.mean,
        contralateral_mean_hu=other.mean,
        difference_hu=difference,
        relative_hu=own.mean / other.mean,
        confidence=confidence,
        stands_out=stands_out(difference, math.hypot(own.error, other.error)),
    )


def _densities(level_map: LevelMap) -> dict[tuple[Region, Side], _Density]:
    hu = np.asarray(level_map.slice.data, dtype=np.float32)
    tissue = _tissue(hu, level_map.brain, level_map.slice.spacing)
    patches = _patches(hu.shape, level_map.slice.spacing)
    pixel_mm2 = math.prod(level_map.slice.spacing)
    found = {}
    for region in Region:
        if region.level == level_map.level:
            for side in SIDES:
                inside = tissue & (level_map.regions == map_value(region, side))
                found[region, side] = _density(hu[inside], patches[inside], pixel_mm2)
    return found


def _tissue(
    hu: NDArray[np.float32], brain: NDArray[np.bool_], spacing: tuple[float, float]
) -> NDArray[np.bool_]:
    """Return the brain's pixels without fluid and calcification."""
    sigma = np.divide(_SMOOTHING_MM, spacing)
    weight = ndi.gaussian_filter(brain.astype(np.float32), sigma)
    smooth = ndi.gaussian_filter(np.where(brain, hu, 0), sigma) / np.maximum(weight, 1e-3)
    tissue: NDArray[np.bool_] = brain & (smooth > TISSUE_HU[0]) & (smooth < TISSUE_HU[1])
    return tissue


def _patches(shape: tuple[int, ...], spacing: tuple[float, float]) -> NDArray[np.intp]:
    """Return the number of the square of `_PATCH_MM` that each pixel lies in."""
    columns, rows = (
        (np.arange(n) * step / _PATCH_MM).astype(np.intp)
        for n, step in zip(shape, spacing, strict=True)
    )
    return columns[:, np.newaxis] * (rows[-1] + 1) + rows


def _density(values: NDArray[np.float32], patches: NDArray[np.intp], pixel_mm2: float) -> _Density:
    """Return the mean and its standard error: that of the means of patches, weighted by size.

    Pixels are no independent samples, as noise is grainy and gyri are wide; patches nearly are.
    """
    if values.size * pixel_mm2 < _LEAST_MM2:
        return _Density(math.nan, math.nan)
    _, patch, sizes = np.unique(patches, return_inverse=True, return_counts=True)
    sums = np.bincount(patch, values)
    mean = float(values.mean(dtype=np.float64))
    # The variance of a ratio of sums over clusters.
    residuals = sums - mean * sizes
    count = len(sizes)
    variance = (residuals**2).sum() / values.size**2 * count / max(count - 1, 1)
    return _Density(mean, math.sqrt(variance))
