"""Tilted scans on a grid with right angles, which every program opens.

The slices of a tilted gantry are not stacked along their normal. On the grid here they are: each
keeps its plane, its pixel size and its distance from the next one, and is moved within its plane to
where it lies. So what was drawn on a slice stays on one slice, and no value is mixed with those of
another slice as long as the spacing is even.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.io.shear import at_right_angles

_AIR_HU = -1024.0
_HIGHEST_HU = 32767.0  # of the type that images are stored in
_SAME_PIXEL = 0.01
_SAME_SLICE = 0.02


@dataclass(frozen=True)
class UprightGrid:
    """A grid with right angles over a stack of slices, and each slice's place on it.

    Attributes
    ----------
    affine : ndarray, shape (4, 4)
        From ``(column, row, slice, 1)`` to RAS+ mm.
    shape : tuple of int
        Columns, rows and slices; enough for every slice of the stack.
    offsets : ndarray, shape (slices of the stack, 2)
        The column and row of the grid where a slice's first pixel lies.
    places : ndarray, shape (slices of the stack,)
        The slice of the grid that it lies on; between two where the spacing changes.
    """

    affine: NDArray[np.float64]
    shape: tuple[int, int, int]
    offsets: NDArray[np.float64]
    places: NDArray[np.float64]

    def labels(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring labels onto the grid, each to the nearest voxel.

        Parameters
        ----------
        labels : ndarray of uint8, shape (columns, rows, slices)
            On the stack.

        Returns
        -------
        ndarray of uint8
            Of the grid's shape; a label lies within half a pixel of where it lay.
        """
        found = np.zeros(self.shape, np.uint8)
        for index in np.flatnonzero(labels.any(axis=(0, 1))):
            column, row = np.rint(self.offsets[index]).astype(int)
            plane = found[:, :, self._nearest(self.places[index])]
            part = plane[column : column + labels.shape[0], row : row + labels.shape[1]]
            np.copyto(part, labels[:, :, index], where=labels[:, :, index] > 0)
        return found

    def image(self, data: NDArray[np.generic]) -> NDArray[np.int16]:
        """Bring a scan onto the grid by linear interpolation.

        Parameters
        ----------
        data : ndarray, shape (columns, rows, slices)
            HU on the stack.

        Returns
        -------
        ndarray of int16
            Whole HU, of the grid's shape; -1024 where the scan has no pixels, and where it holds
            less.
        """
        found = np.empty(self.shape, np.int16)
        order = np.argsort(self.places)
        for place in range(self.shape[2]):
            after = int(np.searchsorted(self.places[order], place))
            below, above = order[max(after - 1, 0)], order[min(after, len(order) - 1)]
            gap = self.places[above] - self.places[below]
            share = (place - self.places[below]) / gap if gap > 0 else 0.0
            if share < _SAME_SLICE or share > 1 - _SAME_SLICE:
                plane = self._moved(data, above if share > 0.5 else below)
            else:
                lower, upper = self._moved(data, below), self._moved(data, above)
                plane = (1 - share) * lower + share * upper
            found[:, :, place] = np.rint(plane)
        return found

    def _moved(self, data: NDArray[np.generic], index: int) -> NDArray[np.float32]:
        """Return a slice where it lies in the plane of the grid."""
        column, row = whole = np.floor(self.offsets[index] + _SAME_PIXEL).astype(int)
        plane = np.full(self.shape[:2], _AIR_HU, np.float32)
        within = plane[column : column + data.shape[0], row : row + data.shape[1]]
        within[...] = np.clip(data[:, :, index], _AIR_HU, _HIGHEST_HU)
        for axis, share in enumerate(self.offsets[index] - whole):
            if share > _SAME_PIXEL:
                plane = (1 - share) * plane + share * np.roll(plane, 1, axis)
        return plane.astype(np.float32)

    def _nearest(self, place: float) -> int:
        return int(np.clip(np.rint(place), 0, self.shape[2] - 1))


def upright_grid(
    affines: NDArray[np.float64], slice_shape: tuple[int, int], exact_at: tuple[int, int]
) -> UprightGrid:
    """Return the grid for a stack of slices.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        Of each slice, as in `Scan`; of two or more.
    slice_shape : tuple of int
        Columns and rows of a slice.
    exact_at : tuple of int
        The two slices that lie on slices of the grid wherever the others do.

    Returns
    -------
    UprightGrid
        Its slices are as far apart as the scan's. Where the spacing of these changes they are about
        as far apart as most. The first of `exact_at` lies on whole pixels.
    """
    first, second = sorted(exact_at)
    origins = affines[:, :3, 3]
    sizes = np.linalg.norm(affines[first, :3, :2], axis=0)
    plane = at_right_angles(affines[first, :3, :2] / sizes)
    normal = np.cross(plane[:, 0], plane[:, 1])
    heights = (origins - origins[first]) @ normal
    usual = float(np.median(np.diff(heights)))
    between = max(1, round(heights[second] / usual)) if first != second else 1
    step = heights[second] / between if first != second else usual
    places = heights / step
    lowest, highest = np.rint(places.min()), np.rint(places.max())
    offsets = (origins - origins[first]) @ plane / sizes
    least = np.floor(offsets.min(axis=0) + _SAME_PIXEL)
    room = np.ceil(offsets.max(axis=0) - _SAME_PIXEL) - least
    affine = np.eye(4)
    affine[:3, :2], affine[:3, 2] = plane * sizes, normal * step
    affine[:3, 3] = origins[first] + affine[:3, :3] @ (*least, lowest)
    return UprightGrid(
        affine,
        (
            slice_shape[0] + int(room[0]),
            slice_shape[1] + int(room[1]),
            int(highest - lowest) + 1,
        ),
        offsets - least,
        places - lowest,
    )
