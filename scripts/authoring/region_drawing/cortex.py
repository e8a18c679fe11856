"""The cortical regions M1-M6 in MNI152NLin2009aSym space.

They divide the convexity of the middle cerebral artery's territory. Its depth is one surface, the
distance x(y, z) from the midline beyond which a voxel belongs to it: at the front and at the back
it meets the brain's surface where the anterior and the posterior cerebral artery take over, above
it leaves the parasagittal strip to the anterior one, below the inferior temporal gyrus to the
posterior one, and inward it stays clear of the white matter beside the ventricles.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region
from region_drawing.contours import FloatArray, surface

GANGLIA_TOP = 16.0
"""Millimetres: above it lie neither lentiform nucleus nor head of the caudate, but M4-M6."""

DEPTH: Mapping[float, Mapping[float, float]] = {
    -36: {45: 60, 22: 40, 15: 36, 5: 36, -5: 46, -15: 56, -25: 70},
    -28: {45: 60, 25: 38, 15: 34, 5: 35, -5: 41, -20: 48, -35: 56, -45: 70},
    -20: {60: 50, 50: 36, 40: 34, 25: 36, 15: 35, 0: 38, -20: 43, -40: 47, -55: 56, -65: 70},
    -10: {
        70: 50, 60: 36, 52: 29, 40: 27, 25: 28, 15: 34, 0: 38, -20: 40, -40: 43, -60: 44, -70: 50,
        -80: 70,
    },
    4: {
        72: 44, 62: 31, 47: 26, 32: 28, 20: 31, 0: 36, -20: 36, -28: 36, -40: 42, -50: 41, -64: 37,
        -75: 41, -81: 46, -92: 62,
    },
    17: {
        72: 42, 60: 29, 47: 24, 32: 28.5, 20: 32, 0: 34, -20: 35, -30: 37, -41: 40, -52: 37,
        -64: 33, -76: 37, -85: 43, -95: 58,
    },
    26: {
        68: 40, 57: 28, 44: 23, 30: 27.5, 10: 33, -15: 35, -35: 37, -42: 38, -64: 32, -78: 36,
        -88: 42, -96: 56,
    },
    45: {
        60: 40, 48: 30, 36: 24, 20: 26, 5: 29, -15: 31, -40: 31, -60: 29, -75: 32, -84: 40, -92: 54,
    },
    60: {45: 44, 34: 30, 20: 25, 0: 26, -20: 27, -40: 28, -58: 29, -70: 36, -80: 50},
    72: {20: 60, 8: 34, -10: 27, -30: 27, -45: 30, -60: 50},
    80: {20: 70, -20: 60, -60: 70},
}  # fmt: skip
"""How far from the midline the territory begins, at places y and heights z."""

_FRONTAL_BASE = -19.0
"""Where the territory ends below the frontal lobe: the height z in mm."""

_TEMPORAL_BASE = {-85: -1, -75: -5, -60: -11, -45: -17, -30: -23, -12: -30, 4: -38, 20: -45}
"""Where it ends below the temporal lobe's lateral surface: z at places y."""

_BASE_SLANT = 0.35
"""By how much that border rises per mm inward from `_LATERAL_SURFACE`."""

_LATERAL_SURFACE = 60.0
"""How far from the midline the lateral surface of a hemisphere lies, mm."""

_ROUNDING = 4.0
"""Millimetres over which depth and base pass into each other."""

_FRONT = {-36: 34, -24: 27, -17: 20, -10: 17, 4: 19, 17: 18.5, 30: 17, 45: 12, 60: 8, 75: 5}
"""The border of M1 with M2 and of M4 with M5 at the brain's surface: y at heights z."""

_BACK = {-24: -46, -12: -41, 4: -40, 17: -41, 30: -41, 60: -42, 75: -42}
"""The border of M2 with M3 and of M5 with M6."""

_FRONT_SLANT = 0.28
"""By how much the frontal border turns back per mm towards the midline, above the ganglia."""


def cortical_regions(
    brain: NDArray[np.bool_],
    within: FloatArray,
    x: FloatArray,
    y: FloatArray,
    z: FloatArray,
) -> NDArray[np.uint8]:
    """Return M1-M6 of one side.

    Parameters
    ----------
    brain : ndarray of bool, shape (nx, ny, nz)
        The brain, its sulci included.
    within : ndarray, shape (ny, nz)
        Where the insula ends laterally, mm from the midline; 0 where there is no insula.
    x, y, z : ndarray, one-dimensional
        Coordinates in mm; x is the distance from the midline.

    Returns
    -------
    ndarray of uint8, shape (nx, ny, nz)
        Region values; 0 elsewhere.
    """
    depth = np.maximum(surface(DEPTH, y, z), within)
    across = x[:, np.newaxis, np.newaxis]
    up = z[np.newaxis, np.newaxis, :]
    front = np.interp(z, list(_FRONT), list(_FRONT.values()))
    back = np.interp(z, list(_BACK), list(_BACK.values()))
    along = y[np.newaxis, :, np.newaxis]
    above = up > GANGLIA_TOP
    slant = _FRONT_SLANT * np.where(above, np.minimum(across - _LATERAL_SURFACE, 0), 0)
    anterior = along > front + slant
    posterior = along < back
    temporal = np.interp(y, list(_TEMPORAL_BASE), list(_TEMPORAL_BASE.values()))
    slanted = temporal[:, np.newaxis] + _BASE_SLANT * (_LATERAL_SURFACE - across)
    base = np.where(anterior, _FRONTAL_BASE, slanted)
    territory = brain & (_smooth_minimum(across - depth, up - base) > 0)
    third = np.where(anterior, 0, np.where(posterior, 2, 1))
    regions = np.where(above, int(Region.M4), int(Region.M1)) + third
    return np.where(territory, regions, 0).astype(np.uint8)


def _smooth_minimum(first: FloatArray, second: FloatArray) -> NDArray[np.float64]:
    """Return the smaller of two distances, rounded where they are about the same.

    References
    ----------
    Quilez I. Smooth minimum (2013), https://iquilezles.org/articles/smin.
    """
    overlap = np.maximum(_ROUNDING - np.abs(first - second), 0) / _ROUNDING
    return np.minimum(first, second) - overlap**2 * _ROUNDING / 4
