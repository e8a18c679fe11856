"""Occlusions follow from infarcts; collaterals are poorer the more of the territory is lost."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.core.anatomy import Region
from head_phantom.angiography.occlusion import Occluded, draw_occlusion


def drawn(affected, artery=None, side="left"):
    return [
        draw_occlusion(side, affected, np.random.default_rng(seed), artery) for seed in range(200)
    ]


def test_large_infarcts_have_large_arteries_occluded():
    found = [one.artery for one in drawn(tuple(Region))]
    assert Occluded.M2 not in found
    assert found.count(Occluded.M1) == pytest.approx(140, abs=25)
    few = drawn((Region.M2, Region.M3))
    arteries = [one.artery for one in few if one is not None]
    assert arteries.count(Occluded.M2) > arteries.count(Occluded.M1)
    assert sum(one is None for one in drawn(())) > 100


def test_a_deep_infarct_is_not_of_a_division():
    assert all(one is None or one.artery is not Occluded.M2 for one in drawn((Region.L,)))


def test_collaterals_are_poorer_behind_larger_infarcts():
    means = [
        np.mean([one.collaterals for one in drawn(tuple(Region)[:count], Occluded.M1)])
        for count in (1, 5, 10)
    ]
    assert means[0] > means[1] + 0.5 > means[2] + 1
    assert {one.collaterals for one in drawn(tuple(Region)[:5], Occluded.M1)} == {0, 1, 2, 3}


@pytest.mark.parametrize(("region", "inferior"), [(Region.M4, False), (Region.M6, True)])
def test_the_division_is_that_of_the_infarct(region, inferior):
    assert all(one.inferior is inferior for one in drawn((region,), Occluded.M2))
    assert region in drawn((region,), Occluded.M2)[0].territory.regions


def test_a_given_artery_leaves_the_rest_as_it_is():
    free = draw_occlusion("right", tuple(Region), np.random.default_rng(4))
    given = draw_occlusion("right", tuple(Region), np.random.default_rng(4), free.artery)
    assert given == free
