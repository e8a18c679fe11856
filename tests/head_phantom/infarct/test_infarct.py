"""Where infarcts lie, and how much water they take up."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.catalogue.mni_head import load_head
from atlas_builder.core.anatomy import SIDES, Region
from head_phantom.head.coarse_head import coarse_head
from head_phantom.infarct.infarct import (
    Infarct,
    LesionMask,
    Territory,
    ischaemia,
    lesion_extent,
    net_water_uptake,
)
from head_phantom.infarct.truth import InfarctTruth, infarct_truth


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture(scope="module")
def coarse(head):
    return coarse_head(head)


def volume_ml(coarse, extent):
    return float((extent > 0.5).sum() * coarse.cell_ml)


def test_water_uptake_follows_the_published_course():
    assert net_water_uptake(0) == 0
    assert net_water_uptake(4.5) == pytest.approx(0.115, abs=0.002)  # Minnerup 2016
    hours = np.linspace(0, 48, 20)
    assert np.all(np.diff([net_water_uptake(h) for h in hours]) > 0)
    assert net_water_uptake(1000) < 0.35


def test_the_mean_uptake_of_an_infarct_is_the_one_of_its_hours(coarse, head):
    damage = ischaemia(coarse, head, Infarct(Territory("left", (Region.M5,)), 9.0, seed=1))
    tissue = (coarse.grey + coarse.white) * (damage.extent >= 1)
    mean = (damage.uptake * tissue).sum() / tissue.sum()
    assert mean == pytest.approx(net_water_uptake(9.0), rel=0.03)


def test_what_swells_displaces_as_much_fluid(coarse, head):
    damage = ischaemia(coarse, head, Infarct(Territory("left", (Region.M5,)), 24.0))
    assert damage.fluid_loss.sum() == pytest.approx(-damage.tissue_gain.sum(), rel=1e-4)
    assert damage.fluid_loss.max() <= 0


@pytest.mark.parametrize("side", SIDES)
def test_a_territory_stays_on_its_side(coarse, head, side):
    rng = np.random.default_rng(1)
    extent = lesion_extent(coarse, head, Territory(side, tuple(Region)), rng)
    x = coarse.lattice.points()[0]
    assert (np.sign(x[extent > 0]) == (-1 if side == "left" else 1)).all()


def test_a_part_of_a_territory_is_that_part(coarse, head):
    whole, half = (
        lesion_extent(coarse, head, Territory("left", (Region.M2, Region.M5), e), rng)
        for e, rng in ((1.0, np.random.default_rng(3)), (0.5, np.random.default_rng(3)))
    )
    assert volume_ml(coarse, half) == pytest.approx(0.5 * volume_ml(coarse, whole), rel=0.25)


def test_borders_differ_between_seeds_but_not_between_calls(coarse, head):
    place = Territory("left", (Region.M2,))
    first, again, other = (
        lesion_extent(coarse, head, place, np.random.default_rng(s)) for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (
        0.6
        < 2 * ((first > 0.5) & (other > 0.5)).sum() / ((first > 0.5).sum() + (other > 0.5).sum())
        < 0.97
    )


def test_a_given_mask_is_kept_on_whatever_grid_it_lies(coarse, head):
    affine = np.diag([-1.5, 1.5, 2.0, 1.0])
    affine[:3, 3] = (90, -120, -60)
    data = np.zeros((120, 150, 70), np.uint8)
    data[20:40, 60:80, 30:45] = 1
    extent = lesion_extent(coarse, head, LesionMask(data, affine), np.random.default_rng(0))
    assert volume_ml(coarse, extent) == pytest.approx(data.sum() * 4.5 / 1000, rel=0.08)
    centre = coarse.lattice.points()[:, extent > 0.5].mean(axis=1)
    np.testing.assert_allclose(centre, affine[:3] @ (29.5, 69.5, 37, 1), atol=1.0)


def test_involvement_is_counted_by_the_rule(simple_head):
    truth = infarct_truth(simple_head)  # its lesion is the right M2
    assert truth.involvement["right", Region.M2] == 1
    assert truth.lesion_ml == pytest.approx(simple_head.lesion.sum() * 8 / 1000)
    assert (truth.aspects("left"), truth.aspects("right")) == (10, 9)

    shares = dict.fromkeys([(s, r) for s in SIDES for r in Region], 0.0)
    shares["left", Region.C] = 0.15  # a part of a nucleus
    shares["left", Region.L] = 0.05  # the border of the lesion beside it
    shares["left", Region.M1] = 0.30  # less than a third of the cortex
    shares["left", Region.M4] = 0.34
    assert InfarctTruth(1.0, shares).aspects("left") == 8
