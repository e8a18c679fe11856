"""The class activation maps of all regions, put together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.attention import AttentionMap
from aspects_scorer.ncct.da_net.patches import PATCH, corner_of
from aspects_scorer.ncct.da_net.standard_view import FIRST_MM, SHAPE, STEP_MM
from atlas_builder.core.anatomy import Region
from slice_localizer.alignment.deformation import BrainPlace

Array = NDArray[np.float32]


def attention_of(
    maps: Mapping[Region, Array],
    probability: NDArray[np.float64],
    labels: NDArray[np.uint8],
    place: BrainPlace,
) -> AttentionMap:
    """Put the class activation maps of all regions together, each as strong as it is probable.

    Parameters
    ----------
    maps : mapping of Region to ndarray, shape (2, x, y, z)
        Left and mirrored right, on the patch, coarsely.
    probability : ndarray, shape (2, 10)
        Of each region being affected, left side first.
    labels : ndarray of uint8, shape `SHAPE`
        The regions on the standard grid: each map is shown in its own region.
    place : BrainPlace
        Of the standard brain in the scan.

    Returns
    -------
    AttentionMap
    """
    whole = np.zeros(SHAPE, np.float32)
    for region, map_ in maps.items():
        box = tuple(slice(a, a + n) for a, n in zip(corner_of(region), PATCH, strict=True))
        for side, step in enumerate((1, -1)):
            zoom = [n / m for n, m in zip(PATCH, map_[side].shape, strict=True)]
            fine = ndimage.zoom(map_[side], zoom, order=1, grid_mode=True, mode="nearest")
            here = labels[::step][box] == region.value + side * len(Region)
            whole[::step][box][here] = probability[side, region.value - 1] * np.maximum(
                fine[here], 0
            )
    greatest = float(whole.max())
    return AttentionMap(whole / max(greatest, 1e-6), FIRST_MM, STEP_MM, place)
