"""Grids in the key-slice frame, and transforms between two slices on them.

Points are ``(x, y)`` in millimetres: x runs from the midline to the patient's left, y from the
middle of the brain to the back. Everything here is numpy, so a saved transform can be applied
anywhere without the library that estimated it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray: TypeAlias = NDArray[np.floating]
Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class PlaneGrid:
    """A regular grid of square pixels.

    Attributes
    ----------
    shape : tuple of int
        Pixels along x and y.
    spacing : float
        Pixel size in mm.
    origin : tuple of float
        The centre of pixel ``(0, 0)`` in mm.
    """

    shape: tuple[int, int]
    spacing: float
    origin: tuple[float, float]

    def points(self) -> NDArray[np.float64]:
        """Return the pixel centres in mm, shape ``(2, nx, ny)``."""
        indices = np.indices(self.shape, dtype=np.float64)
        return indices * self.spacing + np.reshape(self.origin, (2, 1, 1))

    def indices_of(self, points: FloatArray) -> NDArray[np.float64]:
        """Return the fractional pixel indices of points in mm.

        Parameters
        ----------
        points : ndarray, shape (2, ...)
            x and y in mm.

        Returns
        -------
        ndarray of float64, shape (2, ...)
            0-based; pixel centres have whole indices.
        """
        shift = np.reshape(self.origin, (2,) + (1,) * (points.ndim - 1))
        return (points - shift) / self.spacing

    def cropped(self, first: tuple[int, int], shape: tuple[int, int]) -> PlaneGrid:
        """Return the part of the grid that begins at pixel `first`.

        Parameters
        ----------
        first : tuple of int
            0-based indices along x and y of the first pixel of the part.
        shape : tuple of int
            Pixels of the part along x and y.

        Returns
        -------
        PlaneGrid
            Of the same spacing.
        """
        x, y = (o + self.spacing * f for o, f in zip(self.origin, first, strict=True))
        return PlaneGrid(shape, self.spacing, (x, y))

    def halved(self) -> PlaneGrid:
        """Return the grid of twice the spacing over the same area; the shape must be even."""
        nx, ny = (n // 2 for n in self.shape)
        x, y = (o + self.spacing / 2 for o in self.origin)
        return PlaneGrid((nx, ny), 2 * self.spacing, (x, y))


def halve(image: FloatArray) -> FloatArray:
    """Return the image on `PlaneGrid.halved`: the mean of each 2 by 2 block of pixels.

    Parameters
    ----------
    image : ndarray, shape (nx, ny)
        Any unit; nx and ny even.

    Returns
    -------
    ndarray, shape (nx / 2, ny / 2)

    Raises
    ------
    ValueError
        nx or ny is odd.
    """
    nx, ny = (n // 2 for n in image.shape)
    return image.reshape(nx, 2, ny, 2).mean(axis=(1, 3))


def sample(
    image: NDArray[Value], grid: PlaneGrid, points: FloatArray, order: int = 1
) -> NDArray[Value]:
    """Interpolate an image at points.

    Parameters
    ----------
    image : ndarray, shape (nx, ny)
        Values on `grid`; 0 outside it.
    grid : PlaneGrid
        Where the image lies.
    points : ndarray, shape (2, ...)
        Points in mm.
    order : int
        0 for nearest neighbour (labels), 1 for linear.

    Returns
    -------
    ndarray, shape (...)
        The type of `image`.
    """
    sampled: NDArray[Value] = ndimage.map_coordinates(
        image, grid.indices_of(points), order=order, mode="constant"
    )
    return sampled


def sample_labels(
    labels: NDArray[np.uint8], grid: PlaneGrid, points: FloatArray
) -> NDArray[np.uint8]:
    """Interpolate a label image at points: the label with the greatest linear weight.

    Borders come out smoother than with the nearest pixel, and no value arises that was not there.
    Ties go to the smaller label.

    Parameters
    ----------
    labels : ndarray of uint8, shape (nx, ny)
        Label values on `grid`; 0 outside it.
    grid : PlaneGrid
        Where the label image lies.
    points : ndarray, shape (2, ...)
        Points in mm.

    Returns
    -------
    ndarray of uint8, shape (...)
    """
    indices = grid.indices_of(points)
    best = np.zeros(points.shape[1:], np.uint8)
    best_weight = _weight(labels == 0, indices, outside=1.0)
    for label in np.unique(labels[labels > 0]):
        weight = _weight(labels == label, indices, outside=0.0)
        wins = weight > best_weight
        best[wins], best_weight[wins] = label, weight[wins]
    return best


def _weight(mask: NDArray[np.bool_], indices: FloatArray, outside: float) -> NDArray[np.float32]:
    weight = mask.astype(np.float32)
    return np.asarray(
        ndimage.map_coordinates(weight, indices, order=1, mode="constant", cval=outside)
    )


@dataclass(frozen=True)
class Transform:
    """Where each point of a template lies in a participant's key slice, and back.

    The template's point ``p`` lies at ``affine @ (p + displacement(p))``, the order in which ANTs
    composes an affine with the SyN deformation that follows it.

    Attributes
    ----------
    affine : ndarray, shape (3, 3)
        Homogeneous matrix on points in mm.
    displacement : ndarray, shape (2, nx, ny)
        float32 mm on `grid`.
    inverse_displacement : ndarray, shape (2, nx, ny)
        The field that undoes `displacement`.
    grid : PlaneGrid
        The grid of both fields.
    """

    affine: NDArray[np.float64]
    displacement: NDArray[np.float32]
    inverse_displacement: NDArray[np.float32]
    grid: PlaneGrid

    def to_participant(self, points: FloatArray) -> NDArray[np.float64]:
        """Map points of the template into the participant's key slice.

        Parameters
        ----------
        points : ndarray, shape (2, ...)
            x and y in mm on the template.

        Returns
        -------
        ndarray of float64, shape (2, ...)
            x and y in mm on the participant's key slice.
        """
        return apply_affine(self.affine, displace(points, self.displacement, self.grid))

    def to_template(self, points: FloatArray) -> NDArray[np.float64]:
        """Map points of the participant's key slice into the template.

        Parameters
        ----------
        points : ndarray, shape (2, ...)
            x and y in mm on the participant's key slice.

        Returns
        -------
        ndarray of float64, shape (2, ...)
            x and y in mm on the template.
        """
        undone = apply_affine(np.linalg.inv(self.affine), points)
        return displace(undone, self.inverse_displacement, self.grid)


def apply_affine(affine: FloatArray, points: FloatArray) -> NDArray[np.float64]:
    """Apply a homogeneous 3 by 3 matrix to points in the plane.

    Parameters
    ----------
    affine : ndarray, shape (3, 3)
        Homogeneous matrix.
    points : ndarray, shape (2, ...)
        In the unit of the matrix: mm, or pixel indices.

    Returns
    -------
    ndarray of float64, shape (2, ...)
    """
    offset = affine[:2, 2].reshape((2,) + (1,) * (points.ndim - 1))
    return np.tensordot(affine[:2, :2], points, axes=1) + offset


def displace(points: FloatArray, field: FloatArray, grid: PlaneGrid) -> NDArray[np.float64]:
    """Move points by a displacement field, linearly interpolated.

    Outside the grid the field keeps the value of its border, which a brain never reaches.

    Parameters
    ----------
    points : ndarray, shape (2, ...)
        x and y in mm.
    field : ndarray, shape (2, nx, ny)
        Displacement along x and y in mm, on `grid`.
    grid : PlaneGrid
        The grid of the field.

    Returns
    -------
    ndarray of float64, shape (2, ...)
        `points` plus the displacement there, mm.
    """
    indices = grid.indices_of(points)
    moved = [
        p + ndimage.map_coordinates(component, indices, order=1, mode="nearest")
        for p, component in zip(points, field, strict=True)
    ]
    return np.stack(moved)
