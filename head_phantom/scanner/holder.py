"""The head holder: a curved shell behind the head and beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_THICKNESS_MM = 2.5
_GAP_MM = 9.0
_AIR_HU = -300.0


def add_holder(
    image: NDArray[np.float32],
    affine: Array,
    shell_hu: float,
    half_size_mm: tuple[float, float],
    middle_mm: tuple[float, float],
) -> None:
    """Put the head holder where an image shows air.

    Parameters
    ----------
    image : ndarray of float32, shape (columns, rows)
        HU of a slice; changed in place.
    affine : ndarray, shape (4, 4)
        Of the slice, in the scanner's mm.
    shell_hu : float
        Of the shell.
    half_size_mm : tuple of float
        Of the head: half its width and half its length.
    middle_mm : tuple of float
        Of the head in the scanner: to the right and to the front.
    """
    columns, rows = (np.arange(length) for length in image.shape)
    # The shell runs along the table, so a slice's height does not matter, tilted or not.
    across = affine[0, 3] + affine[0, 0] * columns - middle_mm[0]
    along = affine[1, 3] + affine[1, 1] * rows - middle_mm[1]
    width, depth = (half + _GAP_MM for half in half_size_mm)
    radius = np.hypot(across[:, np.newaxis] / (1.15 * width), along / depth)
    slope = np.hypot(across[:, np.newaxis] / (1.15 * width) ** 2, along / depth**2)
    distance = np.abs(radius - 1.0) * radius / np.maximum(slope, 1e-6)
    pixel = abs(affine[0, 0])
    share = np.clip(0.5 + (_THICKNESS_MM / 2.0 - distance) / pixel, 0.0, 1.0)
    share *= along < 0.0
    share *= image < _AIR_HU
    image += (share * (shell_hu - image)).astype(np.float32)
