"""What is said about a scored lesion: volume, share of the MCA, flags."""

from __future__ import annotations

import numpy as np
import pytest

from aspects_scorer.dwi.lesion_size import MOST_ML_MNI, refuse_implausible_size
from aspects_scorer.dwi.mni_brain import mni_brain
from aspects_scorer.dwi.mni_space import outside_share, refuse_other_space
from aspects_scorer.dwi.scored_lesion import hangs_on_little, score_lesion, standard_atlas
from atlas_builder.core.anatomy import Region, map_value
from atlas_builder.core.aspects import BARBER
from atlas_builder.core.errors import InputError
from atlas_builder.core.lesion import Lesion


def codes(scored):
    return {flag.code for flag in scored.flags}


def of_values(*values):
    atlas = standard_atlas()
    return Lesion(np.isin(atlas.labels, values), atlas.affine)


def test_an_empty_lesion_scores_ten_and_is_said_to_be_empty():
    scored = score_lesion(of_values(99))
    assert scored.score.aspects == 10
    assert scored.core_volume_ml == 0
    assert np.isnan(scored.mca_share)
    assert codes(scored) == {"empty-lesion"}


def test_a_lesion_of_one_region_is_all_mca_and_unflagged():
    scored = score_lesion(of_values(map_value(Region.M5, "left")))
    assert scored.core_volume_ml == pytest.approx(79.4, abs=0.1)
    assert scored.mca_share == pytest.approx(1)
    assert scored.flags == ()


@pytest.mark.parametrize(("voxels", "flags"), [(990, set()), (1010, {"bilateral"})])
def test_both_sides_are_flagged_from_a_millilitre_on(voxels, flags):
    left, right = (map_value(Region.M5, side) for side in ("left", "right"))
    lesion = of_values(left, right)
    places = np.argwhere(standard_atlas().labels == right)
    lesion.mask[tuple(places[voxels:].T)] = False
    scored = score_lesion(lesion)
    assert (scored.score.left, scored.score.right) == (9, 10)
    assert codes(scored) == flags


def test_points_lost_on_both_sides_are_flagged_however_small():
    touched = [map_value(Region.L, side) for side in ("left", "right")]
    atlas = standard_atlas()
    mask = np.zeros(atlas.labels.shape, bool)
    for value in touched:
        mask[tuple(np.argwhere(atlas.labels == value)[0])] = True
    scored = score_lesion(Lesion(mask, atlas.affine), BARBER)
    assert (scored.score.left, scored.score.right) == (9, 9)
    assert "bilateral" in codes(scored)


def test_a_lesion_outside_the_regions_is_flagged():
    brain = mni_brain()
    mask = brain.mask.copy()
    mask[:, 60:] = False  # the occipital pole and the back of the cerebellum
    scored = score_lesion(Lesion(mask, brain.affine))
    assert scored.mca_share < 0.2
    assert "mostly-outside-mca" in codes(scored)


def shifted(lesion, *shift):
    affine = lesion.affine.copy()
    affine[:3, 3] += shift
    return Lesion(lesion.mask, affine)


def test_a_lesion_beside_the_brain_is_flagged_and_far_away_refused(tmp_path):
    lesion = of_values(map_value(Region.M5, "left"))
    assert outside_share(lesion) == 0
    refuse_other_space(tmp_path / "m.nii", lesion)
    near = shifted(lesion, -18, 0, 0)
    assert 0.1 < outside_share(near) < 0.5
    assert "outside-brain" in codes(score_lesion(near))
    with pytest.raises(InputError, match=r"m\.nii: not in MNI152 space .* --dwi"):
        refuse_other_space(tmp_path / "m.nii", shifted(lesion, -60, 0, 0))


@pytest.mark.parametrize(
    ("sizes", "degrees", "reason"),
    [((1, 1, 1), 0, None), ((1, 1, 5), 0, "5 mm slices"), ((1, 1, 1), 7, "turned by 7 degrees")],
)
def test_the_grid_of_a_scanner_is_doubted(sizes, degrees, reason):
    angle = np.deg2rad(degrees)
    affine = np.diag([*map(float, sizes), 1.0])
    affine[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]] @ np.diag(
        affine.diagonal()[1:3]
    )
    affine[:3, 3] = (-40, -20, 0)
    mask = np.zeros((20, 20, 8), bool)
    mask[5:15, 5:15, 2:6] = True
    doubts = [
        f.reason for f in score_lesion(Lesion(mask, affine)).flags if f.code == "space-doubtful"
    ]
    assert len(doubts) == (reason is not None)
    assert not doubts or reason in doubts[0]


