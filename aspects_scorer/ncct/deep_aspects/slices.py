"""What the networks of Deep-ASPECTS see: slices of the brain with their mirror images.

The paper rescales whole slices to 224 x 224 pixels. Here the brain is read on the standard grid,
on pixels of 2 mm, which hold nothing but it; there the other side's tissue lies at the mirrored
place and is given to the networks beside each slice's own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.da_net.standard_view import SHAPE

CHANNELS = 8
"""Three neighbouring slices, the same mirrored, one in a wide window, the smoothed difference."""

FRAME = (96, 96)
"""Pixels of the networks' slices: those of the grid with air around, as five halvings ask."""

_MARGINS = tuple((frame - size) // 2 for frame, size in zip(FRAME, SHAPE[:2], strict=True))
_NARROW_HU, _WIDE_HU = (10.0, 55.0), (-20.0, 120.0)
_TISSUE_HU = (16.0, 50.0)  # fluid and calcification are no part of the difference
_SMOOTHING = 2.0  # pixels
_DIFFERENCE_HU = 5.0
_NEIGHBOURS = (0.25, 0.5, 0.25)

Array = NDArray[np.float32]


def channels_of(hu: Array) -> Array:
    """Return the channels of a slice between its neighbours.

    Parameters
    ----------
    hu : ndarray of float32, shape (x, y, 3)
        On the standard grid: the slice below, the slice, the slice above.

    Returns
    -------
    ndarray of float32, shape (CHANNELS, *FRAME)
        Windows from -1 to 1; the difference to the mirrored side in units of 5 HU.
    """
    narrow = np.moveaxis(_windowed(hu, _NARROW_HU), 2, 0)
    wide = _windowed(hu[:, :, 1], _WIDE_HU)
    seen = framed(np.concatenate([narrow, narrow[:, ::-1], wide[np.newaxis]]), -1.0)
    difference = _difference(hu @ np.array(_NEIGHBOURS, np.float32))
    return np.concatenate([seen, framed(difference[np.newaxis], 0.0)])


def volume_channels(hu: Array) -> Array:
    """Return the channels of all slices; the outermost are their own neighbours.

    Parameters
    ----------
    hu : ndarray of float32, shape ``SHAPE``
        A scan on the standard grid.

    Returns
    -------
    ndarray of float32, shape (slices, CHANNELS, *FRAME)
    """
    padded = np.pad(hu, [(0, 0), (0, 0), (1, 1)], mode="edge")
    return np.stack([channels_of(padded[:, :, k : k + 3]) for k in range(hu.shape[2])])


def framed(images: NDArray[np.generic], value: float) -> NDArray[np.generic]:
    """Return images of the grid in the networks' frame.

    Parameters
    ----------
    images : ndarray, shape (..., x, y)
        On the grid.
    value : float
        Around it.

    Returns
    -------
    ndarray, shape (..., *FRAME)
    """
    around = [(0, 0)] * (images.ndim - 2) + [(margin, margin) for margin in _MARGINS]
    return np.pad(images, around, constant_values=value)


def unframed(images: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return what `framed` put into the frame.

    Parameters
    ----------
    images : ndarray, shape (..., *FRAME)
        In the frame.

    Returns
    -------
    ndarray, shape (..., x, y)
    """
    columns, rows = (
        slice(margin, margin + size) for margin, size in zip(_MARGINS, SHAPE[:2], strict=True)
    )
    return images[..., columns, rows]


def _windowed(hu: Array, window: tuple[float, float]) -> Array:
    low, high = window
    return np.asarray((np.clip(hu, low, high) - low) * np.float32(2 / (high - low)) - 1)


def _difference(hu: Array) -> Array:
    """Return the smoothed density of tissue less that of the other side."""
    rough = ndimage.uniform_filter(np.clip(hu, -50, 120), 3)
    tissue = ((rough > _TISSUE_HU[0]) & (rough < _TISSUE_HU[1])).astype(np.float32)
    total = ndimage.gaussian_filter(np.clip(hu, 0, 80) * tissue, _SMOOTHING, truncate=3)
    weight = ndimage.gaussian_filter(tissue, _SMOOTHING, truncate=3)
    known = weight > 0.2
    smooth = total / np.maximum(weight, 0.2)
    off = np.where(known & known[::-1], smooth - smooth[::-1], 0) / _DIFFERENCE_HU
    return np.asarray(np.clip(off, -2, 2), np.float32)
