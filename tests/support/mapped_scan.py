"""A head with ten regions a side, its atlas, and a map of a turned scan of it that tests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from drawn_head import ADULT
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import Atlas, AtlasLevel
from atlas_builder.core.anatomy import LEVELS, AgeGroup, Level, Region
from atlas_builder.core.scan import Scan
from atlas_builder.mapping.pipeline import map_regions
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.preprocessing.key_slice import key_slice_affine, key_slice_grid


@pytest.fixture(scope="session")
def atlas() -> Atlas:
    points = key_slice_grid().points()
    levels: dict[Level, AtlasLevel] = {}
    for level in LEVELS:
        image = np.where(ADULT.brain(points, level), ADULT.image(points, level), 0)
        labels = ADULT.labels(points, level)
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
    data = np.stack([ADULT.image(points, level) for level in levels], axis=2)
    data += rng.normal(0, noise, data.shape) * (data > -900)
    affines = np.repeat(np.diag([-spacing, -spacing, 1.0, 1.0])[np.newaxis], 3, axis=0)
    affines[:, :2, 3] = (pixels - 1) / 2 * spacing
    affines[:, 2, 3] = [0, 10, 20]
    truth = {level: ADULT.sided_labels(points, level) for level in LEVELS}
    return DrawnScan(Scan(data.astype(np.float32), affines), truth)


@pytest.fixture(scope="session")
def drawn() -> DrawnScan:
    """A wider head turned by 15 degrees, with its left M5 10 HU darker."""
    return build_scan(angle=15.0, wide=1.04).darkened("SGL", {int(Region.M5)}, 10.0)


@pytest.fixture(scope="session")
def region_map(drawn: DrawnScan, atlas: Atlas) -> RegionMap:
    """The map of `drawn`."""
    return map_regions(drawn.scan, atlas, 0, 2, age=60)
