"""What the two networks of the cascade take and give; the recipe beside this module builds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region

MULTIPLES = (16, 16, 4)
"""What the sides of an image must be multiples of: slices are thick, the first two of four down
blocks work in plane only."""

_WINDOW_HU = (-15.0, 85.0)


@dataclass(frozen=True)
class Stage:
    """One network of the cascade.

    Attributes
    ----------
    kind : str
        The network's name in its model.
    pixel_mm : float
        In plane.
    crop : tuple of int
        Voxels of the images that it is trained on.
    outputs : int
        Classes, nothing included.
    """

    kind: str
    pixel_mm: float
    crop: tuple[int, int, int]
    outputs: int


COARSE = Stage("region-locator", 4.0, (64, 64, 32), 2)
"""Finds the box that holds all regions, on the whole scan."""

FINE = Stage("region-segmenter", 1.5, (112, 128, 20), 1 + 2 * len(Region))
"""Tells the regions apart inside that box."""


def channels_of(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a network's channel: densities of brain and fluid from -1 to 1, the rest cut off.

    Parameters
    ----------
    hu : ndarray of float32, shape (x, y, z)
        Densities.

    Returns
    -------
    ndarray of float32, shape (1, x, y, z)
    """
    low, high = _WINDOW_HU
    scaled = (np.clip(hu, low, high) - low) * np.float32(2 / (high - low)) - 1
    return np.asarray(scaled[np.newaxis], np.float32)
