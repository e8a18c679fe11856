"""DA-Net finds dark regions on their side, says where it looked, and is fair to both sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from striped_head import mni_head

from aspects_scorer.ncct.da_net.scoring import judge_by_da_net, score_by_da_net
from aspects_scorer.ncct.measures import measure_densities
from atlas_builder.core.anatomy import Region

DARK = {("left", region): -7.0 for region in (Region.M4, Region.M5, Region.M6)}


@pytest.fixture(scope="module")
def dark():
    return mni_head(DARK)


def scored_of(scan, rule="barber"):
    return score_by_da_net(scan, measure_densities(scan), rule)


@pytest.mark.parametrize("rule", ["barber", "ctp"])
def test_a_dark_side_loses_its_points(dark, rule):
    scored = scored_of(dark, rule)
    lost = {(f.side, f.region) for f in scored.findings if f.affected}
    # The drawn brain has no ventricles and no nuclei: the deep network has never seen its like.
    cortical = {(side, region) for side, region in lost if region >= Region.M1}
    assert len(set(DARK) & cortical) >= 2
    assert all(side == "left" for side, _ in cortical)
    reasons = [f.reason for f in scored.findings if f.affected]
    assert all("by comparing the sides' features" in reason for reason in reasons)
    assert scored.left < scored.right


def test_a_brain_whose_sides_are_alike_keeps_its_points():
    scored = scored_of(mni_head())
    assert min(scored.left, scored.right) >= 9
    assert all(f.probability < 0.25 for f in scored.findings if f.region >= Region.M1)


def test_a_mirrored_patient_has_the_mirrored_odds(dark):
    other = judge_by_da_net(
        mni_head({("right", region): hu for (_, region), hu in DARK.items()}), "barber"
    ).log_odds
    one = judge_by_da_net(dark, "barber").log_odds
    # The noise is not mirrored, and the slices' grid is not symmetric to the pixel.
    assert np.corrcoef(one.ravel(), other[::-1].ravel())[0, 1] > 0.95


def test_attention_lies_on_the_dark_side(dark):
    attention = scored_of(dark).attention
    assert attention is not None
    middle = attention.log_odds.shape[0] // 2
    assert attention.log_odds[:middle].sum() > 5 * attention.log_odds[middle:].sum()


def test_a_region_that_is_not_on_the_scan_is_not_judged(dark):
    labels = np.where(dark.labels == 10 + Region.M6, 0, dark.labels).astype(np.uint8)
    judged = judge_by_da_net(replace(dark, labels=labels), "barber")
    assert np.isnan(judged.log_odds[:, Region.M6 - 1]).all()
    assert np.isfinite(judged.log_odds[:, Region.M5 - 1]).all()
    scored = scored_of(replace(dark, labels=labels))
    assert "regions-not-judged" in [flag.code for flag in scored.flags]
