"""Agreement of sources: regions, sides, pairs, and what is empty."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atlas_builder.core.anatomy import Region, regions_of
from atlas_builder.metrics.overlap import dice
from atlas_builder.metrics.surface import surface_distance
from atlas_builder.validation.agreement import SIDES_COMPARED, compare_sources

SPACING = (0.5, 2.0)
maps = arrays(np.uint8, (12, 9), elements=st.sampled_from([0, 0, 8, 9, 10]))


def left_half(shape=(12, 9)):
    left = np.zeros(shape, bool)
    left[shape[0] // 2 :] = True
    return left


@given(maps, maps)
def test_each_measure_is_that_of_the_uncropped_masks(first, second):
    left = left_half()
    rows = list(
        compare_sources("sub-1", "SGL", {"a": first, "b": second}, left, SPACING, [("a", "b")])
    )
    assert [(row.region, row.side) for row in rows] == [
        (region, side) for region in regions_of("SGL") for side in SIDES_COMPARED
    ]
    parts = {"both": np.ones_like(left), "left": left, "right": ~left}
    for row in rows:
        one, other = ((regions == row.region) & parts[row.side] for regions in (first, second))
        distance = surface_distance(one, other, SPACING)
        np.testing.assert_allclose(row.dsc, dice(one, other))
        np.testing.assert_allclose(row.hausdorff95_mm, distance.hausdorff95_mm)
        np.testing.assert_allclose(row.mean_surface_mm, distance.mean_mm)
        assert row.area_first_mm2 == pytest.approx(one.sum() * 1.0)
        assert row.area_difference_mm2 == pytest.approx(float(one.sum()) - float(other.sum()))


def test_sides_are_the_patients_and_the_same_for_all_sources():
    regions = np.zeros((12, 9), np.uint8)
    regions[1:4, 2:5] = regions[8:11, 2:5] = Region.M5
    only_left = np.where(left_half(), regions, 0).astype(np.uint8)
    sources = {"atlas": regions, "expert": only_left}
    rows = compare_sources("s", "SGL", sources, left_half(), (1, 1), [("atlas", "expert")])
    dsc = {row.side: row.dsc for row in rows if row.region == Region.M5}
    assert dsc == {"left": 1.0, "right": 0.0, "both": pytest.approx(2 / 3)}


def test_what_nobody_has_is_not_a_number_and_what_one_lacks_is_zero():
    drawn, missing = np.zeros((2, 12, 9), np.uint8)
    drawn[2:4, 2:4] = Region.M4
    rows = list(
        compare_sources("s", "SGL", {"a": drawn, "b": missing}, left_half(), (1, 1), [("a", "b")])
    )
    by_region = {row.region: row for row in rows if row.side == "both"}
    assert by_region[Region.M4].dsc == 0
    assert by_region[Region.M4].hausdorff95_mm == math.inf
    assert math.isnan(by_region[Region.M6].dsc)
    assert by_region[Region.M6].area_first_mm2 == 0
