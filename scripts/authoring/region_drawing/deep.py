"""Caudate, lentiform nucleus and internal capsule in MNI152NLin2009aSym space.

Contours were drawn on the brain's T1-weighted average, on axial slices 3 mm apart. They hold to a
millimetre; within it the nuclei follow the tissue, grey between the fluid of the ventricle and the
white of the capsules. The internal capsule is what its contours leave between the nuclei; its
border with the thalamus, whose lateral nuclei are nearly white, is the drawn one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.anatomy import Region
from region_drawing.contours import Contour, FloatArray, solid

_MARGIN = 1.0
"""Millimetres by which tissue may move a nucleus's border away from its contour."""

_FLUID_T1 = 0.54
"""The T1 intensity halfway from the grey matter of the nuclei to fluid."""

_WHITE_T1: Mapping[Region, float] = {Region.C: 0.78, Region.L: 0.80}
"""The T1 intensities halfway from the nuclei to the white matter around them."""

_SURE_T1 = 0.04
"""How far beyond those the tissue is beyond doubt."""

_NOISE, _SMOOTHING = 0.5, 0.7
"""Standard deviations in mm: of the blur of the T1 intensity, and of the borders it moved."""

CAUDATE: Mapping[float, Contour] = {
    -6: ((16.5, 22.5), (14, 16), (11.5, 10), (8.5, 9), (7, 12), (8.5, 17), (11, 22), (14, 23.5)),
    -4: ((18.5, 23.5), (15, 16), (11, 9), (8, 6.5), (6, 9), (6, 14), (9, 21), (14, 25), (17, 26)),
    -1: (
        (20, 23.5), (16, 16), (11.5, 9), (7.5, 4.5), (5.5, 8), (5.5, 13), (7, 19), (12, 24),
        (17, 26),
    ),
    2: (
        (20.5, 22), (17, 15.5), (13, 9), (9.5, 4), (7, 5), (6, 10), (6.5, 16), (10, 21.5), (15, 25),
        (19, 25.5),
    ),
    5: (
        (21, 22), (18, 14.5), (14, 8), (10, 3), (7.5, 4.5), (6, 10), (7, 16), (10, 21), (14, 24),
        (19, 25.5),
    ),
    8: (
        (21.5, 20), (18, 11), (14, 5), (10, 2), (7.5, 5), (6.5, 11), (8, 17), (12, 20.5), (17, 24),
        (20, 23.5),
    ),
    11: (
        (21.5, 19), (20, 13), (16, 5), (11, 1.5), (8, 3), (7.5, 9), (8.5, 14), (12, 18.5),
        (16.5, 22.5), (19.5, 22.5),
    ),
    14: (
        (21.5, 15), (20.5, 8), (17, 1.5), (12.5, -1), (10.5, 2), (9.5, 8), (11, 13), (15, 18),
        (18.5, 21),
    ),
    17: (
        (20.5, 12), (19.5, 5), (16.5, -3), (14, -6), (12, -4), (11, 2), (11.5, 7), (13.5, 12.5),
        (17, 17),
    ),
    20: (
        (20.5, 8), (19, 0), (17.5, -9), (16, -15), (14.5, -12), (13.5, -5), (13.5, 2), (15, 9),
        (18.5, 14),
    ),
    24: ((20, 5), (19.5, -3), (18.5, -11), (17, -14), (16, -8), (15.5, 0), (17.5, 8)),
}  # fmt: skip

LENTIFORM: Mapping[float, Contour] = {
    -10: ((27, 4), (26, 10), (23, 16), (19.5, 17), (17, 13), (17, 8), (22, 5)),
    -7: (
        (32.5, -12), (32, -5), (30.5, 3), (29, 9), (26, 16), (21, 21), (18, 18), (15.5, 12),
        (16, 8), (20, 5), (25, 0), (28, -6), (30.5, -12),
    ),
    -4: (
        (32, -20), (33.3, -13), (32.8, -5), (31.5, 4), (30, 10), (26.5, 17), (21.5, 20.5), (18, 17),
        (15, 11), (12, 6), (13, 2), (17, -4), (22, -9), (27, -14), (30.5, -20),
    ),
    -1: (
        (31, -22), (32.7, -15), (32.8, -5), (31.5, 4), (29, 12), (24, 20), (21, 17), (17, 10),
        (12, 5), (13, 0), (17, -5), (22, -11), (26, -15), (29, -21),
    ),
    2: (
        (30.5, -21), (33, -13), (33, -4), (31.5, 5), (28, 14), (24.5, 19.5), (21, 16), (17.5, 9),
        (14.5, 5), (15, 1), (17.5, -3), (21, -8.5), (25, -15), (28.5, -20.5),
    ),
    5: (
        (29.5, -20.5), (32.5, -12), (32.5, -4), (31, 5), (28, 13), (24.5, 18), (21, 14), (18, 7),
        (17.5, 3), (19, -2), (22, -8), (25, -14), (28, -20),
    ),
    8: (
        (29, -18.5), (32, -10), (32, -3), (30, 6), (27, 12), (24.5, 15), (22, 10), (20, 4),
        (22, -2), (24, -8), (27, -15),
    ),
    11: (
        (28.5, -15), (30.5, -8), (30.5, -2), (29, 5), (26, 10.5), (24, 8), (22.5, 2), (23, -3),
        (25, -9), (27, -14),
    ),
    14: ((28, -11), (29.5, -6), (29.5, 0), (28, 5), (26, 4), (25, -2), (26, -8)),
}  # fmt: skip

