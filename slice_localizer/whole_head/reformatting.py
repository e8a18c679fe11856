"""Scans reformatted to the plane that atlases are made for, in slices of 5 mm.

Thin slices hold what thick slices in another plane would have shown: these are mapped, and what is
drawn on them is carried back to the voxels of the scan.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.io.stacking import is_even
from atlas_builder.mapping.thick_slices import THICKNESS_MM
from slice_localizer.alignment.coarse_scan import AIR_HU
from slice_localizer.alignment.gauss_newton import Array
from slice_localizer.alignment.level import LevelAlignment
from slice_localizer.alignment.standard_head import load_standard_head
from slice_localizer.positions import heights_of, nearest, normal_of
from slice_localizer.whole_head.standard_plane import pitch_in_words, pitch_of, standard_plane

_EVEN_MM = 0.15  # as `stacking` takes for rounded positions
_ROUNDING_MM = 0.01
_HEAD_HU = -300.0
_MARGIN_MM = 10.0  # around a head that fits the standard one
_MOST_PLANES = 5  # that a slice is averaged of
_JOBS = 2


@dataclass(frozen=True)
class Reformatted:
    """A scan in slices of 5 mm along the atlas's plane, and the way back.

    Attributes
    ----------
    scan : Scan
        float32 HU, slices from the lowest to the highest; one of them crosses the basal ganglia
        level's point. Air where the scan that it was made of ends.
    own : Scan
        What it was made of.
    point : ndarray, shape (3,)
        Of the basal ganglia level, RAS+ mm.
    pitch_deg : float
        From which it was turned, see `pitch_of`.
    """

    scan: Scan
    own: Scan
    point: Array
    pitch_deg: float

    def carry_back(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return labels on the voxels of the scan, each from the nearest reformatted voxel.

        Parameters
        ----------
        labels : ndarray of uint8, shape of the reformatted scan
            Such as regions, on slices of 5 mm.

        Returns
        -------
        ndarray of uint8
            Of the shape of `own`.
        """
        found = np.zeros(self.own.data.shape, np.uint8)
        if not labels.any():
            return found
        box = ndimage.find_objects((labels > 0).astype(np.uint8))[0]
        first = [part.start for part in box]
        part = labels[box]
        to_labels = np.linalg.inv(_stacked(self.scan.affines))
        columns, rows = (np.arange(size, dtype=np.float32) for size in self.own.data.shape[:2])
        for index in range(len(self.own)):
            across = to_labels @ self.own.affines[index]
            places = [
                np.rint(
                    np.float32(across[axis, 0]) * columns[:, np.newaxis]
                    + np.float32(across[axis, 1]) * rows
                    + np.float32(across[axis, 3] - first[axis])
                ).astype(np.int32)
                for axis in (2, 0, 1)
            ]
            ends = (part.shape[2], part.shape[0], part.shape[1])
            inside = (places[0] >= 0) & (places[0] < ends[0])
            if not inside.any():
                continue
            for place, end in zip(places[1:], ends[1:], strict=True):
                inside &= (place >= 0) & (place < end)
            slices, column, row = (place[inside] for place in places)
            found[:, :, index][inside] = part[column, row, slices]
        return found

    def own_slice(self, index: int) -> int:
        """Return the slice of the scan that a reformatted one crosses at the middle of the head.

        Parameters
        ----------
        index : int
            Of the reformatted slice, 0-based.

        Returns
        -------
        int
            0-based, in the scan's own order.
        """
        affine = self.scan.affines[index]
        away = float(affine[:3, 2] @ (affine[:3, 3] - self.point))
        crossed = self.point + away * affine[:3, 2]
        return nearest(heights_of(self.own.affines), float(normal_of(self.own.affines) @ crossed))


def level_scan(scan: Scan, alignment: LevelAlignment) -> Reformatted:
    """Reformat a scan to slices of 5 mm along the atlas's plane.

    Each slice is the mean of planes through it, interpolated linearly between the scan's voxels.

    Parameters
    ----------
    scan : Scan
        All slices, HU; they may be tilted and unevenly spaced.
    alignment : LevelAlignment
        Of the standard head with it, right side up.

    Returns
    -------
    Reformatted

    Raises
    ------
    InputError
        See `heights_of`.
    """
    plane = standard_plane(scan, alignment)
    step = float(np.median(np.diff(np.sort(heights_of(scan.affines)))))
    count = min(max(1, int(np.ceil(THICKNESS_MM / step - _ROUNDING_MM))), _MOST_PLANES)
    shape, affines = _grid(scan, plane, alignment.affine, alignment.point)
    volume = _even_stack(scan)
    with ThreadPoolExecutor(_JOBS) as threads:
        slices = threads.map(partial(_mean_of_planes, *volume, (*shape, count)), affines)
        data = np.stack(list(slices), axis=2)
    shown = np.flatnonzero((data > _HEAD_HU).any(axis=(0, 1)))
    kept = slice(shown[0], shown[-1] + 1)  # beyond it there is nothing of the scan
    return Reformatted(
        Scan(np.ascontiguousarray(data[:, :, kept]), affines[kept]),
        scan,
        alignment.point,
        pitch_of(scan.affines, alignment),
    )


