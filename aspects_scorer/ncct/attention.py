"""Where a network looked, on the slices of a scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.slice_lattice import SliceLattice
from slice_localizer.alignment.deformation import BrainPlace

Array = NDArray[np.float32]


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
        lattice = SliceLattice.of(affine, shape, self.place, self.first_mm, self.step_mm)
        enlarged = lattice.enlarged(lattice.look_up(self.log_odds))
        return np.clip(enlarged, 0, 1).astype(np.float32)
