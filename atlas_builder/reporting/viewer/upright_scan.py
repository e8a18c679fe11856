"""A whole CT as the viewer shows it: turned upright about the midline of the mapped key slices.

The midlines of both key slices span a plane. Every slice is turned and moved within itself until
that plane is its middle column, so that counterparts lie at the same height and as far from it,
also where the head is tilted to a side. What lies beyond the brain by more than skull and scalp,
such as the face, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from atlas_builder.core.anatomy import Region, map_value
from atlas_builder.core.scan import Scan
from atlas_builder.mapping.measures import TISSUE_HU
from atlas_builder.mapping.region_map import LevelMap, RegionMap
from atlas_builder.mapping.thick_slices import THIN_MM, covered_mm
from atlas_builder.reporting.base.pictures import BRAIN_WINDOW, STROKE_WINDOW
from atlas_builder.reporting.viewer.viewed_slices import (
    MOST_PIXELS,
    Comparison,
    ValueScale,
    ViewedSlices,
    areas_of,
)

_HU = ValueScale(-40.0, 1.0, "HU")
_BELOW_MM, _ABOVE_MM = 90.0, 110.0  # of the BGL slice: the head without the neck
_STEP_MM = 3.0  # between averages of thin slices
_ROOM_MM = 15.0  # around the brain, for skull and scalp
_FINEST_MM = 0.5
_PIXEL_STEP_MM = 1 / 64

Array = NDArray[np.float64]


def view_scan(scan: Scan, labels: NDArray[np.uint8], region_map: RegionMap) -> ViewedSlices:
    """Return a CT and its regions as the viewer shows them.

    Slices less than 3 mm apart are averaged to 5 mm, one about every third millimetre, as they are
    for mapping (`thick_slices`); both key slices are among them.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    labels : ndarray of uint8, shape (columns, rows, slices)
        1-10 on the left, 11-20 on the right, on the scan's pixels.
    region_map : RegionMap
        Of its key slices; gives the midline, and the regions that stand out.

    Returns
    -------
    ViewedSlices
    """
    bgl, sgl = region_map.levels
    places = _places(scan.affines, bgl.index, sgl.index)
    upright = _Upright.about(bgl, sgl)
    shares = [covered_mm(scan.affines, place) for place in places]
    grid = upright.grid((bgl, sgl), len(places))
    needed = {place: number for number, place in enumerate(sorted({p for s in shares for p in s}))}
    turned = [grid.turned(_HU.stored(scan.data[:, :, p]), scan.affines[p]) for p in needed]
    weights = np.zeros((len(places), len(needed)), np.float32)
    for row, share in enumerate(shares):
        for place, mm in share.items():
            weights[row, needed[place]] = mm / sum(share.values())
    values = _averaged(np.stack(turned), weights)
    found = np.stack([grid.nearest(labels[:, :, p], scan.affines[p]) for p in places])
    marks = {"BGL": places.index(bgl.index), "SGL": places.index(sgl.index)}
    return ViewedSlices(
        values,
        found,
        grid.pixel_mm,
        _HU,
        (BRAIN_WINDOW, STROKE_WINDOW),
        Comparison(TISSUE_HU, 2.0, 8.0),
        [f"slice {place}" for place in places],
        marks,
        _homes(areas_of(found), marks),
        {(m.region, m.side) for m in region_map.measures if m.stands_out},
    )


def _places(affines: Array, bgl: int, sgl: int) -> list[int]:
    """Return which slices are shown, from the feet to the head."""
    normal = affines[bgl, :3, 2]
    heights = (affines[:, :3, 3] - affines[bgl, :3, 3]) @ normal
    if heights[sgl] < 0:
        heights = -heights
    order = [int(p) for p in np.argsort(heights, kind="stable")]
    kept = [p for p in order if -_BELOW_MM <= heights[p] <= _ABOVE_MM or p in (bgl, sgl)]
    step_mm = float(np.median(np.diff(heights[kept])))
    if step_mm >= THIN_MM:
        return kept
    every = max(1, round(_STEP_MM / max(step_mm, _STEP_MM / len(kept))))
    shown = kept[kept.index(bgl) % every :: every]
    nearest = min(
        (place for place in shown if place != bgl), key=lambda p: abs(heights[p] - heights[sgl])
    )
    shown[shown.index(nearest)] = sgl
    return shown


def _homes(areas: NDArray[np.int64], marks: dict[str, int]) -> dict[int, int]:
    """Return where to look for each label: its key slice, or where most of it is."""
    homes = {}
    for region in Region:
        for value in (map_value(region, "left"), map_value(region, "right")):
            if areas[:, value].any():
                key = marks[region.level]
                homes[value] = key if areas[key, value] else int(areas[:, value].argmax())
    return homes


def _averaged(turned: NDArray[np.uint8], weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    if weights.shape[0] == weights.shape[1]:
        return turned
    flat = turned.reshape(len(turned), -1)
    rows = [
        np.rint(weights[k, weights[k] > 0] @ flat[weights[k] > 0].astype(np.float32))
        for k in range(len(weights))
    ]
    return np.stack(rows).astype(np.uint8).reshape(-1, *turned.shape[1:])


@dataclass(frozen=True)
class _Upright:
    """The plane of the midline, and the head's directions as the scanner has them, RAS+ mm."""

    point: Array
    leftwards: Array
    backwards: Array

    @classmethod
    def about(cls, bgl: LevelMap, sgl: LevelMap) -> _Upright:
        """Lay the plane through both midlines, as near to their ends as one plane can be."""
        ends = np.concatenate([_in_mm(m, m.midline) for m in (bgl, sgl)])
        point = ends.mean(axis=0)
        normal = np.linalg.svd(ends - point)[2][2]
        leftwards = bgl.slice.affine[:3, :2] @ bgl.key.to_slice[:2, 0]
        return cls(point, normal * np.sign(normal @ leftwards), ends[1] - ends[0])

    def axes(self, affine: Array) -> tuple[Array, Array, Array]:
        """Return a point of the midline on a slice, and its directions to the left and back."""
        normal = affine[:3, 2]
        left = _unit(self.leftwards - (self.leftwards @ normal) * normal)
        back = self.backwards - (self.backwards @ normal) * normal
        foot = self.point - ((self.point - affine[:3, 3]) @ normal) * normal
        beside = (foot - self.point) @ self.leftwards / (left @ self.leftwards)
        return foot - beside * left, left, _unit(back - (back @ left) * left)

    def grid(self, levels: tuple[LevelMap, LevelMap], count: int) -> _Grid:
        """Return pixels that hold the head on every one of some slices."""
        across, down = [], []
        for level_map in levels:
            start, left, back = self.axes(level_map.slice.affine)
            brain = _in_mm(level_map, np.argwhere(level_map.brain)) - start
            across.append(np.abs(brain @ left).max())
            down += [(brain @ back).min(), (brain @ back).max()]
        half, top, bottom = max(across) + _ROOM_MM, min(down) - _ROOM_MM, max(down) + _ROOM_MM
        pixel_mm = max(_FINEST_MM, float(np.sqrt(2 * half * (bottom - top) * count / MOST_PIXELS)))
        pixel_mm = float(np.ceil(pixel_mm / _PIXEL_STEP_MM)) * _PIXEL_STEP_MM
        columns, rows = 2 * int(half / pixel_mm), int((bottom - top) / pixel_mm)
        return _Grid(self, top, (columns, rows), pixel_mm)


