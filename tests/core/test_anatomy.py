"""The regions, their values and levels, and the age groups."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.core.anatomy import AGE_GROUPS, LEVELS, AgeGroup, Region, regions_of
from atlas_builder.core.errors import InputError

ages = st.integers(0, 120)
groups = st.tuples(ages, ages).map(lambda pair: AgeGroup(min(pair), max(pair)))


def test_label_values_are_those_of_the_published_atlas():
    names = {region.name: int(region) for region in Region}
    assert names == {
        "C": 1, "L": 2, "IC": 3, "I": 4, "M1": 5, "M2": 6, "M3": 7, "M4": 8, "M5": 9, "M6": 10,
    }  # fmt: skip


def test_each_region_is_drawn_at_one_level():
    by_level = {level: [region.name for region in regions_of(level)] for level in LEVELS}
    assert by_level == {
        "BGL": ["C", "L", "IC", "I", "M1", "M2", "M3"],
        "SGL": ["M4", "M5", "M6"],
    }
    assert all(region.level == level for level in LEVELS for region in regions_of(level))


def test_regions_have_names_of_their_own():
    assert len({region.full_name for region in Region}) == len(Region)


@pytest.mark.parametrize(
    ("age", "belongs"), [(49.99, False), (50, True), (69, True), (69.99, True), (70, False)]
)
def test_ages_belong_to_inclusive_whole_years(age, belongs):
    assert (age in AgeGroup(50, 69)) == belongs


def test_an_age_that_is_no_number_belongs_to_no_group():
    assert not any(group.__contains__(math.nan) for group in AGE_GROUPS)


@given(st.floats(10, 90, exclude_max=True))
def test_every_age_of_the_atlas_belongs_to_one_group(age):
    assert sum(age in group for group in AGE_GROUPS) == 1


@given(groups, st.sampled_from(["-", "_", "\N{EN DASH}", " - "]))
def test_groups_are_read_as_they_are_written(group, dash):
    assert AgeGroup.parse(f"{group.first}{dash}{group.last}") == group
    assert AgeGroup.parse(str(group)) == AgeGroup.parse(group.stem) == group


@pytest.mark.parametrize("text", ["", "50", "69-50", "fifty-69", "-5-10", "50-69-80", "50-6 9"])
def test_other_texts_are_refused_in_one_line(text):
    with pytest.raises(InputError, match=r"write it as FIRST-LAST, such as 50-69$"):
        AgeGroup.parse(text)
