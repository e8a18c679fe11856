"""Fit and confidence fall where an atlas lies in the wrong place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.core.transform import Transform
from atlas_builder.mapping.confidence import Comparison, compare, confidences
from atlas_builder.mapping.region_map import LevelMap, RegionMap


@pytest.fixture(scope="module")
def bgl(region_map: RegionMap) -> LevelMap:
    return region_map.levels[0]


def compared(level_map: LevelMap, transform: Transform | None = None) -> Comparison:
    return compare(
        level_map.atlas, level_map.level, transform or level_map.transform, level_map.key
    )


def shifted(level_map: LevelMap, mm: float) -> Transform:
    affine = level_map.transform.affine.copy()
    affine[1, 2] += mm
    return replace(level_map.transform, affine=affine)


def confidence_at(level_map: LevelMap, transform: Transform | None = None):
    comparison = compared(level_map, transform)
    return confidences(comparison, "BGL", level_map.regions, level_map.probability)


def test_the_fit_is_that_of_the_map_and_falls_with_every_mm(bgl) -> None:
    fits = [compared(bgl, shifted(bgl, mm)).fit for mm in (0, 2, 4, 8)]
    assert fits[0] == bgl.fit > 0.9
    assert fits == sorted(fits, reverse=True)
    assert fits[-1] < 0.6


def test_confidence_falls_where_the_atlas_is_moved(bgl) -> None:
    before, after = confidence_at(bgl), confidence_at(bgl, shifted(bgl, 6.0))
    assert all(0.7 < value <= 1 for value in before.values())
    for region in (Region.C, Region.L):
        for side in SIDES:
            assert after[region, side] < before[region, side] - 0.1


def test_confidence_is_local(bgl) -> None:
    """Where one nucleus is hidden, the others stay as trustworthy."""
    image = bgl.key.image.copy()
    near = np.isin(compared(bgl).labels, [map_value(Region.L, "left")])
    image[near] = np.random.default_rng(0).normal(20, 12, np.count_nonzero(near))
    spoilt = replace(bgl, key=replace(bgl.key, image=image.astype(np.float32)))
    before, after = confidence_at(bgl), confidence_at(spoilt)
    assert after[Region.L, "left"] < before[Region.L, "left"] - 0.1
    assert after[Region.M3, "right"] == pytest.approx(before[Region.M3, "right"])


def test_thin_regions_are_less_certain_than_wide_ones(bgl) -> None:
    found = confidence_at(bgl)
    assert found[Region.IC, "left"] < found[Region.M3, "left"]


def test_a_missing_region_has_no_confidence(bgl) -> None:
    regions = np.where(bgl.regions == map_value(Region.M1, "right"), 0, bgl.regions)
    found = confidences(compared(bgl), "BGL", regions.astype(np.uint8), bgl.probability)
    assert found[Region.M1, "right"] == 0


def test_nothing_in_common_is_a_fit_of_zero(bgl) -> None:
    far = shifted(bgl, 500.0)
    assert compared(bgl, far).fit == 0
