"""Heads drawn from ellipses, whose outlines and regions are known everywhere.

Positions are in mm from the middle of the head, shape (2, ...) or (3, ...): x to the left, y to the
back, in three dimensions whatever the caller's affine says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from atlas_builder.core.anatomy import LEVELS, Level, Region, map_value, regions_of

Points = NDArray[np.float64]
Ellipse = tuple[float, float, float, float]
"""The middle and the half axes in mm, on the left; y runs to the back."""

AIR_HU, SKULL_HU, SCALP_HU = -1000.0, 900.0, 20.0


def radius_of(
    points: Points | Sequence[Any], half_axes: Sequence[float], middle: Sequence[float] = (0, 0, 0)
) -> NDArray[np.float64]:
    """Return the distance from the middle of an ellipse or ellipsoid, 1 on its surface."""
    parts = zip(points, half_axes, middle, strict=False)
    return np.sqrt(sum(((place - origin) / half) ** 2 for place, half, origin in parts))


def in_skull(
    radius: NDArray[np.float64], brain_hu: ArrayLike, skull: float = 1.1, scalp: float = 1.17
) -> NDArray[np.float64]:
    """Return HU of a brain within 1, bone around it to `skull` and soft tissue to `scalp`."""
    layers = [radius < 1, radius < skull, radius < scalp]
    return np.select(layers, [brain_hu, SKULL_HU, SCALP_HU], AIR_HU)


def within(points: Points, ellipse: Ellipse) -> NDArray[np.bool_]:
    """Return what lies in an ellipse or in its mirror image."""
    x, y, a, b = ellipse
    return np.hypot((np.abs(points[0]) - x) / a, (points[1] - y) / b) < 1


# From the outside: scalp, bone, fluid, cortex, white matter; each from so many mm deep on.
_LAYERS = ((-16, 25), (-9, 1000), (-2, 6), (0, 37), (4, 28))
# Of the deep regions; the cortical ones are as white as what lies around them.
_DEEP_HU = {Region.C: 38.0, Region.L: 38.0, Region.IC: 25.0, Region.I: 37.0}


@dataclass(frozen=True)
class DrawnHead:
    """The slices of both levels, alike on the left and the right.

    Attributes
    ----------
    axes
        Half the width and half the length of the brain.
    regions
        The ten regions.
    ventricles
        Of each level.
    fissure_mm
        How far before and behind the middle the halves of the brain lie apart.
    """

    axes: Mapping[Level, tuple[float, float]]
    regions: Mapping[Region, Ellipse]
    ventricles: Mapping[Level, Ellipse]
    fissure_mm: float

    def depth(self, points: Points, level: Level) -> NDArray[np.float64]:
        """Return how deep in the brain points lie, mm across; negative outside."""
        return (1 - radius_of(points, self.axes[level])) * self.axes[level][0]

    def brain(self, points: Points, level: Level) -> NDArray[np.bool_]:
        return radius_of(points, self.axes[level]) < 1

    def labels(self, points: Points, level: Level) -> NDArray[np.uint8]:
        """Return 1-10 on both sides, as raters draw."""
        labels = np.zeros(points.shape[1:], np.uint8)
        for region in regions_of(level):
            labels[within(points, self.regions[region])] = region
        return labels

    def sided_labels(self, points: Points, level: Level) -> NDArray[np.uint8]:
        """Return 1-10 on the left, 11-20 on the right, as maps hold them."""
        labels = self.labels(points, level)
        on_right = (labels > 0) & (points[0] < 0)
        labels[on_right] += map_value(Region.C, "right") - Region.C
        return labels

    def image(self, points: Points, level: Level) -> NDArray[np.float64]:
        """Return HU, without noise."""
        x, y = points
        depth = self.depth(points, level)
        hu = np.full(x.shape, AIR_HU)
        for shallowest, value in _LAYERS:
            hu[depth > shallowest] = value
        labels = self.labels(points, level)
        for region, value in _DEEP_HU.items():
            hu[labels == region] = value
        sulci = np.sin(np.arctan2(y, np.abs(x)) * 12 + 1) > 0.8
        hu[sulci & (depth > 0) & (depth < 9)] = 8
        hu[(np.abs(x) < 1.2) & (np.abs(y) > self.fissure_mm) & (depth > -2)] = 6
        hu[within(points, self.ventricles[level])] = 5
        return hu


ADULT = DrawnHead(
    axes={"BGL": (60.0, 76.0), "SGL": (57.0, 73.0)},
    regions={
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
    },
    ventricles={"BGL": (4, -20, 2.5, 9), "SGL": (9, -2, 5, 26)},
    fissure_mm=46.0,
)

CHILD = DrawnHead(
    axes=dict.fromkeys(LEVELS, (46.0, 57.0)),
    regions={
        Region.C: (9, -15, 3.5, 6),
        Region.L: (20, -2, 4.5, 10),
        Region.IC: (13, -2, 2, 9),
        Region.I: (27.5, -2, 2, 10),
        Region.M1: (25, -30, 8, 9),
        Region.M2: (36, -2, 4.5, 11),
        Region.M3: (26, 29, 9, 9),
        Region.M4: (20, -32, 10, 9),
        Region.M5: (33, -1, 8, 14),
        Region.M6: (23, 28, 10, 11),
    },
    ventricles={"BGL": (4, -16, 2, 7), "SGL": (7, -2, 4, 19)},
    fissure_mm=34.0,
)
"""Small, so that registrations are fast."""
