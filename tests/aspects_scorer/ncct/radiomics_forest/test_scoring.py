"""Probabilities become points as the threshold says, and each lost point says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mapped_blocks import mapped_blocks, scored_by

from aspects_scorer.ncct.methods import METHODS
from aspects_scorer.ncct.radiomics_forest import scoring
from aspects_scorer.ncct.radiomics_forest.features import RegionRadiomics
from aspects_scorer.ncct.radiomics_forest.forest import LEAF, Forest, ForestModel, load_forests
from atlas_builder.core.anatomy import Region

# Affected where the mean is at least 2 HU below the other side's.
DARKER = Forest(
    np.array([1, LEAF, LEAF], np.int16),
    np.array([-2.0, 0.9, 0.1]),
    np.array([2, 0, 0], np.int32),
    np.zeros(1, np.int32),
)


@pytest.fixture
def _means_alone(monkeypatch):
    """Score by one feature, so that pyradiomics is not needed."""

    def means(scan):
        values = np.full((2, 10, 1), np.nan)
        for label in np.unique(scan.labels[scan.labels > 0]):
            values[(label - 1) // 10, (label - 1) % 10] = scan.hu[scan.labels == label].mean()
        return RegionRadiomics(("mean",), values)

    model = ForestModel(("mean", "mean, difference"), (DARKER,) * 10, 0.5)
    monkeypatch.setattr(scoring, "measure_radiomics", means)
    monkeypatch.setattr(scoring, "load_forests", lambda: {"barber": model})


@pytest.mark.usefixtures("_means_alone")
def test_regions_from_the_threshold_on_lose_their_points_and_say_why():
    added = {("right", Region.M2): -5.0, ("right", Region.L): -1.0}
    scored = scored_by(METHODS["radiomics-forest"], mapped_blocks(added), "barber")
    (lost,) = [finding for finding in scored.findings if finding.affected]
    assert (lost.side, lost.region, lost.probability) == ("right", Region.M2, 0.9)
    assert lost.reason.startswith(
        "probability 0.90 by its radiomic features, from 0.50 on it counts; tissue "
    )
    assert lost.reason.endswith(" HU darker than on the other side")
    assert (scored.left, scored.right, scored.aspects) == (10, 9, 9)
    assert scored.expected["left"] == pytest.approx(9)
    assert scored.expected["right"] == pytest.approx(8.2)
    assert (scored.method, scored.rule, scored.interval) == ("radiomics-forest", "barber", None)


@pytest.mark.usefixtures("_means_alone")
def test_a_region_that_is_not_there_keeps_its_point_and_is_named():
    scan = mapped_blocks({("right", Region.M1): -5.0})
    labels = np.where(scan.labels == 5, 0, scan.labels).astype(np.uint8)
    scored = scored_by(scoring.score_by_forest, replace(scan, labels=labels), "barber")
    assert scored.aspects == 10
    assert np.isnan(scored.of("right")[4].probability)
    (flag,) = scored.flags
    assert (flag.code, flag.reason) == (
        "regions-not-judged",
        "no tissue to compare in M1: they keep their points",
    )


def test_the_forests_that_ship_ask_what_is_measured():
    pytest.importorskip("radiomics", reason="the extra radiomics is not installed")
    dark = {("left", region): -6.0 for region in (Region.M2, Region.M3, Region.M5)}
    scored = scored_by(scoring.score_by_forest, mapped_blocks(dark), "ctp")
    assert all(0 <= finding.probability <= 1 for finding in scored.findings)
    threshold = load_forests()["ctp"].threshold
    for finding in scored.findings:
        assert finding.affected == (finding.probability >= threshold)
    for side, region in dark:
        here, there = (
            next(f for f in scored.of(one) if f.region == region).probability
            for one in (side, "right")
        )
        assert here > there + 0.1
