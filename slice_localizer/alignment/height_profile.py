"""Whether a scan is of the height of a head, where its basal ganglia slice is known.

Without an alignment: the cross-sections of heads shrink towards the vertex alike. The heights at
which a scan's do so tell its scale, against the width of its basal ganglia slice. Few slices at
3 mm are enough, which takes hundredths of a second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from slice_localizer.alignment.coarse_scan import CoarseScan, coarsen
from slice_localizer.alignment.plausibility import cut_short, out_of_proportion
from slice_localizer.positions import heights_of

HEIGHTS = np.arange(0.0, 0.61, 0.05)
"""Above the basal ganglia level, in square roots of the head's area there (140 to 155 mm)."""

SHARES = np.array([1.0, 0.99, 0.96, 0.92, 0.86, 0.80, 0.71, 0.59, 0.46, 0.32, 0.17, 0.01, 0.0])
"""The standard head's cross-sections at these heights, of that at the level."""

_VERTEX = 0.55  # of these heights
_DENSER_HU = 10.0  # than fat and air, also where what is below 0 HU was stored as 0
_STEP_MM = 8.0
_FULL, _CUT = 0.6, 0.3
"""Shares of the topmost slice: above the first the scale cannot be told, above the second the scan
ends more than a sixth of the height below the vertex."""

_SCALES = np.geomspace(0.3, 3.0, 231)  # steps of 1 %


def slices_above(affines: NDArray[np.float64], bgl: int) -> list[int]:
    """Choose the slices that show how a head narrows.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        Of each slice of the scan, as in `Scan`.
    bgl : int
        The basal ganglia slice.

    Returns
    -------
    list of int
        That slice, others above it about 8 mm apart, and the topmost, from below.

    Raises
    ------
    InputError
        See `heights_of`.
    """
    heights = heights_of(affines)
    upwards = np.argsort(heights, kind="stable")
    upwards = upwards[heights[upwards] >= heights[bgl]]
    chosen = [bgl]
    for index in map(int, upwards):
        far = heights[index] - heights[chosen[-1]] >= _STEP_MM
        if far or (index == upwards[-1] and index != chosen[-1]):
            chosen.append(index)
    return chosen


def remarks_on_height(above: Scan, sgl_height_mm: float) -> list[Flag]:
    """Remark on a head whose height does not go with its width, and on a scan that ends in it.

    Parameters
    ----------
    above : Scan
        The slices of `slices_above`, HU.
    sgl_height_mm : float
        Of the SGL slice above the basal ganglia slice. A scan that ends with it was cut on purpose.

    Returns
    -------
    list of Flag
        ``head-proportions``, ``head-cut-short``, both or none.
    """
    if above.data.shape[2] < 2:
        return []
    coarse = coarsen(above, slice_mm=0.0)
    areas = _areas(coarse)
    if areas[0] == 0:
        return []
    size, shares = float(np.sqrt(areas[0])), areas / areas[0]
    heights = coarse.heights - coarse.heights[0]
    remarks = []
    ratio = 1.0
    if shares[-1] <= _FULL:
        ratio = _scale(heights / size, shares)
        remarks += out_of_proportion(ratio)
    reached = float(heights[-1])
    if shares[-1] > _CUT and reached > sgl_height_mm:
        remarks.append(cut_short(reached, max(reached, _VERTEX * size * ratio)))
    return remarks


def _scale(heights: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """Return the height of a head against the standard one's, in proportion to their widths."""
    costs = [
        float(np.mean((np.interp(heights / scale, HEIGHTS, SHARES) - shares) ** 2))
        for scale in _SCALES
    ]
    return float(_SCALES[int(np.argmin(costs))])


def _areas(scan: CoarseScan) -> NDArray[np.float64]:
    """Return the head's cross-section on each slice, in mm2."""
    pixel_mm2 = float(np.linalg.norm(np.cross(scan.axes[:, 0], scan.axes[:, 1])))
    areas = []
    for index in range(scan.hu.shape[2]):
        dense = ndi.binary_opening(scan.hu[:, :, index] > _DENSER_HU, np.ones((3, 3)))
        labels, count = ndi.label(ndi.binary_fill_holes(dense))
        areas.append(int(np.bincount(labels.ravel())[1:].max()) * pixel_mm2 if count else 0.0)
    return np.array(areas)
