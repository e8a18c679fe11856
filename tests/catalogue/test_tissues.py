import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.catalogue.tissues import DENSITIES, Tissue, mean_hu

AGES = st.floats(0, 110)


@given(st.sampled_from(Tissue), AGES)
def test_density_lies_in_the_published_range(tissue, age):
    density = DENSITIES[tissue]
    assert density.low <= mean_hu(tissue, age) <= density.high


@given(AGES)
def test_what_a_reader_tells_apart_differs_at_any_age(age):
    order = [
        Tissue.AIR,
        Tissue.FAT,
        Tissue.CSF,
        Tissue.WHITE,
        Tissue.GREY,
        Tissue.BLOOD,
        Tissue.CALCIFICATION,
        Tissue.DIPLOE,
        Tissue.CORTICAL_BONE,
    ]
    values = [mean_hu(tissue, age) for tissue in order]
    assert values == sorted(values)
    # Brooks et al. 1980 calculate 5.5 HU from the composition of grey and white matter.
    assert mean_hu(Tissue.GREY, age) - mean_hu(Tissue.WHITE, age) > 5.5


@given(AGES, AGES)
def test_white_matter_never_gains_density_with_age(one, other):
    younger, older = sorted((one, other))
    assert mean_hu(Tissue.WHITE, older) <= mean_hu(Tissue.WHITE, younger)


def test_decline_of_white_matter_is_small():
    assert mean_hu(Tissue.WHITE, 40) - mean_hu(Tissue.WHITE, 90) == pytest.approx(1.0)


def test_children_have_the_values_of_young_adults():
    assert all(mean_hu(tissue, 3) == mean_hu(tissue, 20) for tissue in Tissue)
