"""Probabilities become points as the rule says, and each lost point is explained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mapped_blocks import mapped_blocks, mirrored, scored_by

from aspects_scorer.ncct.asymmetry.model import load_models
from aspects_scorer.ncct.asymmetry.scoring import score_by_asymmetry
from aspects_scorer.ncct.measures import measure_densities
from atlas_builder.core.anatomy import Region
from atlas_builder.core.aspects import RULES
from atlas_builder.core.errors import InputError

INFERIOR = {("left", region): -5.0 for region in (Region.M2, Region.M3, Region.M6)}


def test_there_are_weights_for_every_published_rule():
    assert load_models().keys() == RULES.keys()


@pytest.mark.parametrize("rule", RULES)
def test_equal_sides_score_ten(rule):
    scored = scored_by(score_by_asymmetry, mapped_blocks(noise_hu=2.0), rule)
    assert (scored.left, scored.right) == (10, 10)
    assert max(finding.probability for finding in scored.findings) < 0.25
    assert min(scored.expected.values()) > 8.5


def test_dark_regions_of_a_branch_lose_their_points_on_that_side_and_say_why():
    scored = scored_by(score_by_asymmetry, mapped_blocks(INFERIOR), "barber")
    lost = [(f.side, f.region) for f in scored.findings if f.affected]
    # The insula, which lies between, may go with them.
    assert set(INFERIOR) <= set(lost) <= {*INFERIOR, ("left", Region.I)}
    assert (scored.left, scored.right, scored.aspects) == (10 - len(lost), 10, 10 - len(lost))
    reasons = [f.reason for f in scored.findings if (f.side, f.region) in INFERIOR]
    assert all("HU darker than the other side (" in reason for reason in reasons)
    assert all("times the usual difference" in reason for reason in reasons)
    assert not any(finding.reason for finding in scored.findings if not finding.affected)


def test_a_mirrored_patient_has_the_mirrored_score():
    scan = mapped_blocks(INFERIOR)
    scored, other = (scored_by(score_by_asymmetry, one, "barber") for one in (scan, mirrored(scan)))
    assert (scored.left, scored.right) == (other.right, other.left)
    for one, two in zip(scored.of("left"), other.of("right"), strict=True):
        assert one.probability == pytest.approx(two.probability, abs=1e-4)


def test_a_darker_region_is_likelier_affected():
    odds = []
    for hu in (0.0, -1.5, -3.0, -6.0):
        densities = measure_densities(mapped_blocks({("right", Region.M5): hu}))
        odds.append(load_models()["barber"].probabilities(densities)[1, 8])
    assert odds == sorted(odds)
    assert odds[0] < 0.1
    assert odds[-1] > 0.5


def test_the_same_darkness_weighs_more_among_dark_neighbours():
    model = load_models()["barber"]
    alone = {("left", Region.M2): -2.5}
    among = {**alone, **{("left", r): -5.0 for r in (Region.I, Region.M3, Region.M5)}}
    own, helped = (
        model.probabilities(measure_densities(mapped_blocks(added)))[0, 5]
        for added in (alone, among)
    )
    assert helped > own


def test_a_region_without_tissue_keeps_its_point_and_is_named():
    scan = mapped_blocks(INFERIOR)
    labels = np.where(scan.labels == 5, 0, scan.labels).astype(np.uint8)
    scored = scored_by(score_by_asymmetry, replace(scan, labels=labels), "barber")
    assert scored.left <= 7
    assert not scored.of("left")[4].affected
    (flag,) = [flag for flag in scored.flags if flag.code == "regions-not-judged"]
    assert "in M1:" in flag.reason
    assert np.isnan(scored.of("left")[4].probability)


def test_damaged_weights_are_refused(tmp_path):
    (tmp_path / "w.json").write_text('{"rules": {"barber": {}}}')
    with pytest.raises(InputError, match="weights cannot be read"):
        load_models(tmp_path / "w.json")
