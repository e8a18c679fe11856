"""Maps in the standard head's space, looked up at the pixels of a scan's slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from slice_localizer.alignment.deformation import BrainPlace

Array = NDArray[np.float32]

_STEP_MM = 2.0


@dataclass(frozen=True)
class SliceLattice:
    """Points about 2 mm apart on a slice, at which the standard head is looked up.

    Attributes
    ----------
    indices : ndarray, shape (3, points)
        Where they lie on the maps' grid.
    across, down : ndarray of float32, shapes (columns, x) and (rows, y)
        Weights that interpolate the points at the slice's pixels.
    """

    indices: NDArray[np.float64]
    across: Array
    down: Array

    @classmethod
    def of(
        cls,
        affine: NDArray[np.float64],
        shape: tuple[int, int],
        place: BrainPlace,
        first_mm: tuple[float, float, float],
        step_mm: tuple[float, float, float],
    ) -> SliceLattice:
        """Lay a lattice on a slice.

        Parameters
        ----------
        affine : ndarray, shape (4, 4)
            Of the slice, as in `Scan`.
        shape : tuple of int
            Columns and rows.
        place : BrainPlace
            Of the standard brain in the scan.
        first_mm, step_mm : tuple of float
            Of the maps' grid in the standard head's space.

        Returns
        -------
        SliceLattice
        """
        sides = np.linalg.norm(affine[:3, :2], axis=0)
        counts = [
            max(2, round((n - 1) * mm / _STEP_MM) + 1) for n, mm in zip(shape, sides, strict=True)
        ]
        axes = [np.linspace(0, n - 1, m) for n, m in zip(shape, counts, strict=True)]
        columns, rows = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
        points = affine[:3, :2] @ (columns, rows) + affine[:3, 3:]
        first, step = np.reshape(first_mm, (3, 1)), np.reshape(step_mm, (3, 1))
        across, down = (_linear(n, m) for n, m in zip(shape, counts, strict=True))
        return cls((place.to_standard(points) - first) / step, across, down)

    def look_up(self, map_: Array) -> Array:
        """Return a map at the points.

        Parameters
        ----------
        map_ : ndarray of float32, shape (x, y, z)
            On the grid.

        Returns
        -------
        ndarray of float32, shape (x, y) of the lattice
            0 beyond the grid.
        """
        found = ndimage.map_coordinates(map_, self.indices, order=1, mode="constant")
        return np.asarray(found.reshape(self.across.shape[1], self.down.shape[1]))

    def enlarged(self, image: Array) -> Array:
        """Return values at the points interpolated at the slice's pixels.

        Parameters
        ----------
        image : ndarray of float32, shape (x, y)
            From `look_up`.

        Returns
        -------
        ndarray of float32, shape (columns, rows)
        """
        return np.asarray(self.across @ image @ self.down.T, np.float32)


def _linear(size: int, count: int) -> Array:
    place = np.arange(size) * (count - 1) / max(size - 1, 1)
    below = np.minimum(place.astype(int), count - 2)
    matrix = np.zeros((size, count), np.float32)
    matrix[np.arange(size), below] = 1 - (place - below)
    matrix[np.arange(size), below + 1] = place - below
    return matrix
