"""Where the names of regions are written: deep inside each, and never over one another."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

Key = TypeVar("Key", bound=Hashable)

NAME_HEIGHT_MM = 4.2
"""Size of the type that names are written in, in mm of the head."""

_LETTER_WIDTH = 0.72  # of the size: capitals and figures of a bold sans serif
_LINE_HEIGHT = 0.86  # of the size: capitals have nothing below the line
_DEEP_ENOUGH = 0.55  # of the greatest depth: places that far inside may be chosen


@dataclass(frozen=True)
class Candidates:
    """Where the name of a region may be written.

    Attributes
    ----------
    name : str
        Of the region.
    points : ndarray, shape (n, 2)
        Places in mm, the deepest first.
    depths : ndarray, shape (n,)
        Their distance from the region's border in mm.
    """

    name: str
    points: NDArray[np.float64]
    depths: NDArray[np.float64]


def name_box(name: str) -> tuple[float, float]:
    """Return about how wide and how high a written name is, in mm.

    Parameters
    ----------
    name : str
        Of a region.

    Returns
    -------
    width, height : float
        In mm of the head.
    """
    return NAME_HEIGHT_MM * _LETTER_WIDTH * len(name), NAME_HEIGHT_MM * _LINE_HEIGHT


def deep_pixels(
    mask: NDArray[np.bool_], spacing: tuple[float, float]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the pixels well inside a mask, shape (n, 2), the deepest first, and their depths.

    Parameters
    ----------
    mask : ndarray of bool, shape (nx, ny)
        Not empty.
    spacing : tuple of float
        Pixel size in mm along each axis; depths are in mm too.
    """
    (box,) = ndi.find_objects(mask.astype(np.uint8))
    # A frame of background, so that the border of the picture is a border of the region.
    depth = ndi.distance_transform_edt(np.pad(mask[box], 1), sampling=spacing)[1:-1, 1:-1]
    pixels = np.argwhere(depth >= _DEEP_ENOUGH * depth.max())
    depths = depth[tuple(pixels.T)]
    order = np.argsort(-depths, kind="stable")
    return pixels[order] + [axis.start for axis in box], depths[order]


def place_names(candidates: Mapping[Key, Candidates]) -> dict[Key, tuple[float, float]]:
    """Choose the middle of each name in mm.

    Names with least room come first and take the deepest place; each of the others takes the
    deepest of its places where it keeps clear of those before it, or else the one that covers
    least of them.

    Parameters
    ----------
    candidates : mapping of key to Candidates
        Where each name may be written.

    Returns
    -------
    dict of key to tuple of float
        The middle of each name, in mm.
    """
    places: dict[Key, tuple[float, float]] = {}
    taken: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    for key, offered in sorted(candidates.items(), key=lambda item: item[1].depths[0]):
        own = np.array(name_box(offered.name))
        overlap = np.zeros(len(offered.points))
        for middle, box in taken:
            room = (box + own) / 2 - np.abs(offered.points - middle)
            overlap += np.clip(room, 0, None).prod(axis=1)
        # Square millimetres of a hidden name outweigh any depth.
        best = int(np.lexsort((-offered.depths, overlap))[0])
        x, y = offered.points[best]
        places[key] = float(x), float(y)
        taken.append((offered.points[best], own))
    return places
