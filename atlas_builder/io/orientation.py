"""Array axes and the patient's axes.

The convention of `atlas_builder.core.scan` in one place: which stored axis becomes a slice's first
(towards the patient's left) and second (towards the back), and what a slice's affine is.
All directions and positions are RAS+ millimetres.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Pixel = TypeVar("Pixel", bound=np.generic)


class InPlane(NamedTuple):
    """How a stored slice is turned into the layout of `Slice`: transpose first, then flip.

    Attributes
    ----------
    transposed : bool
        The stored axes change places.
    flips : tuple of bool
        Which of the two axes, after the transposition, run the other way.
    """

    transposed: bool
    flips: tuple[bool, bool]

    @classmethod
    def of(cls, first: Array, second: Array) -> InPlane:
        """Find the turn for a slice whose stored axes run along two directions.

        Parameters
        ----------
        first, second : ndarray, shape (3,)
            Steps in mm from one pixel to the next along the stored axes.

        Returns
        -------
        InPlane
            The turn after which axis 0 lies nearest to the patient's left and axis 1 nearest to
            the back. A head rotated in the plane keeps its pixels: only whole quarter turns and
            mirrored axes are undone.
        """
        u, v = (step / np.linalg.norm(step) for step in (first, second))
        transposed = bool(abs(v[0]) + abs(u[1]) > abs(u[0]) + abs(v[1]))
        if transposed:
            u, v = v, u
        return cls(transposed, (bool(u[0] > 0), bool(v[1] > 0)))

    def turn(self, data: NDArray[Pixel]) -> NDArray[Pixel]:
        """Bring an array whose first two axes are the stored ones into the layout of `Slice`.

        Parameters
        ----------
        data : ndarray, shape (first, second, ...)
            Values along the stored axes.

        Returns
        -------
        ndarray, shape (columns, rows, ...)
            A view; axis 0 runs to the patient's left, axis 1 to the back.
        """
        turned = data.swapaxes(0, 1) if self.transposed else data
        return np.flip(turned, self._flipped_axes)

    def undo(self, data: NDArray[Pixel]) -> NDArray[Pixel]:
        """Bring an array in the layout of `Slice` back to the stored one.

        Parameters
        ----------
        data : ndarray, shape (columns, rows, ...)
            Axis 0 runs to the patient's left, axis 1 to the back.

        Returns
        -------
        ndarray, shape (first, second, ...)
            A view along the stored axes.
        """
        flipped = np.flip(data, self._flipped_axes)
        return flipped.swapaxes(0, 1) if self.transposed else flipped

    def affine(
        self, origin: Array, first: Array, second: Array, stored_shape: tuple[int, int]
    ) -> Array:
        """Return the affine of a slice in the layout of `Slice`.

        Parameters
        ----------
        origin : ndarray, shape (3,)
            Position of the stored pixel (0, 0) in mm.
        first, second : ndarray, shape (3,)
            Steps in mm along the stored axes.
        stored_shape : tuple of int
            The number of stored pixels along them.

        Returns
        -------
        ndarray, shape (4, 4)
            From ``(column, row, 0, 1)`` to RAS+ mm; the third column is the unit normal, which
            points to the head because left x back is up.
        """
        steps, lengths = [first, second], list(stored_shape)
        if self.transposed:
            steps.reverse()
            lengths.reverse()
        for axis, flipped in enumerate(self.flips):
            if flipped:
                origin = origin + steps[axis] * (lengths[axis] - 1)
                steps[axis] = -steps[axis]
        normal = np.cross(steps[0], steps[1])
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1] = steps
        affine[:3, 2] = normal / np.linalg.norm(normal)
        affine[:3, 3] = origin
        return affine

    @property
    def _flipped_axes(self) -> tuple[int, ...]:
        return tuple(axis for axis, flipped in enumerate(self.flips) if flipped)
