"""The twenty ASPECTS regions in MNI152NLin2009aSym space, from the brain's T1-weighted average.

References
----------
Barber PA, Demchuk AM, Zhang J, Buchan AM. Validity and reliability of a quantitative computed
tomography score in predicting outcome of hyperacute stroke before thrombolytic therapy.
Lancet 355:1670-1674 (2000). doi:10.1016/S0140-6736(00)02237-6

Pexman JHW, Barber PA, Hill MD, et al. Use of the Alberta Stroke Program Early CT Score (ASPECTS)
for assessing CT scans in patients with acute stroke. AJNR Am J Neuroradiol 22:1534-1542 (2001).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.anatomy import Region
from region_drawing.contours import FloatArray, signed_distance
from region_drawing.cortex import cortical_regions
from region_drawing.deep import deep_regions
from region_drawing.insula import OUTLINE, fissure_surface, insula

_SURFACE_SMOOTHING = 1.0  # mm


def mni_regions(t1: FloatArray, affine: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the ASPECTS regions of the symmetric average brain.

    One side is divided and mirrored. No region reaches the midline, so the sides do not touch.

    Parameters
    ----------
    t1 : ndarray, shape (2 n + 1, ny, nz)
        The T1-weighted average of MNI152NLin2009aSym at 1 mm, 0-1, 0 outside the brain; its first
        axis runs to the right and its middle plane is the midline.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ mm.

    Returns
    -------
    ndarray of uint8, the shape of `t1`
        1-10 on the left, 11-20 on the right, one component each; 0 elsewhere.
    """
    middle = t1.shape[0] // 2
    x, y, z = (
        np.arange(count) * affine[axis, axis] + affine[axis, 3]
        for axis, count in enumerate(t1.shape)
    )
    right = _divided(t1[middle:], brain_mask(t1)[middle:], x[middle:], y, z)
    left = right[:0:-1]
    return np.concatenate([left, np.where(right > 0, right + len(Region), 0)]).astype(np.uint8)


def brain_mask(t1: FloatArray) -> NDArray[np.bool_]:
    """Return the brain with its sulci and ventricles, the steps of its outer surface smoothed.

    Parameters
    ----------
    t1 : ndarray, shape (nx, ny, nz)
        The T1-weighted average, 0 outside the brain.
    """
    mask = ndimage.binary_fill_holes(t1 > 0)
    return mask & (ndimage.gaussian_filter(mask.astype(np.float64), _SURFACE_SMOOTHING) > 0.5)


def _divided(
    t1: FloatArray, brain: NDArray[np.bool_], x: FloatArray, y: FloatArray, z: FloatArray
) -> NDArray[np.uint8]:
    """Return the ten regions of one side."""
    fissure = fissure_surface(t1, y, z)
    within = np.where(signed_distance(OUTLINE, y, z) < 0, fissure, 0)
    regions = cortical_regions(brain, within, x, y, z)
    regions[insula(t1, fissure, x, y, z) & brain] = Region.I
    for region, mask in deep_regions(t1, x, y, z).items():
        regions[mask & brain] = region
    return _largest_components(regions)


def _largest_components(regions: NDArray[np.uint8]) -> NDArray[np.uint8]:
    kept = np.zeros_like(regions)
    for region in Region:
        components, _ = ndimage.label(regions == region)
        sizes = np.bincount(components.ravel())
        sizes[0] = 0
        kept[(components == sizes.argmax()) & (components > 0)] = region
    return kept
