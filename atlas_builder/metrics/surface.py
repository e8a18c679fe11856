"""Distances between the borders of two masks, in millimetres.

The border of a mask is its outermost layer of pixels: those with a neighbour along an axis that is
not in the mask. What lies beyond the image is not in the mask, so a mask that touches the edge of
the image has a border there. Distances are taken between the centres of border pixels, pixel sizes
of both axes respected.

A border can only be measured against another one. When one of two masks is empty both distances
are infinite; when both are, there is nothing to agree about and both are NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_PERCENTILE = 95.0
_CROSS = ndimage.generate_binary_structure(2, 1)


@dataclass(frozen=True)
class SurfaceDistance:
    """How far two borders lie apart.

    Attributes
    ----------
    hausdorff95_mm : float
        The larger of the two directed 95th percentiles of the distance from each pixel of one
        border to the nearest of the other [1]_.
    mean_mm : float
        The mean of the distances of both directions together [2]_.

    References
    ----------
    .. [1] Huttenlocher DP, Klanderman GA, Rucklidge WJ. Comparing images using the Hausdorff
       distance. IEEE Trans Pattern Anal Mach Intell 15:850-863 (1993). doi:10.1109/34.232073
    .. [2] Heimann T, et al. Comparison and evaluation of methods for liver segmentation from CT
       datasets. IEEE Trans Med Imaging 28:1251-1265 (2009). doi:10.1109/TMI.2009.2013851
    """

    hausdorff95_mm: float
    mean_mm: float


def surface_distance(
    first: NDArray[np.bool_], second: NDArray[np.bool_], spacing: tuple[float, float]
) -> SurfaceDistance:
    """Measure how far the borders of two masks lie apart.

    Parameters
    ----------
    first, second : ndarray of bool, shape (columns, rows)
        The masks, on the same pixels.
    spacing : tuple of float
        Pixel size in mm along each axis.

    Returns
    -------
    SurfaceDistance
        Infinite when one mask is empty, NaN when both are.
    """
    return distance_of_borders(border_points(first, spacing), border_points(second, spacing))


def border_points(mask: NDArray[np.bool_], spacing: tuple[float, float]) -> NDArray[np.float64]:
    """Return the centres of a mask's border pixels.

    Parameters
    ----------
    mask : ndarray of bool, shape (columns, rows)
        The mask.
    spacing : tuple of float
        Pixel size in mm along each axis.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        In mm from the centre of pixel (0, 0); empty for an empty mask.
    """
    border = mask & ~ndimage.binary_erosion(mask, _CROSS)
    return np.argwhere(border).astype(np.float64) * spacing


def distance_of_borders(first: NDArray[np.float64], second: NDArray[np.float64]) -> SurfaceDistance:
    """Measure how far two borders lie apart.

    Parameters
    ----------
    first, second : ndarray of float64, shape (n, 2)
        Border points in mm, from `border_points`; their numbers may differ.

    Returns
    -------
    SurfaceDistance
        Infinite when one border is empty, NaN when both are.
    """
    from scipy.spatial import KDTree  # noqa: PLC0415 - loads half of scipy

    if not (len(first) or len(second)):
        return SurfaceDistance(float("nan"), float("nan"))
    if not (len(first) and len(second)):
        return SurfaceDistance(float("inf"), float("inf"))
    there, _ = KDTree(second).query(first)
    back, _ = KDTree(first).query(second)
    return SurfaceDistance(
        float(max(np.percentile(there, _PERCENTILE), np.percentile(back, _PERCENTILE))),
        float(np.concatenate([there, back]).mean()),
    )
