"""A scan at a few millimetres, small enough to be registered in a fraction of a second.

Slices keep their own positions: points in the patient are looked up between the slices where they
really lie, so tilt and uneven spacing need no resampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.scan import Scan
from slice_localizer.positions import heights_of, normal_of

AIR_HU = -1000.0
_DENSEST_HU = 2000.0  # enamel; metal would outshine its surroundings
_PIXEL_MM = 3.0
_SLICE_MM = 3.0
_BEYOND_MM = 2.5  # the outer slices are about that thick on the far side
_BOX = np.sqrt(1 / 12)  # standard deviation of a box of unit width


@dataclass(frozen=True)
class CoarseScan:
    """A scan with pixels of about 3 mm, thin slices averaged to about 3 mm.

    Attributes
    ----------
    hu : ndarray of float32, shape (columns, rows, slices)
        HU, -1000 to 2000; slices from the lowest to the highest.
    heights : ndarray, shape (slices,)
        In mm along the normal, ascending; as `heights_of` counts them.
    origins : ndarray, shape (slices, 3)
        RAS+ mm of each slice's first pixel.
    axes : ndarray, shape (3, 2)
        From one pixel to the next along columns and rows, in mm.
    normal : ndarray, shape (3,)
        Unit vector.
    """

    hu: NDArray[np.float32]
    heights: NDArray[np.float64]
    origins: NDArray[np.float64]
    axes: NDArray[np.float64]
    normal: NDArray[np.float64]

    @property
    def pixel_mm(self) -> float:
        """The pixel size along the columns."""
        return float(np.linalg.norm(self.axes[:, 0]))

    @property
    def step_mm(self) -> float:
        """The median distance of neighbouring slices."""
        return float(np.median(np.diff(self.heights)))

    def indices(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return where points of the patient lie in the scan.

        Parameters
        ----------
        points : ndarray, shape (3, n)
            RAS+ mm.

        Returns
        -------
        indices : ndarray, shape (3, n)
            Fractional columns, rows and slices.
        inside : ndarray of bool, shape (n,)
            Which of them lie in the scan.
        """
        height = self.normal @ points
        last = len(self.heights) - 1
        place = np.interp(height, self.heights, np.arange(last + 1.0))
        below = np.minimum(place.astype(np.intp), last - 1)
        to_pixels = np.linalg.pinv(self.axes)
        firsts = self.origins @ to_pixels.T
        share = (place - below)[:, np.newaxis]
        first = firsts[below] * (1 - share) + firsts[below + 1] * share
        pixels = to_pixels @ points - first.T
        columns, rows = self.hu.shape[:2]
        inside = (
            (height > self.heights[0] - _BEYOND_MM)
            & (height < self.heights[-1] + _BEYOND_MM)
            & (pixels >= 0).all(axis=0)
            & (pixels[0] <= columns - 1)
            & (pixels[1] <= rows - 1)
        )
        return np.concatenate([pixels, place[np.newaxis]]), inside

    def windowed(self, window: tuple[float, float], sigma_mm: float) -> NDArray[np.float32]:
        """Return the scan cut off at a window's ends and blurred.

        Parameters
        ----------
        window : tuple of float
            The least and the greatest value kept, in HU.
        sigma_mm : float
            Standard deviation of the blur; across the slices less, as slices are thick already.

        Returns
        -------
        ndarray of float32, shape (columns, rows, slices)
        """
        across = np.sqrt(max(sigma_mm**2 - 1.5 * (_BOX * self.step_mm) ** 2, 0.0)) / self.step_mm
        along = sigma_mm / self.pixel_mm
        blurred: NDArray[np.float32] = ndimage.gaussian_filter(
            np.clip(self.hu, *window), (along, along, across), mode="nearest"
        )
        return blurred

    def points(self, step_mm: float) -> tuple[tuple[slice, slice, slice], NDArray[np.float64]]:
        """Return an even choice of voxels and where they lie.

        Parameters
        ----------
        step_mm : float
            About how far they are apart.

        Returns
        -------
        chosen : tuple of slice
            The voxels of `hu`.
        points : ndarray, shape (3, n)
            RAS+ mm, in the order of ``hu[chosen].ravel()``.
        """
        steps = (
            max(1, round(step_mm / self.pixel_mm)),
            max(1, round(step_mm / float(np.linalg.norm(self.axes[:, 1])))),
            max(1, round(step_mm / self.step_mm)),
        )
        columns, rows, slices = (
            np.arange(size)[step // 2 :: step]
            for size, step in zip(self.hu.shape, steps, strict=True)
        )
        points = (
            self.origins[slices]
            + self.axes[:, 0] * columns[:, np.newaxis, np.newaxis, np.newaxis]
            + self.axes[:, 1] * rows[:, np.newaxis, np.newaxis]
        )
        chosen = tuple(slice(step // 2, None, step) for step in steps)
        return (chosen[0], chosen[1], chosen[2]), np.ascontiguousarray(points.reshape(-1, 3).T)


def coarsen(scan: Scan, pixel_mm: float = _PIXEL_MM, slice_mm: float = _SLICE_MM) -> CoarseScan:
    """Average a scan's pixels, and its slices where they are thin.

    Parameters
    ----------
    scan : Scan
        HU.
    pixel_mm, slice_mm : float
        About the size of pixels and the distance of slices to come; never finer than the scan's.

    Returns
    -------
    CoarseScan

    Raises
    ------
    InputError
        See `heights_of`.
    """
    normal, heights = normal_of(scan.affines), heights_of(scan.affines)
    order = np.argsort(heights, kind="stable")
    affine = scan.affines[order[0]]
    counts = [
        min(max(1, round(pixel_mm / float(np.linalg.norm(affine[:3, axis])))), size)
        for axis, size in enumerate(scan.data.shape[:2])
    ]
    thickness = float(np.median(np.diff(heights[order])))
    together = int(max(1, np.floor(slice_mm / max(thickness, 1e-3) + 0.25)))
    together = min(together, len(order) // 2)
    order = order[: len(order) // together * together]
    hu = np.stack([_averaged(scan.data[:, :, index], *counts) for index in order], axis=2)
    origins = scan.affines[order, :3, 3] + affine[:3, :2] @ [(n - 1) / 2 for n in counts]
    groups = len(order) // together
    hu = hu.reshape(*hu.shape[:2], groups, together).mean(axis=3)
    origins = origins.reshape(groups, together, 3).mean(axis=1)
    heights = heights[order].reshape(groups, together).mean(axis=1)
    return CoarseScan(hu, heights, origins, affine[:3, :2] * counts, normal)


def _averaged(image: NDArray[np.generic], columns: int, rows: int) -> NDArray[np.float32]:
    """Average blocks of pixels; what is left over at the edges goes."""
    to = [size // n * n for size, n in zip(image.shape, (columns, rows), strict=True)]
    hu = np.clip(image[: to[0], : to[1]], AIR_HU, _DENSEST_HU).astype(np.float32)
    by_rows = hu.reshape(to[0], -1, rows) @ np.full(rows, 1 / rows, np.float32)
    return np.asarray(by_rows.reshape(-1, columns, by_rows.shape[1]).mean(axis=1))
