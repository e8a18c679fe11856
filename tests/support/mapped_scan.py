"""A head with ten regions a side, its atlas, and a map of a turned scan of it that tests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import Atlas, AtlasLevel
from atlas_builder.core.anatomy import LEVELS, AgeGroup, Level, Region, map_value
from atlas_builder.core.scan import Scan
from atlas_builder.mapping.pipeline import map_regions
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.preprocessing.key_slice import key_slice_affine, key_slice_grid

Points = NDArray[np.float64]

# The middle and the half axes in mm of each region on the left; y runs to the back.
ELLIPSES = {
    Region.C: (11, -20, 5, 8),
    Region.L: (25, -2, 6, 13),
    Region.IC: (16, -2, 2.5, 12),
    Region.I: (35, -2, 2.5, 13),
    Region.M1: (32, -38, 10, 11),
    Region.M2: (47, -2, 6, 14),
    Region.M3: (33, 37, 11, 11),
    Region.M4: (26, -42, 13, 12),
    Region.M5: (43, -1, 10, 18),
    Region.M6: (30, 36, 13, 14),
}
HU = {Region.C: 38.0, Region.L: 38.0, Region.IC: 25.0, Region.I: 37.0}
VENTRICLES: dict[Level, tuple[float, float, float, float]] = {
    "BGL": (4, -20, 2.5, 9),
    "SGL": (9, -2, 5, 26),
}
AXES = {"BGL": (60.0, 76.0), "SGL": (57.0, 73.0)}


def within(points: Points, ellipse: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    x, y, a, b = ellipse
    return np.hypot((np.abs(points[0]) - x) / a, (points[1] - y) / b) < 1


def draw_labels(points: Points, level: Level) -> NDArray[np.uint8]:
    """Return 1-10 on the left, 11-20 on the right."""
    labels = np.zeros(points.shape[1:], np.uint8)
    for region, ellipse in ELLIPSES.items():
        if region.level == level:
            inside = within(points, ellipse)
            labels[inside & (points[0] > 0)] = map_value(region, "left")
            labels[inside & (points[0] < 0)] = map_value(region, "right")
    return labels


def draw_head(points: Points, level: Level) -> NDArray[np.float64]:
    """Return HU at points in mm of shape (2, ...)."""
    x, y = points
    width, length = AXES[level]
    depth = (1 - np.hypot(x / width, y / length)) * width
    hu = np.full(x.shape, -1000.0)
    for shallowest, value in ((-16, 25), (-9, 1000), (-2, 6), (0, 37), (4, 28)):
        hu[depth > shallowest] = value
    labels = draw_labels(points, level)
    for region, value in HU.items():
        hu[(labels == region) | (labels == map_value(region, "right"))] = value
    sulci = np.sin(np.arctan2(y, np.abs(x)) * 12 + 1) > 0.8
    hu[sulci & (depth > 0) & (depth < 9)] = 8
    hu[(np.abs(x) < 1.2) & (np.abs(y) > 46) & (depth > -2)] = 6
    hu[within(points, VENTRICLES[level])] = 5
    return hu


def draw_brain(points: Points, level: Level) -> NDArray[np.bool_]:
    width, length = AXES[level]
    return np.hypot(points[0] / width, points[1] / length) < 1


@pytest.fixture(scope="session")
def atlas() -> Atlas:
    points = key_slice_grid().points()
    levels: dict[Level, AtlasLevel] = {}
    for level in LEVELS:
        image = np.where(draw_brain(points, level), draw_head(points, level), 0)
        labels = draw_labels(points, level)
        labels[labels > len(Region)] -= len(Region)
        levels[level] = AtlasLevel(image.astype(np.float32), labels, key_slice_affine())
    return Atlas(AgeGroup(50, 69), levels, name="drawn", provenance={"sha256": "0" * 64})


@dataclass(frozen=True)
class DrawnScan:
    """A scan of three slices, BGL first, SGL last, and the true regions of each.

    `to_head` leads from a slice's pixels to mm in the head.
    """

    scan: Scan
    truth: dict[Level, NDArray[np.uint8]]

    def darkened(self, level: Level, values: set[int], hu: float) -> DrawnScan:
        """Lower the HU of some of a level's true regions."""
        data = self.scan.data.copy()
        index = {"BGL": 0, "SGL": 2}[level]
        data[:, :, index] -= hu * np.isin(self.truth[level], list(values))
        return replace(self, scan=Scan(data, self.scan.affines))


@pytest.fixture(scope="session")
def make_scan() -> Callable[..., DrawnScan]:
    return build_scan


def build_scan(angle: float = 0.0, noise: float = 3.0, wide: float = 1.0) -> DrawnScan:
    """Draw a head turned by so many degrees and stretched to the sides, 10 mm a slice."""
    pixels, spacing = 210, 0.9
    turn = np.radians(angle)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    places = (np.indices((pixels, pixels)) - (pixels - 1) / 2) * spacing
    points = np.tensordot(rotation, places, 1)
    points[0] /= wide
    levels: tuple[Level, ...] = ("BGL", "BGL", "SGL")
    rng = np.random.default_rng(0)
    data = np.stack([draw_head(points, level) for level in levels], axis=2)
    data += rng.normal(0, noise, data.shape) * (data > -900)
    affines = np.repeat(np.diag([-spacing, -spacing, 1.0, 1.0])[np.newaxis], 3, axis=0)
    affines[:, :2, 3] = (pixels - 1) / 2 * spacing
    affines[:, 2, 3] = [0, 10, 20]
    truth = {level: draw_labels(points, level) for level in LEVELS}
    return DrawnScan(Scan(data.astype(np.float32), affines), truth)


@pytest.fixture(scope="session")
def drawn() -> DrawnScan:
    """A wider head turned by 15 degrees, with its left M5 10 HU darker."""
    return build_scan(angle=15.0, wide=1.04).darkened("SGL", {int(Region.M5)}, 10.0)


@pytest.fixture(scope="session")
def region_map(drawn: DrawnScan, atlas: Atlas) -> RegionMap:
    """The map of `drawn`."""
    return map_regions(drawn.scan, atlas, 0, 2, age=60)
