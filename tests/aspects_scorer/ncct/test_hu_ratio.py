"""The baseline counts what lies below the published ratio, on the side where it does."""

from __future__ import annotations

import math

import pytest
from mapped_blocks import mapped_blocks, scored_by

from aspects_scorer.ncct.hu_ratio import score_by_ratio
from atlas_builder.core.anatomy import Region


@pytest.mark.parametrize(("hu", "lost"), [(-3.0, True), (-1.0, False), (3.0, False)])
def test_a_region_loses_its_point_below_the_cut_point(hu, lost):
    scored = scored_by(
        score_by_ratio, mapped_blocks({("left", Region.M3): hu}, noise_hu=0.5), "barber"
    )
    assert [f.region for f in scored.of("left") if f.affected] == ([Region.M3] if lost else [])
    # Where the left is brighter by more than a twentieth, the right is the darker side.
    assert (scored.left, scored.right) == (10 - lost, 9 if hu == 3.0 else 10)


def test_it_says_why_and_gives_no_probability():
    scored = scored_by(
        score_by_ratio, mapped_blocks({("right", Region.L): -4.0}, noise_hu=0.5), "ctp"
    )
    (found,) = [finding for finding in scored.findings if finding.affected]
    assert (found.side, found.region) == ("right", Region.L)
    # 30 against 34 HU; at its border the region is smoothed with its neighbours.
    assert found.reason == "density 0.90 of the other side's, below 0.95"
    assert found.difference_hu == pytest.approx(-3.5, abs=0.3)
    assert all(math.isnan(finding.probability) for finding in scored.findings)
    assert (scored.method, scored.rule, scored.interval) == ("hu-ratio", "ctp", None)
