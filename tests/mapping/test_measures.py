"""Areas, densities and differences of regions whose pixels are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.core.anatomy import SIDES, Region, Side, map_value, regions_of
from atlas_builder.core.scan import Slice
from atlas_builder.mapping.measures import measure_regions, stands_out
from atlas_builder.mapping.region_map import LevelMap, RegionMap, RegionMeasure

CERTAIN = {(region, side): 1.0 for region in Region for side in SIDES}


@pytest.fixture(scope="module")
def bgl(region_map: RegionMap) -> LevelMap:
    return region_map.levels[0]


def measured(level_map: LevelMap, hu: np.ndarray) -> dict[tuple[Region, Side], RegionMeasure]:
    ct = Slice(hu.astype(np.float32), level_map.slice.affine)
    return {(m.region, m.side): m for m in measure_regions([replace(level_map, slice=ct)], CERTAIN)}


def uniform(level_map: LevelMap, hu: float = 30.0) -> np.ndarray:
    return np.where(level_map.brain, hu, -1000.0)


def test_a_uniform_brain_has_its_value_everywhere_and_no_difference(bgl) -> None:
    found = measured(bgl, uniform(bgl, 31.0))
    assert set(found) == {(region, side) for region in regions_of("BGL") for side in SIDES}
    for measure in found.values():
        assert measure.mean_hu == pytest.approx(31.0)
        assert measure.relative_hu == pytest.approx(1.0)
        assert measure.difference_hu == pytest.approx(0.0)
        assert not measure.stands_out


def test_areas_are_those_of_the_pixels(bgl) -> None:
    measure = measured(bgl, uniform(bgl))[Region.M3, "right"]
    pixels = np.count_nonzero(bgl.regions == map_value(Region.M3, "right"))
    assert measure.area_mm2 == pytest.approx(pixels * 0.9**2)


def test_a_darker_region_differs_from_its_counterpart_on_both_sides(bgl) -> None:
    hu = uniform(bgl)
    hu[bgl.regions == map_value(Region.L, "right")] = 24.0
    found = measured(bgl, hu)
    dark, other = found[Region.L, "right"], found[Region.L, "left"]
    # At its rim the mean of 1 mm decides what is tissue, not what its value is.
    assert dark.mean_hu == other.contralateral_mean_hu == pytest.approx(24.0)
    assert dark.difference_hu == -other.difference_hu == pytest.approx(-6.0)
    assert dark.relative_hu == pytest.approx(24 / 30)
    assert dark.stands_out
    assert not other.stands_out


def test_fluid_and_calcification_do_not_count_as_tissue(bgl) -> None:
    hu = uniform(bgl)
    columns, rows = np.nonzero(bgl.regions == map_value(Region.M3, "left"))
    middle = (int(np.median(columns)), int(np.median(rows)))
    hu[middle[0] - 4 : middle[0], middle[1] - 4 : middle[1] + 4] = 3.0
    hu[middle[0] : middle[0] + 4, middle[1] - 4 : middle[1] + 4] = 200.0
    spoilt = measured(bgl, hu)[Region.M3, "left"].mean_hu
    kept = hu[bgl.regions == map_value(Region.M3, "left")].mean()
    assert abs(kept - 30.0) > 5
    assert spoilt == pytest.approx(30.0, abs=2.5)


def test_noise_alone_makes_no_region_stand_out(bgl) -> None:
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 8, bgl.brain.shape)
        assert not any(m.stands_out for m in measured(bgl, uniform(bgl) + noise).values())


def test_a_difference_of_four_hu_stands_out_of_usual_noise(bgl) -> None:
    for seed in range(5):
        hu = uniform(bgl) + np.random.default_rng(seed).normal(0, 4, bgl.brain.shape)
        hu[bgl.regions == map_value(Region.I, "left")] -= 4
        found = {key for key, m in measured(bgl, hu).items() if m.stands_out}
        assert found == {(Region.I, "left")}


def test_a_region_that_is_not_on_the_slice_has_no_mean(bgl) -> None:
    regions = np.where(bgl.regions == map_value(Region.C, "left"), 0, bgl.regions)
    found = measured(replace(bgl, regions=regions.astype(np.uint8)), uniform(bgl))
    gone, other = found[Region.C, "left"], found[Region.C, "right"]
    assert gone.area_mm2 == 0
    assert np.isnan([gone.mean_hu, gone.difference_hu, other.relative_hu]).all()
    assert not gone.stands_out
    assert not other.stands_out


@given(
    st.floats(-60, 60),
    st.floats(0, 30),
)
def test_one_side_at_most_stands_out_and_more_noise_never_makes_it(
    difference: float, error: float
) -> None:
    assert not (stands_out(difference, error) and stands_out(-difference, error))
    assert not (stands_out(difference, error + 1) and not stands_out(difference, error))
