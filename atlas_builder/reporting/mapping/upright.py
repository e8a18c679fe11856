"""A key slice and its regions as a reader wants to see them: upright, and nothing else in view.

The head is turned so that its midline stands upright, because reading an ASPECTS slice means
comparing one side with the other: counterparts then lie at the same height, and "R" and "L" are
true of the head and not only of the table it lay on. The slice is interpolated once, by cubic
splines, which keep the noise alike everywhere where linear interpolation would blur it in bands.
Regions are never resampled: their outlines are found on the scan's own pixels and the points of
the outlines are turned.

Points are ``(x, y)`` in millimetres: x from the midline to the patient's left, y to the back. Seen
from the feet these are the right and the bottom of a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.core.anatomy import Level, regions_of
from atlas_builder.core.transform import PlaneGrid, apply_affine
from atlas_builder.mapping.region_map import LevelMap, RegionMap
from atlas_builder.preprocessing.key_slice import key_slice_grid
from atlas_builder.reporting.base.outlined_regions import OutlinedRegion, outlined_regions

PIXEL_MM = 0.4
"""Of the pictures: as fine as the scans' own pixels."""

SCALE_BAR_MM = 50
_TICK_MM = 10
_FRAME_MM = 3.0  # between the border of a picture and the bar

_ROOM_MM = 15.0  # around the brain, for skull and scalp
_SMOOTH_MM = 0.45  # takes the steps of pixels out of an outline, and moves no border by a pixel
_AIR_HU = -1024.0


@dataclass(frozen=True)
class UprightView:
    """One level, upright.

    Attributes
    ----------
    level : Level
        BGL or SGL.
    index : int
        The slice's zero-based place in the scan.
    hu : ndarray of float32, shape (nx, ny)
        The head on `grid`; air beyond the slice.
    grid : PlaneGrid
        Of `hu`.
    regions : tuple of OutlinedRegion
        In label order, left before right; only those with pixels on the slice.
    midline : ndarray, shape (2, 2)
        Where the midline enters and leaves the brain, one point a row, in mm.
    angle : float
        Degrees by which the head was turned in the scan, from the left towards the back.
    """

    level: Level
    index: int
    hu: NDArray[np.float32]
    grid: PlaneGrid
    regions: tuple[OutlinedRegion, ...]
    midline: NDArray[np.float64]
    angle: float

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Where the picture begins and ends along x, then along y, in mm."""
        (x, y), half = self.grid.origin, self.grid.spacing / 2
        width, height = (n * self.grid.spacing for n in self.grid.shape)
        return x - half, x - half + width, y - half, y - half + height

    @property
    def scale_bar(self) -> NDArray[np.float64]:
        """The points of a bar at the bottom right with a tick each centimetre, in mm."""
        _, right, _, bottom = self.extent
        x, y = right - _FRAME_MM, bottom - _FRAME_MM
        ticks = np.arange(x - SCALE_BAR_MM, x + 1, _TICK_MM)
        # One stroke along the bar, up and down at each tick.
        return np.stack([np.repeat(ticks, 3), np.tile([y, y - 2, y], len(ticks))], axis=1)


def upright_views(region_map: RegionMap) -> tuple[UprightView, ...]:
    """Return the views of both levels, equally large.

    Parameters
    ----------
    region_map : RegionMap
        From `map_regions`.

    Returns
    -------
    tuple of UprightView
        BGL and SGL, at one scale.
    """
    half_widths, middles, heights = zip(*map(_brain_extent, region_map.levels), strict=True)
    shape = (
        _pixels(2 * (max(half_widths) + _ROOM_MM)),
        _pixels(max(heights) + 2 * _ROOM_MM),
    )
    standing_out = {(m.region, m.side) for m in region_map.measures if m.stands_out}
    views = []
    for level_map, middle in zip(region_map.levels, middles, strict=True):
        x, y = (-PIXEL_MM * (n - 1) / 2 for n in shape)
        grid = PlaneGrid(shape, PIXEL_MM, (x, middle + y))
        views.append(
            UprightView(
                level_map.level,
                level_map.index,
                _turned(level_map, grid),
                grid,
                tuple(
                    outlined_regions(
                        level_map.regions,
                        regions_of(level_map.level),
                        level_map.slice.spacing,
                        _SMOOTH_MM,
                        partial(_to_upright, level_map),
                        standing_out,
                    )
                ),
                _to_upright(level_map, level_map.midline),
                level_map.key.alignment.angle,
            )
        )
    return tuple(views)


def _brain_extent(level_map: LevelMap) -> tuple[float, float, float]:
    """Return half the brain's width about the midline, the middle and the height of it, in mm."""
    across, down = key_slice_grid().points()[:, level_map.key.brain]
    return (
        float(np.abs(across).max()),
        float(down.min() + down.max()) / 2,
        float(np.ptp(down)),
    )


def _pixels(length_mm: float) -> int:
    return int(np.ceil(length_mm / PIXEL_MM / 2)) * 2


def _turned(level_map: LevelMap, grid: PlaneGrid) -> NDArray[np.float32]:
    """Sample the slice on an upright grid."""
    # Splines overshoot beside metal, and padding far below air would ring into the scalp.
    hu = np.nan_to_num(np.asarray(level_map.slice.data, np.float32), nan=_AIR_HU)
    hu = np.clip(hu, _AIR_HU, -_AIR_HU)
    to_pixel = level_map.key.to_slice @ _key_pixels_from_mm()
    step = np.diag([grid.spacing, grid.spacing, 1.0])
    step[:2, 2] = grid.origin
    turned: NDArray[np.float32] = ndi.affine_transform(
        hu, to_pixel @ step, output_shape=grid.shape, order=3, mode="constant", cval=_AIR_HU
    )
    return turned


def _to_upright(level_map: LevelMap, points: NDArray[np.number]) -> NDArray[np.float64]:
    """Turn points given as fractional ``(column, row)`` of the slice, shape (n, 2), into mm."""
    to_mm = np.linalg.inv(level_map.key.to_slice @ _key_pixels_from_mm())
    return apply_affine(to_mm, points.T).T


def _key_pixels_from_mm() -> NDArray[np.float64]:
    grid = key_slice_grid()
    matrix = np.diag([1 / grid.spacing, 1 / grid.spacing, 1.0])
    matrix[:2, 2] = -np.array(grid.origin) / grid.spacing
    return matrix
