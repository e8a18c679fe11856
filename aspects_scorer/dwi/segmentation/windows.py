"""A network run on overlapping windows of an image, whose results are blended.

Windows are weighted by a Gaussian about their middle, as nnU-Net does [1]_: what a network finds
near a window's border is less certain than what it finds in the middle.

References
----------
.. [1] Isensee F, Jaeger PF, Kohl SAA, Petersen J, Maier-Hein KH. nnU-Net: a self-configuring method
   for deep learning-based biomedical image segmentation. Nat Methods 18:203-211 (2021).
   doi:10.1038/s41592-020-01008-z
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_EVERYTHING = (slice(None), slice(None))  # of the batch and of the channels
_SIGMA_SHARE = 0.125  # of a window's side
_LEAST_WEIGHT = 1e-3


def run_on_windows(
    image: Array, size: tuple[int, ...], overlap: float, run: Callable[[Array], Array]
) -> Array:
    """Run a network on windows that cover an image, and blend what it gives.

    Parameters
    ----------
    image : ndarray of float32, shape (1, channels, x, y, z)
        Where it is smaller than a window, zeros surround it.
    size : tuple of int
        Of the windows.
    overlap : float
        Share of a window that the next one covers again, 0-1.
    run : callable
        Takes a window, shape (1, channels, *size), and gives as many voxels.

    Returns
    -------
    ndarray of float32, shape (1, outputs, x, y, z)
    """
    shape = image.shape[2:]
    lacking = [max(side - length, 0) for side, length in zip(size, shape, strict=True)]
    margins = [(n // 2, n - n // 2) for n in lacking]
    padded = np.pad(image, [(0, 0), (0, 0), *margins])
    weights = _weights(size)
    total = np.zeros(padded.shape[2:], np.float32)
    blended: Array | None = None
    for window in _windows(padded.shape[2:], size, overlap):
        found = run(np.ascontiguousarray(padded[_EVERYTHING + window]))
        if blended is None:
            blended = np.zeros((*found.shape[:2], *padded.shape[2:]), np.float32)
        blended[_EVERYTHING + window] += weights * found
        total[window] += weights
    assert blended is not None
    inside = tuple(
        slice(before, before + length) for (before, _), length in zip(margins, shape, strict=True)
    )
    return np.asarray((blended / total)[_EVERYTHING + inside])


def _windows(
    shape: tuple[int, ...], size: tuple[int, ...], overlap: float
) -> Iterator[tuple[slice, ...]]:
    """Yield windows that cover a shape; the last along an axis ends with it."""
    starts = []
    for length, side in zip(shape, size, strict=True):
        step = max(int(side * (1 - overlap)), 1)
        count = 1 + max(0, -(-(length - side) // step))
        starts.append([min(number * step, length - side) for number in range(count)])
    for corner in product(*starts):
        yield tuple(slice(a, a + side) for a, side in zip(corner, size, strict=True))


def _weights(size: tuple[int, ...]) -> Array:
    axes = [
        np.exp(-((np.arange(side) - (side - 1) / 2) ** 2) / (2 * (_SIGMA_SHARE * side) ** 2))
        for side in size
    ]
    weights: NDArray[np.float64] = reduce(np.multiply.outer, axes)
    return np.maximum(weights, max(float(weights.min()), _LEAST_WEIGHT)).astype(np.float32)
