"""Each region's patch on either side, the right one mirrored, as the networks take them.

The paper's patches have 80 x 160 x 120 voxels of 0.5 x 0.5 x 5 mm. These cover 64 x 80 x 56 mm with
32 x 40 x 14 voxels: the differences that count are of millilitres, their noise falls with the
voxels' size, and two cores train and run the networks in minutes and fractions of a second.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.da_net.standard_view import FIRST_MM, SHAPE, STEP_MM, StandardView
from atlas_builder.catalogue.mni_regions import load_mni_aspects
from atlas_builder.core.anatomy import Region
from atlas_builder.core.aspects import DEEP_REGIONS

PATCH = (32, 40, 14)
WINDOW_HU = (5.0, 55.0)
"""Level 30 and width 50, as in the paper."""

CHANNELS = 2
"""Density, and the region."""

CORTICAL_REGIONS = tuple(region for region in Region if region not in DEEP_REGIONS)
GROUPS = {"cortical": CORTICAL_REGIONS, "deep": DEEP_REGIONS}
"""Which regions each of the two networks judges."""


def patches_of(view: StandardView, regions: tuple[Region, ...]) -> NDArray[np.float32]:
    """Return the patches of regions, left and mirrored right.

    Parameters
    ----------
    view : StandardView
        Of a scan.
    regions : tuple of Region
        Which.

    Returns
    -------
    ndarray of float32, shape (regions, 2, CHANNELS, *PATCH)
        Left side first. Densities run from -1 to 1.
    """
    low, high = WINDOW_HU
    seen = (np.clip(view.hu, low, high) - low) * np.float32(2 / (high - low)) - 1
    found = np.empty((len(regions), 2, CHANNELS, *PATCH), np.float32)
    for row, region in enumerate(regions):
        x, y, z = corner_of(region)
        box = slice(x, x + PATCH[0]), slice(y, y + PATCH[1]), slice(z, z + PATCH[2])
        for side, step in enumerate((1, -1)):
            value = region.value + side * len(Region)
            found[row, side, 0] = seen[::step][box]
            found[row, side, 1] = view.labels[::step][box] == value
    return found


@cache
def corner_of(region: Region) -> tuple[int, int, int]:
    """Return the first voxel of a region's patch on the left, about the region in MNI space.

    Parameters
    ----------
    region : Region
        Which.

    Returns
    -------
    tuple of int
        On the standard grid.
    """
    atlas = load_mni_aspects()
    voxels = np.argwhere(atlas.labels == region.value)
    low, high = (
        atlas.affine[:3, :3] @ end + atlas.affine[:3, 3]
        for end in (voxels.min(axis=0), voxels.max(axis=0))
    )
    first = ((low + high) / 2 - FIRST_MM) / STEP_MM - np.array(PATCH) / 2
    x, y, z = (int(n) for n in np.clip(np.rint(first), 0, np.array(SHAPE) - PATCH))
    return x, y, z
