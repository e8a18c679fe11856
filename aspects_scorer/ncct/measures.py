"""The density of each region's tissue on all its slices.

Densities are taken from tissue alone: fluid (sulci, ventricles, what old infarcts left) and what is
denser than brain (calcification, blood, bone of a skull nearby) are told by the smoothed density
and left out, so that an atrophied side is not taken for a dark one; how much of each there was is
kept. The upper bound is that of the published range for net water uptake [1]_.

References
----------
.. [1] Broocks G, et al. Quantitative lesion water uptake in acute stroke computed tomography is a
   predictor of malignant infarction. Eur Radiol 28:1945-1952 (2018).
   doi:10.1007/s00330-017-5213-2
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.mapped_scan import MappedScan
from atlas_builder.core.anatomy import SIDES, Region

Array = NDArray[np.float64]

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Of the density of a region's tissue."""

_FLUID_HU, _DENSE_HU = 14.0, 60.0
_TELLING_MM, _SMOOTHING_MM = 1.5, 2.0
_CLIP_HU = (-20.0, 100.0)
_BORDER_MM = 2.0
_PATCH_MM = 5.0  # wider than the grain of noise
_LEAST_ML = 0.1
_MARGIN = 6  # pixels


@dataclass(frozen=True)
class RegionDensities:
    """What is measured in the twenty regions; arrays are of shape (2, 10), left side first.

    Where a region has less than 0.1 mL of tissue its densities are NaN.

    Attributes
    ----------
    mean : ndarray
        Of the tissue, HU.
    error : ndarray
        Standard error of the mean, HU, from the means of patches of 5 mm.
    quantiles : ndarray, shape (5, 2, 10)
        `QUANTILES` of the tissue's smoothed density, HU.
    spread : ndarray
        Standard deviation of the smoothed density, HU: the contrast of grey and white matter.
    fluid, dense : ndarray
        Shares of the region that are fluid and that are denser than brain, 0-1.
    tissue_ml, volume_ml : ndarray
        Of tissue and of the whole region.
    """

    mean: Array
    error: Array
    quantiles: Array
    spread: Array
    fluid: Array
    dense: Array
    tissue_ml: Array
    volume_ml: Array

    @property
    def median(self) -> Array:
        """Of the tissue's smoothed density, HU."""
        return np.asarray(self.quantiles[QUANTILES.index(0.5)])


def measure_densities(scan: MappedScan) -> RegionDensities:
    """Measure every region on all its slices.

    Parameters
    ----------
    scan : MappedScan
        The scan.

    Returns
    -------
    RegionDensities
    """
    count = len(SIDES) * len(Region)
    hu, labels, brain = _around_regions(scan)
    spacing = scan.spacing
    tissue, fluid, dense = tell_kinds(hu, brain, spacing)
    smooth = _smoothed(np.clip(hu, 0, _CLIP_HU[1]), tissue, _SMOOTHING_MM, spacing)
    patches = _patches(hu.shape, spacing)
    voxel_ml = float(np.prod(spacing)) / 1000
    found = {name: np.full(count, np.nan) for name in ("mean", "error", "spread")}
    quantiles = np.full((len(QUANTILES), count), np.nan)
    inside = np.where(brain, labels, 0).ravel()
    sizes, fluids, denses, tissues = (
        np.bincount(inside[kind.ravel()], minlength=count + 1)[1:].astype(float)
        for kind in (np.ones_like(brain), fluid, dense, tissue)
    )
    where = np.flatnonzero(tissue & (labels > 0))
    order = where[np.argsort(labels.ravel()[where], kind="stable")]
    ends = np.searchsorted(labels.ravel()[order], np.arange(1, count + 2))
    for index, (start, stop) in enumerate(pairwise(ends)):
        if (stop - start) * voxel_ml < _LEAST_ML:
            continue
        own = order[start:stop]
        values = smooth.ravel()[own].astype(np.float64)
        quantiles[:, index] = np.quantile(values, QUANTILES)
        found["mean"][index] = values.mean()
        found["spread"][index] = values.std()
        found["error"][index] = _error_of_mean(values, patches.ravel()[own])
    shape = (len(SIDES), len(Region))
    share = np.maximum(sizes, 1)
    return RegionDensities(
        **{name: values.reshape(shape) for name, values in found.items()},
        quantiles=quantiles.reshape(-1, *shape),
        fluid=(fluids / share).reshape(shape),
        dense=(denses / share).reshape(shape),
        tissue_ml=(tissues * voxel_ml).reshape(shape),
        volume_ml=(sizes * voxel_ml).reshape(shape),
    )


