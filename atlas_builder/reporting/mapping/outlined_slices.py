"""Slices in colour with the borders of their regions, pixel by pixel, for DICOM viewers."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor
from scipy.ndimage import binary_erosion

from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.reporting.base.colours import REGION_COLOURS
from atlas_builder.reporting.base.pictures import grey_levels

_THIN, _THICK = 1, 3  # pixels


def outlined_slice(
    hu: NDArray[Any], labels: NDArray[np.uint8], marked: Set[int]
) -> NDArray[np.uint8]:
    """Draw a slice in the brain window with its regions' borders in their colours.

    Borders lie inside their regions, so that neighbours keep theirs.

    Parameters
    ----------
    hu : ndarray, shape (columns, rows)
        The slice in HU.
    labels : ndarray of uint8, shape (columns, rows)
        Values as in `map_value`.
    marked : set of int
        Values of the regions with a thick border.

    Returns
    -------
    ndarray of uint8, shape (columns, rows, 3)
        Red, green and blue.
    """
    picture = np.repeat(grey_levels(hu)[..., np.newaxis], 3, axis=2)
    for side in SIDES:
        for region in Region:
            value = map_value(region, side)
            mask = labels == value
            if mask.any():
                width = _THICK if value in marked else _THIN
                inside = binary_erosion(mask, iterations=width)
                picture[mask & ~inside] = ImageColor.getrgb(REGION_COLOURS[region])
    return picture