def first_voxels(shares):
    """Return a lesion of the first voxels of some regions, by the share of each."""
    atlas = standard_atlas()
    mask = np.zeros(atlas.labels.shape, bool)
    for (region, side), share in shares.items():
        places = np.argwhere(atlas.labels == map_value(region, side))
        mask[tuple(places[: int(np.ceil(share * len(places)))].T)] = True
    return Lesion(mask, atlas.affine)


def test_points_that_hang_on_little_are_named_and_still_lost():
    shares = {
        (Region.M2, "left"): 0.8,
        (Region.IC, "left"): 0.01,
        (Region.I, "left"): 0.02,
        (Region.L, "left"): 0.06,
    }
    scored = score_lesion(first_voxels(shares), BARBER)
    assert scored.score.left == 6
    (flag,) = (flag for flag in scored.flags if flag.code == "points-hang-on-little")
    assert "left IC, I;" in flag.reason
    assert "ASPECTS is 8" in flag.reason
    marked = [region.region for region in scored.score.regions if hangs_on_little(region)]
    assert marked == [Region.IC, Region.I]


def test_less_of_a_deep_region_than_a_border_smears_takes_no_point_and_is_named():
    shares = {(Region.M2, "left"): 0.8, (Region.IC, "left"): 0.02, (Region.L, "left"): 0.01}
    scored = score_lesion(first_voxels(shares))
    assert (scored.score.left, scored.literal.left) == (9, 7)
    (flag,) = (flag for flag in scored.flags if flag.code == "rule-decides")
    assert flag.reason.startswith("ASPECTS is 7 if any lesion in a deep region counts")
    assert "left L, IC hold" in flag.reason


@pytest.mark.parametrize(("ml", "left"), [(0.45, 10), (0.55, 9)])
def test_half_a_millilitre_of_a_deep_region_takes_its_point(ml, left):
    volume = next(
        region.volume_ml
        for region in score_lesion(of_values(99)).score.of("left")
        if region.region is Region.L
    )
    assert score_lesion(first_voxels({(Region.L, "left"): ml / volume})).score.left == left


def test_the_rule_is_not_mentioned_where_it_changes_nothing():
    scored = score_lesion(first_voxels({(Region.M2, "left"): 0.8, (Region.I, "left"): 0.5}))
    assert scored.score == scored.literal
    assert "rule-decides" not in codes(scored)
    # The other side's trace does not change the patient's score.
    both = {(Region.M2, "left"): 0.8, (Region.M3, "left"): 0.8, (Region.I, "right"): 0.01}
    assert "rule-decides" not in codes(score_lesion(first_voxels(both)))


def test_the_score_without_little_is_that_of_the_worse_side():
    shares = {
        (Region.M2, "left"): 0.8,
        (Region.C, "right"): 0.01,
        (Region.L, "right"): 0.01,
    }
    scored = score_lesion(first_voxels(shares), BARBER)
    assert (scored.score.left, scored.score.right) == (9, 8)
    (flag,) = (flag for flag in scored.flags if flag.code == "points-hang-on-little")
    assert "right C, L;" in flag.reason
    assert "ASPECTS is 9" in flag.reason


def test_an_inverted_mask_is_refused_and_a_whole_hemispheres_infarct_is_not(tmp_path):
    regions = of_values(*(map_value(region, "left") for region in Region))
    refuse_implausible_size(tmp_path / "m.nii", regions, MOST_ML_MNI)
    inverted = Lesion(~regions.mask, regions.affine)
    with pytest.raises(InputError, match=r"m\.nii: a lesion of \d{4} mL .* inverted") as refused:
        refuse_implausible_size(tmp_path / "m.nii", inverted, MOST_ML_MNI)
    assert "\n" not in str(refused.value)
    whole = Lesion(mni_brain().mask, mni_brain().affine)
    with pytest.raises(InputError, match="brain mask"):
        refuse_implausible_size(tmp_path / "m.nii", whole, MOST_ML_MNI)
