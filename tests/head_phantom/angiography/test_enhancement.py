"""What contrast medium adds: densities, sides, phases, and what an occlusion withholds."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.catalogue.mni_head import load_head
from atlas_builder.catalogue.tissues import Tissue
from atlas_builder.core.anatomy import Region, map_value
from head_phantom.anatomy import make_anatomy
from head_phantom.angiography.contrast import Contrast, Phase, draw_contrast
from head_phantom.angiography.enhancement import fill_vessels, supply
from head_phantom.angiography.occlusion import Occluded, Occlusion
from head_phantom.head.coarse_head import coarse_head
from head_phantom.infarct.infarct import Infarct, Territory
from head_phantom.person.person import draw_person

CONTRAST = Contrast(Phase.PEAK_ARTERIAL, 380.0, 150.0, 5.0, 2.5, seed=3)
_INSULA_X, _INSULA_Y, _INSULA_Z = (34, 44), (-10, 20), (-10, 8)  # MNI mm, of the right side


@pytest.fixture(scope="module")
def head():
    return load_head()


def occluded(artery="M1", side="left", collaterals=0, inferior=False):
    occlusion = Occlusion(side, Occluded(artery), inferior, collaterals, 4.0, 12.0)
    return Contrast(Phase.PEAK_ARTERIAL, 380.0, 150.0, 5.0, 2.5, seed=3, occlusion=occlusion)


def densest(head, vessels, side, x=_INSULA_X, y=_INSULA_Y, z=_INSULA_Z):
    """Return the 99th percentile of blood in a box, where voxels are mostly vessel."""
    x = x if side == "right" else (-x[1], -x[0])
    box = tuple(
        slice(int(a - o), int(b - o))
        for (a, b), o in zip((x, y, z), head.affine[:3, 3], strict=True)
    )
    share, hu = vessels.share[box], vessels.weighted_hu[box]
    mostly = share > 0.5
    return float(np.quantile(hu[mostly] / share[mostly], 0.99))


def test_vessels_lie_in_fluid_and_are_a_few_millilitres(head):
    vessels = fill_vessels(head, CONTRAST)
    fluid = head.tissues[Tissue.CSF] / 255.0
    assert float((fluid * vessels.share).sum() / vessels.share.sum()) > 0.5
    assert 4 < vessels.share.sum() / 1000 < 12
    assert vessels.share.max() <= 1
    assert (vessels.weighted_hu <= vessels.share * 380.0 + 1e-3).all()


def test_both_sides_are_filled_without_an_occlusion(head):
    vessels = fill_vessels(head, CONTRAST)
    for side in ("left", "right"):
        assert densest(head, vessels, side) == pytest.approx(380.0)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("artery", ["ICA", "M1"])
def test_branches_behind_a_clot_fill_by_their_collaterals(head, artery, side):
    other = "left" if side == "right" else "right"
    found = []
    for grade in range(4):
        vessels = fill_vessels(head, occluded(artery, side, grade))
        assert densest(head, vessels, other) == pytest.approx(380.0)
        found.append(densest(head, vessels, side))
    assert found == sorted(found)
    assert found[0] < 70
    assert found[1] - found[0] > 50
    assert found[3] == pytest.approx(380.0)


def test_a_clot_in_the_carotid_artery_closes_the_trunk_but_not_the_anterior_artery(head):
    vessels = fill_vessels(head, occluded("ICA"))
    trunk = {"x": (20, 28), "y": (2, 10), "z": (-24, -14)}
    assert densest(head, vessels, "left", **trunk) < 70
    assert densest(head, vessels, "right", **trunk) == pytest.approx(380.0)
    anterior = {"x": (0, 5), "y": (28, 42), "z": (-6, 14)}
    assert densest(head, vessels, "left", **anterior) == pytest.approx(380.0)


def test_one_division_of_the_middle_artery_is_occluded_alone(head):
    superior, inferior = {"y": (10, 20), "z": (-8, 6)}, {"y": (-16, -4), "z": (-4, 8)}
    for lower in (False, True):
        vessels = fill_vessels(head, occluded("M2", inferior=lower))
        closed, open_ = (inferior, superior) if lower else (superior, inferior)
        assert densest(head, vessels, "left", **open_) == pytest.approx(380.0)
        assert densest(head, vessels, "left", **closed) < 381
        mean = [float(np.median(_blood(head, vessels, box))) for box in (closed, open_)]
        assert mean[0] < 0.5 * mean[1]


def _blood(head, vessels, box):
    ends = ((-44, -34), box["y"], box["z"])
    where = tuple(
        slice(int(a - o), int(b - o)) for (a, b), o in zip(ends, head.affine[:3, 3], strict=True)
    )
    mostly = vessels.share[where] > 0.5
    return vessels.weighted_hu[where][mostly] / vessels.share[where][mostly]


def test_the_core_gets_least_and_the_territory_by_its_collaterals(head):
    coarse = coarse_head(head)
    nothing = np.zeros(coarse.lattice.shape, np.float32)
    core = nothing.copy()
    points = coarse.lattice.points()
    in_left = (points[0] < -30) & (points[2] > 0)
    core[in_left] = 1
    assert (supply(coarse, head, CONTRAST, nothing) == 1).all()
    assert supply(coarse, head, CONTRAST, core)[in_left].max() == pytest.approx(0.2)
    least = [
        float(supply(coarse, head, occluded(collaterals=grade), nothing).min())
        for grade in range(4)
    ]
    assert least == pytest.approx([0.3, 0.55, 0.8, 1.0])
    poor = supply(coarse, head, occluded(), nothing)
    assert (poor[points[0] > 2] == 1).all()


@pytest.mark.parametrize("phase", list(Phase))
def test_phases_tell_by_their_veins(phase):
    drawn = [draw_contrast(np.random.default_rng(seed), None) for seed in range(120)]
    own = [one for one in drawn if one.phase is phase]
    assert own
    assert all(250 <= one.arterial_hu <= 450 for one in own)
    assert all(4 <= one.grey_gain <= 6 and 2 <= one.white_gain <= 3 for one in own)
    veins = [one.venous_hu for one in own]
    low, high = {
        Phase.EARLY_ARTERIAL: (60, 110),
        Phase.PEAK_ARTERIAL: (110, 210),
        Phase.EQUILIBRIUM: (210, 290),
    }[phase]
    assert min(veins) >= low
    assert max(veins) <= high


@pytest.mark.slow
def test_an_infarct_stands_out_more_than_without_contrast_medium(head):
    person = draw_person(64, "F", np.random.default_rng(2))
    infarct = Infarct(Territory("left", (Region.L, Region.M2, Region.M5)), 3.0, 5)
    plain = make_anatomy(head, person, infarct)
    enhanced, again = (
        make_anatomy(head, person, infarct, contrast=occluded(collaterals=1)) for _ in range(2)
    )
    np.testing.assert_array_equal(enhanced.hu, again.hu)
    np.testing.assert_array_equal(enhanced.regions, plain.regions)
    np.testing.assert_array_equal(enhanced.lesion, plain.lesion)
    gain = enhanced.hu - plain.hu
    tissue = (gain < 20) & (plain.csf < 30)
    grey, white = tissue & (plain.grey > 230), tissue & (plain.white > 230)
    right = np.isin(plain.regions, [map_value(r, "right") for r in Region])
    assert np.median(gain[grey & right]) == pytest.approx(5.0, abs=0.3)
    assert np.median(gain[white & right]) == pytest.approx(2.5, abs=0.3)
    assert np.median(gain[grey & plain.lesion]) == pytest.approx(1.0, abs=0.5)
    for region in (Region.L, Region.M2, Region.M5):
        left, other = (
            tissue & (plain.regions == map_value(region, side)) for side in ("left", "right")
        )
        before = np.median(plain.hu[other]) - np.median(plain.hu[left])
        after = np.median(enhanced.hu[other]) - np.median(enhanced.hu[left])
        assert after > before + 1
