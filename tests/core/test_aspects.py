"""From which extent on a region loses its point, and how the points add up."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import (
    ANATOMICAL,
    BARBER,
    CTP,
    DEEP_REGIONS,
    POINTS,
    RULES,
    AspectsRule,
    name_of,
    score_again,
    score_involvement,
)

CORTICAL_REGIONS = tuple(region for region in Region if region not in DEEP_REGIONS)
PLACES = tuple(product(SIDES, Region))
EACH_RULE = pytest.mark.parametrize("rule", [BARBER, ANATOMICAL], ids=["Barber", "anatomical"])

shares = st.lists(st.floats(0, 1), min_size=len(PLACES), max_size=len(PLACES))
rules = st.one_of(
    st.sampled_from([BARBER, ANATOMICAL]),
    st.builds(AspectsRule, st.floats(0, 1), st.floats(0, 5), st.floats(0, 1)),
)


def score(lesion_shares, rule=BARBER, volume_ml=6.0):
    """Return the score where lesion takes shares of regions that are all of one volume."""
    lesion = dict.fromkeys(PLACES, 0.0)
    lesion.update({place: share * volume_ml for place, share in lesion_shares.items()})
    return score_involvement(dict.fromkeys(PLACES, volume_ml), lesion, rule)


def test_there_are_four_deep_and_six_cortical_regions() -> None:
    assert [region.name for region in DEEP_REGIONS] == ["C", "L", "IC", "I"]
    assert [region.name for region in CORTICAL_REGIONS] == ["M1", "M2", "M3", "M4", "M5", "M6"]
    assert len(Region) == POINTS


@pytest.mark.parametrize("region", DEEP_REGIONS)
def test_any_lesion_of_a_deep_region_takes_its_point_by_barber(region) -> None:
    assert not BARBER.loses_point(region, 0.0)
    assert BARBER.loses_point(region, math.nextafter(0.0, 1.0))
    assert BARBER.loses_point(region, 1.0)


@pytest.mark.parametrize("region", DEEP_REGIONS)
def test_a_tenth_of_a_deep_region_takes_its_point_anatomically(region) -> None:
    assert not ANATOMICAL.loses_point(region, 0.0)
    assert not ANATOMICAL.loses_point(region, 0.0999)
    assert ANATOMICAL.loses_point(region, 0.1)
    assert ANATOMICAL.loses_point(region, 1.0)


@EACH_RULE
@pytest.mark.parametrize("region", CORTICAL_REGIONS)
def test_a_third_of_a_cortical_region_takes_its_point(rule, region) -> None:
    assert not rule.loses_point(region, 0.0)
    assert not rule.loses_point(region, 1 / 3 - 1e-6)
    assert rule.loses_point(region, 1 / 3)
    assert rule.loses_point(region, 1 / 3 + 1e-6)
    assert rule.loses_point(region, 1.0)


@pytest.mark.parametrize("region", CORTICAL_REGIONS)
def test_a_third_counted_in_voxels_is_a_third(region) -> None:
    # Added one after the other, 2000 voxels of 0.001 mL fall short of a third of 6000.
    third, whole = (sum(0.001 for _ in range(count)) for count in (2000, 6000))
    assert third / whole < 1 / 3
    assert BARBER.loses_point(region, third / whole)


@pytest.mark.parametrize("region", DEEP_REGIONS)
def test_a_rule_may_name_a_smallest_volume_of_deep_lesion(region) -> None:
    rule = AspectsRule(deep_from_share=0.1, deep_from_ml=0.5)
    assert not rule.loses_point(region, 0.2, 0.499)
    assert rule.loses_point(region, 0.2, 0.5)
    assert not rule.loses_point(region, 0.09, 0.5)  # the share is asked for as well
    assert rule.loses_point(region, 0.2)


def test_a_smallest_volume_is_for_deep_regions_alone() -> None:
    assert AspectsRule(deep_from_ml=0.5).loses_point(Region.M5, 0.4, 0.001)


@EACH_RULE
def test_without_lesion_both_sides_keep_ten(rule) -> None:
    found = score({}, rule)
    assert (found.left, found.right, found.aspects) == (10, 10, 10)
    assert [(one.side, one.region) for one in found.regions] == list(PLACES)
    assert not any(one.loses_point for one in found.regions)


@EACH_RULE
def test_a_side_that_is_all_lesion_has_none(rule) -> None:
    found = score({("right", region): 1.0 for region in Region}, rule)
    assert (found.left, found.right, found.aspects) == (10, 0, 0)


def test_each_region_takes_the_point_of_its_own_side_and_the_lower_side_counts() -> None:
    found = score({("left", Region.C): 0.05, ("right", Region.M2): 0.4, ("right", Region.I): 0.2})
    assert (found.left, found.right, found.aspects) == (9, 8, 8)
    assert [one.region for one in found.of("left") if one.loses_point] == [Region.C]
    assert [one.region for one in found.of("right") if one.loses_point] == [Region.I, Region.M2]
    # A twentieth of the caudate is no involvement where the lesion is known voxel by voxel.
    found = score({("left", Region.C): 0.05, ("right", Region.M2): 0.4}, ANATOMICAL)
    assert (found.left, found.right, found.aspects) == (10, 9, 9)


def test_what_is_measured_of_a_region_is_told() -> None:
    found = score({("right", Region.M5): 0.25}, volume_ml=8.0)
    (one,) = [r for r in found.of("right") if r.region is Region.M5]
    assert (one.volume_ml, one.lesion_ml, one.fraction, one.loses_point) == (8.0, 2.0, 0.25, False)
    assert [r.region for r in found.of("left")] == list(Region)


def test_a_region_that_is_absent_keeps_its_point() -> None:
    nothing = dict.fromkeys(PLACES, 0.0)
    found = score_involvement(nothing, nothing)
    assert found.aspects == 10
    assert {one.fraction for one in found.regions} == {0.0}


@given(before=shares, more=shares, rule=rules)
def test_more_lesion_never_gives_a_higher_score(before, more, rule) -> None:
    after = [share + (1 - share) * grown for share, grown in zip(before, more, strict=True)]
    first = score(dict(zip(PLACES, before, strict=True)), rule)
    second = score(dict(zip(PLACES, after, strict=True)), rule)
    assert second.left <= first.left
    assert second.right <= first.right
    assert second.aspects <= first.aspects


@given(lesion=shares, rule=rules)
def test_a_mirrored_lesion_swaps_the_sides(lesion, rule) -> None:
    mirrored = lesion[len(Region) :] + lesion[: len(Region)]
    there, back = (score(dict(zip(PLACES, one, strict=True)), rule) for one in (lesion, mirrored))
    assert (back.left, back.right, back.aspects) == (there.right, there.left, there.aspects)


@given(lesion=shares)
def test_barber_never_scores_above_the_anatomical_rule(lesion) -> None:
    lesion = dict(zip(PLACES, lesion, strict=True))
    assert score(lesion, BARBER).aspects <= score(lesion, ANATOMICAL).aspects


@pytest.mark.parametrize(
    ("name", "deep", "cortical"), [("barber", 0.0, 1 / 3), ("ctp", 0.1, 0.1), ("overlap", 0.0, 0.0)]
)
def test_named_rules_take_points_from_their_shares_on(name, deep, cortical) -> None:
    rule = RULES[name]
    for region in Region:
        least = deep if region in DEEP_REGIONS else cortical
        assert not rule.loses_point(region, 0.0)
        assert rule.loses_point(region, max(least, 1e-12))
        assert not least or not rule.loses_point(region, 0.99 * least)


def test_another_rule_is_applied_to_what_was_measured() -> None:
    found = score({("left", Region.C): 0.05, ("left", Region.M2): 0.2, ("right", Region.L): 0.04})
    again = score_again(found, CTP)
    assert (found.left, found.right) == (9, 9)
    assert (again.left, again.right) == (9, 10)
    assert [one.fraction for one in again.regions] == [one.fraction for one in found.regions]
    assert score_again(again, BARBER) == found
    assert name_of(CTP) == "ctp"
    assert name_of(AspectsRule(deep_from_ml=7.0)) == "custom"
