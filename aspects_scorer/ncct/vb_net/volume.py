"""A head CT on a grid of coarser pixels, and back from there to its own.

Slices of at least 3.5 mm stay as they are, since what lies between them was never measured; thinner
ones are averaged to 5 mm, the thickness that readers score and that the networks have learned from.
Everything is separable, so that 512 x 512 pixels of hundreds of slices take fractions of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.scan import Scan
from slice_localizer.positions import heights_of

AIR_HU = -1000.0
_DENSEST_HU = 2000.0
_AIR_BELOW_HU = -200.0
_KEPT_SLICE_MM = 3.5
_SLICE_MM = 5.0

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Stack:
    """How a scan's slices are put together: from the lowest to the highest, none too thin.

    Attributes
    ----------
    together : ndarray, shape (thick, slices)
        The share of each slice in each thick one.
    apart : ndarray, shape (slices, thick)
        The share of each thick slice in what is read at the height of a slice.
    thickness_mm : float
        From one thick slice to the next.
    """

    together: Matrix
    apart: Matrix
    thickness_mm: float

    @classmethod
    def of(cls, scan: Scan) -> Stack:
        """Return how the slices of a scan are put together.

        Parameters
        ----------
        scan : Scan
            Of at least two slices.

        Returns
        -------
        Stack

        Raises
        ------
        InputError
            The slices are not parallel, or there is one only.
        """
        heights = heights_of(scan.affines)
        order = np.argsort(heights, kind="stable")
        step = float(np.median(np.diff(heights[order])))
        count = len(heights)
        if step >= _KEPT_SLICE_MM:
            together = np.zeros((count, count), np.float32)
            together[np.arange(count), order] = 1
            return cls(together, np.ascontiguousarray(together.T), step)
        extent = float(heights.max() - heights.min()) + step
        thick = max(2, round(extent / _SLICE_MM))
        middles = heights.min() - step / 2 + (np.arange(thick) + 0.5) * extent / thick
        off = np.abs(heights - middles[:, np.newaxis])
        within = off <= np.maximum(extent / thick / 2, off.min(axis=1, keepdims=True))
        together = (within / within.sum(axis=1, keepdims=True)).astype(np.float32)
        place = np.clip((heights - middles[0]) / (extent / thick), 0, thick - 1)
        return cls(together, _linear(place, thick), extent / thick)


@dataclass(frozen=True)
class Plane:
    """A window of coarser pixels on a scan's slices.

    Attributes
    ----------
    across, down : ndarray, shapes (x, columns) and (y, rows)
        The share of each of the scan's pixels in the window's.
    first_mm : tuple of float
        From the middle of the scan's first pixel to that of the window's.
    pixel_mm : float
        Of the window.
    sides_mm : tuple of float
        Of the scan's pixels.
    """

    across: Matrix
    down: Matrix
    first_mm: tuple[float, float]
    pixel_mm: float
    sides_mm: tuple[float, float]

    @classmethod
    def of(
        cls,
        scan: Scan,
        pixel_mm: float,
        first_mm: tuple[float, float],
        shape: tuple[int, int],
    ) -> Plane:
        """Lay a window on a scan's slices; it may reach beyond them.

        Parameters
        ----------
        scan : Scan
            The scan.
        pixel_mm : float
            Of the window.
        first_mm : tuple of float
            From the middle of the scan's first pixel to that of the window's, mm.
        shape : tuple of int
            Pixels of the window.

        Returns
        -------
        Plane
        """
        sides = scan[0].spacing
        across, down = (
            _averaging(size, mm, first, pixel_mm, count)
            for size, mm, first, count in zip(
                scan.data.shape[:2], sides, first_mm, shape, strict=True
            )
        )
        return cls(across, down, first_mm, pixel_mm, sides)

    @classmethod
    def over(cls, scan: Scan, pixel_mm: float) -> Plane:
        """Lay a window on the whole of a scan's slices.

        Parameters
        ----------
        scan : Scan
            The scan.
        pixel_mm : float
            Of the window.

        Returns
        -------
        Plane
        """
        first, counts = [], []
        for size, mm in zip(scan.data.shape[:2], scan[0].spacing, strict=True):
            count = max(1, int(np.ceil(size * mm / pixel_mm)))
            counts.append(count)
            first.append(((size - 1) * mm - (count - 1) * pixel_mm) / 2)
        return cls.of(scan, pixel_mm, (first[0], first[1]), (counts[0], counts[1]))

    def read(self, scan: Scan, stack: Stack) -> NDArray[np.float32]:
        """Return the densities in the window, HU; beyond the scan there is air.

        Parameters
        ----------
        scan : Scan
            In HU, that for which the window was made.
        stack : Stack
            Of its slices.

        Returns
        -------
        ndarray of float32, shape (x, y, thick slices)
        """
        hu = np.asarray(scan.data, np.float32)
        # Where what is below water was cut off, air has the corner's value, which fluid has too.
        cut_off = float(np.nanmin(hu)) > _AIR_BELOW_HU
        background = hu[0, 0, 0] if cut_off else np.float32(AIR_HU)
        above_air = np.empty((len(self.across), len(self.down), hu.shape[2]), np.float32)
        for index in range(hu.shape[2]):
            image = np.clip(np.nan_to_num(hu[:, :, index], nan=AIR_HU), AIR_HU, _DENSEST_HU)
            image = np.where(image == background, np.float32(AIR_HU), image)
            above_air[:, :, index] = self.across @ (image - AIR_HU) @ self.down.T
        return np.asarray(above_air @ stack.together.T + AIR_HU, np.float32)

    def back(self, shape: tuple[int, int]) -> tuple[Matrix, Matrix]:
        """Return the matrices that interpolate the window at a scan's pixels; 0 beyond it.

        Parameters
        ----------
        shape : tuple of int
            Of the scan's slices, columns and rows.

        Returns
        -------
        tuple of ndarray, shapes (columns, x) and (rows, y)
        """
        counts = (len(self.across), len(self.down))
        places: list[NDArray[np.float64]] = [
            np.asarray((np.arange(size) * mm - first) / self.pixel_mm, np.float64)
            for size, mm, first in zip(shape, self.sides_mm, self.first_mm, strict=True)
        ]
        columns, rows = (_linear(p, n) for p, n in zip(places, counts, strict=True))
        return columns, rows


def _averaging(size: int, mm: float, first: float, step: float, count: int) -> Matrix:
    """Return the share of each pixel in boxes that are at least as wide as a pixel."""
    wide = max(step, mm)
    edges = first + np.arange(count)[:, np.newaxis] * step + np.array([-0.5, 0.5]) * wide
    pixels = np.arange(size) * mm
    low = np.maximum(edges[:, :1], pixels - mm / 2)
    high = np.minimum(edges[:, 1:], pixels + mm / 2)
    return np.asarray(np.maximum(high - low, 0) / wide, np.float32)


def _linear(places: NDArray[np.float64], count: int) -> Matrix:
    """Return the weights of linear interpolation at places among so many values; 0 beyond them."""
    matrix = np.zeros((len(places), count), np.float32)
    inside = (places >= -0.5) & (places <= count - 0.5)
    held = np.clip(places, 0, count - 1)
    below = np.minimum(held.astype(int), max(count - 2, 0))
    rows = np.flatnonzero(inside)
    matrix[rows, below[rows]] = (1 - (held - below))[rows]
    matrix[rows, np.minimum(below + 1, count - 1)[rows]] += (held - below)[rows]
    return matrix
