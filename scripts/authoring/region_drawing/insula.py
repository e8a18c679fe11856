"""The insular cortex in MNI152NLin2009aSym space.

Its outline was drawn in the sagittal plane along the circular sulcus. In depth it reaches from the
extreme capsule to the middle of the Sylvian fissure's fluid, which the T1-weighted average shows.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from region_drawing.contours import Contour, FloatArray, signed_distance, surface

OUTLINE: Contour = (
    (-27.5, 10), (-24, 14), (-18, 15.5), (-10, 15.5), (-3, 14), (5, 11.5), (13, 11), (21, 11),
    (27, 8), (30.5, 2), (29, -4), (25, -9), (19, -13), (12, -15), (4, -15), (-4, -11), (-11, -6),
    (-17, -1.5), (-23, 2), (-27, 5.5),
)  # fmt: skip
"""The circular sulcus as (y, z)."""

_PLACES: tuple[float, ...] = (32, 28, 24, 20, 16, 12, 8, 4, 0, -4, -8, -12, -16, -20, -24, -28)

_FISSURE: Mapping[float, tuple[float, ...]] = {
    -12: (40, 41, 42, 43, 44, 45, 45, 45, 44, 43, 42, 41, 40, 38, 37, 36),
    -8: (38, 38, 40, 44, 46, 47, 47, 46, 46, 45, 43, 42, 41, 39, 38, 36),
    -4: (36, 38, 40, 43, 45, 46, 47, 47, 46, 46, 45, 44, 41.5, 40, 38, 36),
    0: (34, 35, 38, 41, 42, 43, 45, 46, 47, 47, 46.5, 45, 43, 41, 39, 36),
    4: (32, 33, 35.5, 38, 38.5, 39.5, 41, 43, 45.5, 46, 46, 45, 42.5, 39.5, 38, 36),
    8: (31, 31.5, 33, 35, 35.5, 36.5, 38, 40, 43.5, 44.5, 44.5, 45, 43, 39, 36, 35),
    12: (31, 31.5, 32, 33, 33.5, 34.5, 36, 38, 40.5, 42, 42, 43, 42, 39.5, 37, 35),
    16: (31, 31, 31, 32, 32, 33, 34, 35, 37, 38.5, 39, 40, 40, 38, 36, 34),
}
"""Where the fluid lateral to the insula was seen, at the places above and the heights given."""

_SEARCH = 2  # millimetres to either side of the surface seen
_CAPSULE_T1 = 0.79  # brighter, blurred so that gyri count whole, is white matter of the capsule
_GYRUS = 1.5  # standard deviation of that blur, mm

_EXTREME_CAPSULE: Mapping[float, Mapping[float, float]] = {
    -14: {30: 30, 20: 33, 10: 36, 0: 37, -10: 38, -28: 38},
    -8: {30: 29, 22: 31, 15: 34, 8: 36, 0: 37, -8: 37, -15: 37, -28: 36},
    -2: {30: 28, 22: 31, 15: 34, 8: 35.5, 0: 36.5, -8: 37, -15: 36.5, -22: 36, -28: 35},
    4: {30: 27.5, 22: 31, 15: 33, 8: 35, 0: 35.5, -8: 36, -15: 35.5, -22: 34, -28: 33},
    10: {30: 27.5, 22: 29.5, 15: 31.5, 8: 33, 0: 34, -8: 34.5, -15: 33.5, -22: 32, -28: 31},
    16: {30: 27.5, 22: 29, 15: 31, 8: 32, 0: 33, -8: 33.5, -15: 32.5, -22: 31, -28: 30},
}


def fissure_surface(
    t1: FloatArray, y: FloatArray, z: FloatArray, smoothing: float = 1.5
) -> NDArray[np.float64]:
    """Return how far from the midline the Sylvian fissure lies, lateral of the insula.

    Parameters
    ----------
    t1 : ndarray, shape (nx, ny, nz)
        The brain's T1-weighted average of one side; the first index is the distance from the
        midline in mm.
    y, z : ndarray, one-dimensional
        Coordinates in mm.
    smoothing : float
        Standard deviation of the Gaussian that rounds the surface, mm.

    Returns
    -------
    ndarray, shape (ny, nz)
        The middle of the fissure's fluid in mm: the darkest voxel near where it was seen, smoothed.
    """
    rows: dict[float, dict[float, float]] = {
        height: dict(zip(_PLACES, found, strict=True)) for height, found in _FISSURE.items()
    }
    seen = surface(rows, y, z, smoothing=1.0)
    smooth = ndimage.gaussian_filter(t1.astype(np.float64), 0.7)
    offsets = np.arange(-_SEARCH, _SEARCH + 1)
    candidates = np.rint(seen)[..., np.newaxis].astype(int) + offsets
    j, k = np.indices(seen.shape)
    darkness = smooth[candidates, j[..., np.newaxis], k[..., np.newaxis]]
    # Weights that favour fluid over cortex and let the drawn surface stand where neither is seen.
    weights = np.exp(-(((darkness - darkness.min(axis=-1, keepdims=True)) / 0.05) ** 2))
    refined = (weights * candidates).sum(axis=-1) / weights.sum(axis=-1)
    return ndimage.gaussian_filter(refined, smoothing, mode="nearest")


def insula(
    t1: FloatArray, fissure: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray
) -> NDArray[np.bool_]:
    """Return the insular cortex of one side, its gyri filled.

    Parameters
    ----------
    t1 : ndarray, shape (nx, ny, nz)
        The brain's T1-weighted average, 0-1.
    fissure : ndarray, shape (ny, nz)
        From `fissure_surface`.
    x, y, z : ndarray, one-dimensional
        Coordinates in mm; x is the distance from the midline.

    Returns
    -------
    ndarray of bool, shape (nx, ny, nz)
    """
    across = x[:, np.newaxis, np.newaxis]
    inside = np.maximum(across - fissure, surface(_EXTREME_CAPSULE, y, z) - across) < 0
    cortex = ndimage.gaussian_filter(np.asarray(t1, np.float64), _GYRUS) < _CAPSULE_T1
    return inside & (signed_distance(OUTLINE, y, z) < 0) & cortex
