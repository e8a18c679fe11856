"""From masks to points: shares and volumes are those of the voxels, whatever their spacing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from striped_head import mni_head, no_deformation

from aspects_scorer.ncct.da_net.standard_view import SHAPE, view_of
from aspects_scorer.ncct.deep_aspects import scoring
from aspects_scorer.ncct.deep_aspects.scoring import (
    involvement_of,
    region_probabilities,
    score_by_deep_aspects,
)
from aspects_scorer.ncct.deep_aspects.segmentation import (
    LEAST_ML,
    Drawn,
    infarct_on,
    region_labels,
    regions_on,
)
from aspects_scorer.ncct.infarct import Infarct
from aspects_scorer.ncct.measures import measure_densities
from atlas_builder.core.anatomy import Region
from atlas_builder.core.scan import Scan
from slice_localizer.positions import voxel_volumes_ml


@pytest.fixture(scope="module")
def head():
    return mni_head()


def drawn_of(head, side=None, region=Region.M5, probability=0.9):
    """What perfect networks would draw of a head with one infarcted region."""
    labels = view_of(head).labels
    regions = np.zeros((11, *SHAPE), np.float32)
    classes = np.where(labels > 10, labels - 10, labels)
    for value in range(11):
        regions[value] = classes == value
    infarct = np.zeros(SHAPE, np.float32)
    if side is not None:
        infarct[labels == region + 10 * (side == "right")] = probability
    return Drawn(infarct, regions, no_deformation())


def test_regions_come_back_to_the_scan_where_they_were(head):
    scan = Scan(head.hu, head.affines)
    found = regions_on(scan, drawn_of(head))
    for value in range(1, 21):
        ours, true = found == value, head.labels == value
        dice = 2 * (ours & true).sum() / (ours.sum() + true.sum())
        assert dice > 0.7, Region((value - 1) % 10 + 1)


def test_sides_are_told_by_the_midline(head):
    drawn = drawn_of(head)
    assert drawn.regions is not None
    assert np.mean(region_labels(drawn.regions) == view_of(head).labels) > 0.999


def test_the_infarct_keeps_its_place_and_volume(head):
    scan = Scan(head.hu, head.affines)
    infarct = infarct_on(scan, drawn_of(head, "left"))
    true = head.labels == Region.M5
    assert 2 * (infarct.mask & true).sum() / (infarct.mask.sum() + true.sum()) > 0.75
    volume = true.sum() * 2.0 * 2.0 * 5.0 / 1000
    assert infarct.volume_ml == pytest.approx(volume, rel=0.3)


def test_small_parts_and_doubtful_voxels_are_no_infarct(head):
    scan = Scan(head.hu, head.affines)
    speck = drawn_of(head)
    speck.infarct[40, 40, 12] = 0.9  # 16 mm^3, less than LEAST_ML
    assert LEAST_ML > 0.016
    assert not infarct_on(scan, speck).mask.any()
    assert not infarct_on(scan, drawn_of(head, "left", probability=0.1)).mask.any()


@given(st.lists(st.floats(1, 9), min_size=3, max_size=8), st.floats(-25, 25))
def test_volumes_follow_uneven_and_tilted_slices(gaps, tilt_deg):
    heights = np.concatenate([[0.0], np.cumsum(gaps)])
    turn = np.deg2rad(tilt_deg)
    stack = np.repeat(np.eye(4)[None], len(heights), axis=0)
    stack[:, :3, 1] = [0, 0.5 * np.cos(turn), 0.5 * np.sin(turn)]
    stack[:, :3, 2] = [0, -np.sin(turn), np.cos(turn)]
    stack[:, 2, 3] = heights
    mask = np.ones((10, 10, len(heights)), np.bool_)
    volume = Infarct(mask, stack).volume_ml
    # Slices stand for half the way to their neighbours, the outermost for as much outwards.
    thick = np.gradient(heights) * np.cos(turn)
    assert volume == pytest.approx(100 * 0.5 * thick.sum() / 1000)
    assert (voxel_volumes_ml(stack[::-1]) > 0).all()


def test_overlap_is_what_the_rules_judge(head):
    scan = Scan(head.hu, head.affines)
    labels = head.labels
    mask = np.zeros(labels.shape, np.bool_)
    inside = np.argwhere(labels == Region.M5 + 10)
    mask[tuple(inside[: len(inside) // 5].T)] = True  # a fifth of the right M5
    infarct = Infarct(mask, scan.affines)
    by_rule = {rule: involvement_of(infarct, labels, rule) for rule in ("barber", "ctp", "overlap")}
    assert by_rule["barber"].aspects == 10  # less than a third
    assert (by_rule["ctp"].left, by_rule["ctp"].right) == (10, 9)
    assert by_rule["overlap"].right == 9
    fraction = {(r.side, r.region): r.fraction for r in by_rule["ctp"].regions}
    assert fraction["right", Region.M5] == pytest.approx(0.2, abs=0.01)


def test_a_region_that_a_tenth_of_reaches_has_that_probability(head):
    drawn = drawn_of(head, "right", Region.L, 0.7)
    found = region_probabilities(drawn)
    assert found[1, Region.L - 1] == pytest.approx(0.7)
    assert found[0, Region.L - 1] == 0
    assert not np.isnan(found).any()


def test_the_score_says_what_lies_outside_the_regions(head, monkeypatch):
    drawn = drawn_of(head, "left")
    labels = view_of(head).labels
    drawn.infarct[30:40, 5:20, 10:16][labels[30:40, 5:20, 10:16] == 0] = 0.9  # occipital
    drawn.infarct[labels > 0] = 0
    monkeypatch.setattr(scoring, "draw_both", lambda scan, place: drawn)
    scored = score_by_deep_aspects(head, measure_densities(head), "overlap")
    assert scored.infarct is not None
    assert scored.infarct.volume_ml > 3
    assert "infarct-outside-regions" in {flag.code for flag in scored.flags}


def test_an_infarcted_region_loses_its_point_with_the_reason(head, monkeypatch):
    monkeypatch.setattr(scoring, "draw_both", lambda scan, place: drawn_of(head, "left"))
    scored = score_by_deep_aspects(head, measure_densities(head), "barber")
    assert (scored.left, scored.right) == (9, 10)
    lost = next(f for f in scored.findings if f.affected)
    assert (lost.side, lost.region) == ("left", Region.M5)
    assert "mL" in lost.reason


def test_a_scan_without_the_brains_place_is_no_input(head):
    with pytest.raises(ValueError, match="place"):
        score_by_deep_aspects(replace(head, place=None), measure_densities(head), "barber")