def _around_regions(
    scan: MappedScan,
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.bool_]]:
    """Return densities, labels and brain of the box that holds the regions."""
    boxes = ndimage.find_objects((scan.labels > 0).astype(np.uint8))
    if not boxes:
        return scan.hu[:1, :1, :1], scan.labels[:1, :1, :1], scan.brain[:1, :1, :1]
    box = tuple(
        slice(max(part.start - margin, 0), part.stop + margin)
        for part, margin in zip(boxes[0], (_MARGIN, _MARGIN, 0), strict=True)
    )
    return np.asarray(scan.hu[box], np.float32), scan.labels[box], scan.brain[box]


def tell_kinds(
    hu: NDArray[np.float32], brain: NDArray[np.bool_], spacing: tuple[float, float, float]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell tissue, fluid and what is denser than brain by the smoothed density.

    Parameters
    ----------
    hu : ndarray of float32, shape (columns, rows, slices)
        Densities.
    brain : ndarray of bool, shape (columns, rows, slices)
        The brain with its ventricles and sulci.
    spacing : tuple of float
        Size of a pixel along columns and rows, and the distance of slices, mm.

    Returns
    -------
    tissue, fluid, dense : ndarray of bool, shape (columns, rows, slices)
        Apart from each other, within the brain; tissue keeps its distance from fluid.
    """
    told = _smoothed(np.clip(hu, *_CLIP_HU), brain, _TELLING_MM, spacing)
    fluid, dense = brain & (told <= _FLUID_HU), brain & (told >= _DENSE_HU)
    # What lies at the border of fluid is partly fluid.
    reach = [max(round(_BORDER_MM / step), 1) for step in spacing[:2]]
    near = ndimage.maximum_filter(fluid, footprint=_disc(*reach)[:, :, np.newaxis], mode="constant")
    return brain & ~near & ~dense, fluid, dense


def _disc(columns: int, rows: int) -> NDArray[np.bool_]:
    """Return an ellipse of given half widths in pixels."""
    x, y = np.ogrid[-columns : columns + 1, -rows : rows + 1]
    return np.asarray((x / columns) ** 2 + (y / rows) ** 2 <= 1)


def _smoothed(
    hu: NDArray[np.float32],
    where: NDArray[np.bool_],
    sigma_mm: float,
    spacing: tuple[float, float, float],
) -> NDArray[np.float32]:
    """Return densities smoothed in plane over some voxels alone."""
    sigma = (sigma_mm / spacing[0], sigma_mm / spacing[1], 0)
    weight = where.astype(np.float32)
    total = ndimage.gaussian_filter(hu * weight, sigma, truncate=3)
    return np.asarray(
        total / np.maximum(ndimage.gaussian_filter(weight, sigma, truncate=3), 1e-3), np.float32
    )


def _patches(shape: tuple[int, ...], spacing: tuple[float, float, float]) -> NDArray[np.intp]:
    """Return the number of the square of `_PATCH_MM` on a slice that each voxel lies in."""
    columns, rows = (
        (np.arange(n) * step / _PATCH_MM).astype(np.intp)
        for n, step in zip(shape[:2], spacing[:2], strict=True)
    )
    in_plane = columns[:, np.newaxis] * (rows[-1] + 1) + rows
    return in_plane[:, :, np.newaxis] + (in_plane.max() + 1) * np.arange(shape[2])


def _error_of_mean(values: Array, patches: NDArray[np.intp]) -> float:
    """Return the standard error of a mean over patches of different sizes.

    Voxels are no independent samples, as noise is grainy and gyri are wide; patches nearly are.
    """
    _, patch, sizes = np.unique(patches, return_inverse=True, return_counts=True)
    residuals = np.bincount(patch, values) - values.mean() * sizes
    count = len(sizes)
    variance = (residuals**2).sum() / values.size**2 * count / max(count - 1, 1)
    return float(np.sqrt(variance))