CAPSULE: Mapping[float, Contour] = {
    -4: (
        (22, 20), (18.5, 23), (14, 16), (11, 9), (8.5, 4), (9.5, 0), (13, -4), (18, -10), (23, -15),
        (27, -21), (31, -21), (28, -12), (18, 3), (20, 12),
    ),
    -1: (
        (23, 20), (19, 23), (14, 16), (9, 8), (7.5, 3), (9, 0), (13, -5), (17, -10.5), (21, -16),
        (25, -22), (27, -25), (31, -22), (27, -10), (18, 3), (20, 12),
    ),
    2: (
        (25, 20), (20, 23), (15, 15), (10, 8), (8, 2.5), (10, -1.5), (14, -7), (18, -13),
        (22, -19.5), (24, -25), (28, -25.5), (31, -20), (27, -10), (19, 3), (21, 11),
    ),
    5: (
        (25.5, 19), (20.5, 23), (15, 14), (10, 7), (8, 2), (10.5, -2), (15, -8), (19, -14),
        (23, -21), (25, -26.5), (29, -25.5), (31, -20), (28, -10), (21, 3), (22, 10),
    ),
    8: (
        (26, 16), (20.5, 21.5), (16, 12), (11, 5), (8.5, 0.5), (12, -2.5), (16.5, -7.5),
        (20.5, -14), (23.5, -20), (25.5, -26), (29.5, -24.5), (31, -18), (28.5, -8), (23, 3),
        (23, 10),
    ),
    11: (
        (27, 12), (20.5, 20), (17, 10), (13, 4), (10, 0), (13, -3), (17.5, -7), (20.5, -13),
        (23.5, -20), (25, -25), (29, -22.5), (30, -15), (28, -6), (25, 2), (25, 8),
    ),
    14: (
        (28, 7), (20.5, 16), (18, 7), (15, 2), (12.5, -2), (16, -5), (19, -9), (22, -16),
        (23.5, -21.5), (27.5, -19), (29, -12), (28, -4), (27, 2),
    ),
    17: ((27, 4), (20, 10), (18, 2), (16, -4), (18, -8), (21, -14), (23, -18), (27, -15), (28, -6)),
}  # fmt: skip


def deep_regions(
    t1: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray
) -> dict[Region, NDArray[np.bool_]]:
    """Return caudate (head and body), lentiform nucleus and internal capsule of one side.

    Parameters
    ----------
    t1 : ndarray, shape (nx, ny, nz)
        The brain's T1-weighted average, 0-1.
    x, y, z : ndarray, one-dimensional
        Coordinates in mm; x is the distance from the midline.

    Returns
    -------
    dict of Region to ndarray of bool, shape (nx, ny, nz)
        C, L and IC, without overlap.
    """
    intensity = ndimage.gaussian_filter(np.asarray(t1, np.float64), _NOISE)
    nuclei = []
    for contours, white in ((CAUDATE, _WHITE_T1[Region.C]), (LENTIFORM, _WHITE_T1[Region.L])):
        greyness = np.minimum(intensity - _FLUID_T1, white - intensity) / _SURE_T1
        shift = _MARGIN * np.clip(greyness, -1.0, 1.0)
        nuclei.append(ndimage.gaussian_filter(solid(contours, x, y, z) - shift, _SMOOTHING) < 0)
    caudate, lentiform = nuclei[0], nuclei[1] & ~nuclei[0]
    capsule = (solid(CAPSULE, x, y, z) < 0) & ~lentiform & ~caudate
    return {Region.C: caudate, Region.L: lentiform, Region.IC: capsule}