def remark_on_levelling(reformatted: Reformatted) -> Flag:
    """Remark on a scan that was reformatted before it was mapped.

    Parameters
    ----------
    reformatted : Reformatted
        From `level_scan`.
    """
    return Flag(
        "reformatted-to-plane",
        f"{pitch_in_words(reformatted.pitch_deg)}: the scan was reformatted to that plane in "
        f"slices of {THICKNESS_MM:g} mm, which are shown and measured; a key slice has the number "
        "of the scan's own slice that it crosses in the middle of the head, slice numbers in other "
        "remarks count the reformatted ones",
    )


def _grid(scan: Scan, plane: Array, affine: Array, point: Array) -> tuple[tuple[int, int], Array]:
    """Return columns and rows, and the affine of each slice, that hold the head."""
    head = load_standard_head()
    inside = head.grid.points()[:, head.hu > _HEAD_HU]
    places = plane.T @ (affine[:3, :3] @ inside + (affine[:3, 3] - point)[:, np.newaxis])
    sizes = np.array([*scan[0].spacing, THICKNESS_MM])
    lowest = np.floor((places.min(axis=1) - _MARGIN_MM) / sizes)
    highest = np.ceil((places.max(axis=1) + _MARGIN_MM) / sizes)
    columns, rows, slices = (highest - lowest).astype(int) + 1
    affines = np.tile(np.eye(4), (slices, 1, 1))
    affines[:, :3, :2] = plane[:, :2] * sizes[:2]
    affines[:, :3, 2] = plane[:, 2]
    steps = lowest * sizes + np.outer(np.arange(slices), (0, 0, THICKNESS_MM))
    affines[:, :3, 3] = point + steps @ plane.T
    return (columns, rows), affines


def _even_stack(scan: Scan) -> tuple[NDArray[np.generic], Array]:
    """Return a scan's voxels as one volume, and its affine; uneven slices are interpolated."""
    heights = heights_of(scan.affines)
    order = np.argsort(heights, kind="stable")
    origins = scan.affines[order, :3, 3]
    affine = scan.affines[0].copy()
    affine[:3, 3] = origins[0]
    count = len(order)
    if is_even(origins, _EVEN_MM):
        ascending = bool(heights[0] < heights[-1])
        data = scan.data if ascending else scan.data[:, :, ::-1]
    else:
        count = 1 + round(float(np.ptp(heights) / np.median(np.diff(heights[order]))))
        even = np.linspace(heights.min(), heights.max(), count)
        places = np.interp(even, heights[order], np.arange(len(order)))
        data = np.stack([_between(scan, order, place) for place in places], axis=2)
    affine[:3, 2] = (origins[-1] - origins[0]) / (count - 1)
    return data, affine


def _between(scan: Scan, order: NDArray[np.intp], place: float) -> NDArray[np.float32]:
    """Return what lies between two slices along the way that they are stacked."""
    below = min(int(place), len(order) - 2)
    lower, upper = (scan.data[:, :, index] for index in order[below : below + 2])
    share = np.float32(place - below)
    return np.asarray((1 - share) * lower + share * upper, np.float32)


def _stacked(affines: NDArray[np.float64]) -> Array:
    """Return the affine of even slices as one volume."""
    affine = affines[0].copy()
    affine[:3, 2] = (affines[-1, :3, 3] - affines[0, :3, 3]) / (len(affines) - 1)
    return affine


def _mean_of_planes(
    data: NDArray[np.generic], affine: Array, shape: tuple[int, int, int], place: Array
) -> NDArray[np.float32]:
    """Return a slice as the mean of planes through it.

    Parameters
    ----------
    data : ndarray, shape (columns, rows, slices)
        HU.
    affine : ndarray, shape (4, 4)
        Of `data`.
    shape : tuple of int
        Columns and rows of the slice, and how many planes.
    place : ndarray, shape (4, 4)
        Of the slice, see `Slice`.
    """
    planes = place.copy()
    planes[:3, 2] *= THICKNESS_MM / shape[2]
    planes[:3, 3] -= (shape[2] - 1) / 2 * planes[:3, 2]
    to_data = np.linalg.inv(affine) @ planes
    sampled = ndimage.affine_transform(
        data,
        to_data[:3, :3],
        to_data[:3, 3],
        shape,
        np.float32,
        order=1,
        mode="constant",
        cval=AIR_HU,
    )
    return np.asarray(sampled.mean(axis=2))
