"""How an expert draws the regions of a key slice: the 3-D regions where the slice cuts them.

The cortical regions of the two levels lie one above the other, M1 below M4, M2 below M5, M3 below
M6. A tilted slice may run through both, yet a reader draws the cortex of one level on it; so each
cortical region is drawn as that of the slice's level, and deep regions at the basal ganglia only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.anatomy import Level, Region, regions_of

Labels = NDArray[np.uint8]

_ABOVE = {Region.M1: Region.M4, Region.M2: Region.M5, Region.M3: Region.M6}
_SIDES = 2


def draw_level(regions: Labels, level: Level) -> Labels:
    """Draw a level's regions on one slice.

    Parameters
    ----------
    regions : ndarray of uint8, shape (columns, rows)
        The 3-D regions cut by the slice: 1-10 on the left, 11-20 on the right.
    level : {'BGL', 'SGL'}
        The level to draw.

    Returns
    -------
    ndarray of uint8, shape (columns, rows)
        The level's regions, numbered as in `regions`; each in one piece without holes.
    """
    drawn = np.zeros(len(Region) * _SIDES + 1, dtype=np.uint8)
    for side in range(_SIDES):
        right = side * len(Region)
        for region in regions_of(level):
            drawn[right + region] = right + region
        for below, above in _ABOVE.items():
            drawn[right + below] = drawn[right + above] = right + (
                above if level == "SGL" else below
            )
    return in_one_piece(drawn[regions])


def in_one_piece(labels: Labels) -> Labels:
    """Keep each label's largest part and fill the holes in it.

    Parameters
    ----------
    labels : ndarray of uint8, shape (columns, rows)
        0 where there is no region.

    Returns
    -------
    ndarray of uint8, shape (columns, rows)
    """
    whole = np.zeros_like(labels)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        parts, count = ndimage.label(labels[box] == label)
        largest = 1 + int(np.argmax(np.bincount(parts.ravel(), minlength=count + 1)[1:]))
        filled = ndimage.binary_fill_holes(parts == largest)
        unclaimed = (labels[box] == 0) | (labels[box] == label)
        whole[box][filled & unclaimed] = label
    return whole


def without_sides(labels: Labels) -> Labels:
    """Give the regions of both sides the same value, as cohorts carry them.

    Parameters
    ----------
    labels : ndarray of uint8
        1-10 on the left, 11-20 on the right, 0 where there is no region; of any shape.

    Returns
    -------
    ndarray of uint8
        Of the same shape, 1-10 on both sides.
    """
    return np.where(labels > len(Region), labels - len(Region), labels).astype(np.uint8)
