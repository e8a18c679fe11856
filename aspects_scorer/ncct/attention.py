"""Where a network looked, on the slices of a scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from slice_localizer.alignment.deformation import BrainPlace

Array = NDArray[np.float32]

_PIXELS = 4  # of the scan, along either side, for each point that is looked up


@dataclass(frozen=True)
class AttentionMap:
    """What speaks for ischaemia, point by point.

    Attributes
    ----------
    log_odds : ndarray of float32, shape (x, y, z)
        What each place adds to the log-odds of its region, relative to the greatest; 0 where
        nothing speaks for it.
    first_mm, step_mm : tuple of float
        Of its grid in the standard head's space.
    place : BrainPlace
        Of the standard brain in the scan.
    """

    log_odds: Array
    first_mm: tuple[float, float, float]
    step_mm: tuple[float, float, float]
    place: BrainPlace

    def on_slice(self, affine: NDArray[np.float64], shape: tuple[int, int]) -> Array:
        """Return the map on a slice.

        Parameters
        ----------
        affine : ndarray, shape (4, 4)
            Of the slice, as in `Scan`.
        shape : tuple of int
            Columns and rows.

        Returns
        -------
        ndarray of float32, shape (columns, rows)
            0 to 1.
        """
        counts = [max(2, n // _PIXELS) for n in shape]
        steps = [(n - 1) / (m - 1) for n, m in zip(shape, counts, strict=True)]
        columns, rows = np.indices(counts, dtype=np.float64).reshape(2, -1)
        points = affine[:3, :2] @ (columns * steps[0], rows * steps[1]) + affine[:3, 3:]
        first, step = np.reshape(self.first_mm, (3, 1)), np.reshape(self.step_mm, (3, 1))
        indices = (self.place.to_standard(points) - first) / step
        found = ndimage.map_coordinates(self.log_odds, indices, order=1, mode="constant")
        back = np.meshgrid(
            *(np.linspace(0, m - 1, n) for n, m in zip(shape, counts, strict=True)), indexing="ij"
        )
        enlarged = ndimage.map_coordinates(found.reshape(counts), back, order=1)
        return np.clip(enlarged, 0, 1).astype(np.float32)