@dataclass(frozen=True)
class _Grid:
    """Upright pixels; the midline is between the two columns in the middle."""

    upright: _Upright
    top: float
    size: tuple[int, int]
    pixel_mm: float

    def turned(self, plane: NDArray[np.uint8], affine: Array) -> NDArray[np.uint8]:
        """Sample the grey values of a slice, shape (columns, rows), bicubically."""
        image = Image.fromarray(np.ascontiguousarray(plane.T))
        finest = float(np.linalg.norm(affine[:3, :2], axis=0).min())
        # Of pixels much finer than these the mean is taken, not one in so many.
        factor = max(1, int(self.pixel_mm / finest))
        places = self._places(affine) / factor
        reduced = image if factor == 1 else image.reduce(factor)
        return self._transformed(reduced, places, Image.Resampling.BICUBIC)

    def nearest(self, plane: NDArray[np.uint8], affine: Array) -> NDArray[np.uint8]:
        """Take the nearest of a slice's labels, shape (columns, rows)."""
        image = Image.fromarray(np.ascontiguousarray(plane.T))
        return self._transformed(image, self._places(affine), Image.Resampling.NEAREST)

    def _places(self, affine: Array) -> Array:
        """Return the matrix to the slice's pixels, corners being whole numbers in both."""
        start, left, back = self.upright.axes(affine)
        corner = start - self.size[0] / 2 * self.pixel_mm * left + self.top * back
        in_mm = np.stack([self.pixel_mm * left, self.pixel_mm * back, corner - affine[:3, 3]])
        matrix = np.linalg.pinv(affine[:3, :2]) @ in_mm.T
        matrix[:, 2] += 0.5
        return np.asarray(matrix)

    def _transformed(
        self, image: Image.Image, places: Array, resampling: Image.Resampling
    ) -> NDArray[np.uint8]:
        turned = image.transform(
            self.size, Image.Transform.AFFINE, tuple(places.ravel()), resampling
        )
        return np.asarray(turned)


def _in_mm(level_map: LevelMap, pixels: NDArray[np.number]) -> Array:
    """Return pixels of a key slice, ``(column, row)`` a row, in RAS+ mm."""
    affine = level_map.slice.affine
    return np.asarray(pixels @ affine[:3, :2].T + affine[:3, 3])


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))
