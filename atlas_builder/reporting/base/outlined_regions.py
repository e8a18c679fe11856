"""Regions of a slice as pictures draw them: outlines in mm and a place for each name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import SIDES, Region, Side, map_value
from atlas_builder.reporting.base.name_places import Candidates, deep_pixels, place_names
from atlas_builder.reporting.base.outlines import closed_borders


@dataclass(frozen=True)
class OutlinedRegion:
    """A region of one side, as it is drawn.

    Attributes
    ----------
    region, side
        Which region.
    borders : tuple of ndarray, shape (points, 2)
        Closed polygons in mm.
    name_place : tuple of float
        Middle of the name in mm.
    stands_out : bool
        Whether it is to catch the eye: darker than its counterpart, or without its point.
    """

    region: Region
    side: Side
    borders: tuple[NDArray[np.float64], ...]
    name_place: tuple[float, float]
    stands_out: bool


def outlined_regions(
    labels: NDArray[np.uint8],
    regions: Iterable[Region],
    spacing: tuple[float, float],
    smooth_mm: float,
    to_mm: Callable[[NDArray[np.number]], NDArray[np.float64]],
    standing_out: Collection[tuple[Region, Side]],
) -> Iterator[OutlinedRegion]:
    """Outline the regions of a slice on its own pixels and place their names.

    Parameters
    ----------
    labels : ndarray of uint8, shape (nx, ny)
        1-10 on the left, 11-20 on the right.
    regions : iterable of Region
        Which regions.
    spacing : tuple of float
        Pixel size in mm along each axis.
    smooth_mm : float
        Standard deviation of the Gaussian that rounds the steps of pixels.
    to_mm : callable
        Takes fractional pixel indices, shape (n, 2), to the picture's mm.
    standing_out : collection of tuple
        Region and side of those that are to catch the eye.

    Yields
    ------
    OutlinedRegion
        In label order, left before right; only those with pixels on the slice.
    """
    borders, candidates = {}, {}
    for key in product(regions, SIDES):
        mask = labels == map_value(*key)
        found = closed_borders(mask, [smooth_mm / size for size in spacing])
        if found:
            borders[key] = tuple(to_mm(border) for border in found)
            pixels, depths = deep_pixels(mask, spacing)
            candidates[key] = Candidates(key[0].name, to_mm(pixels), depths)
    places = place_names(candidates)
    for key, outline in borders.items():
        yield OutlinedRegion(*key, outline, places[key], key in standing_out)
