"""Resampled measures against other implementations, and intervals against plain bootstraps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from atlas_builder.metrics.reliability import icc_agreement
from atlas_builder.metrics.resampling import (
    RESAMPLES,
    area_of,
    interval_of,
    resample,
    resampled_area,
    resampled_icc,
    resampled_share,
    share_of,
)
from atlas_builder.metrics.thresholds import proportion


def regions(participants: int = 12, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Five regions of each participant, markers of one decimal so that there are ties."""
    generator = np.random.default_rng(seed)
    participant = np.repeat(np.arange(participants), 5)
    positive = generator.random(len(participant)) < 0.3
    severity = np.round(generator.normal(size=len(participant)) + positive, 1)
    return positive, severity, participant


def test_resamples_hold_everyone_once_on_average_and_repeat():
    counts = resample(40, 3)
    assert counts.shape == (RESAMPLES, 40)
    assert (counts.sum(axis=1) == 40).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(40), abs=0.12)
    assert (counts == resample(40, 3)).all()
    assert (counts != resample(40, 4)).any()


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.bool_, 24, elements=st.booleans()).filter(lambda drawn: 0 < drawn.sum() < 24),
    arrays(np.float64, 24, elements=st.integers(0, 6).map(float)),
)
def test_area_is_that_of_scikit_learn(positive, severity):
    found = resampled_area(positive, severity, np.arange(24), np.ones((1, 24)))
    assert found[0] == pytest.approx(roc_auc_score(positive, severity))


def test_area_of_each_resample_is_that_of_the_repeated_regions():
    positive, severity, participant = regions()
    counts = resample(12, 2)[:300]
    found = resampled_area(positive, severity, participant, counts)
    for row, area in zip(counts.astype(int), found, strict=True):
        drawn = np.repeat(np.arange(len(participant)), row[participant])
        assert area == pytest.approx(roc_auc_score(positive[drawn], severity[drawn]))


def test_area_of_a_resample_without_a_positive_is_not_a_number():
    positive = np.array([True, False, False])
    counts = np.array([[0.0, 2, 1], [1, 2, 0]])
    found = resampled_area(positive, np.array([1.0, 0, 2]), np.arange(3), counts)
    assert np.isnan(found[0])
    assert found[1] == 1


def test_interval_resamples_participants_and_not_regions():
    # Both regions of everyone are alike: an interval over 80 regions would be too short.
    generator = np.random.default_rng(5)
    hits = 2.0 * (generator.random(40) < 0.6)
    found = share_of(hits, np.full(40, 2.0), resample(40, 1))
    alone = share_of(hits / 2, np.ones(40), resample(40, 1))
    assert found == alone
    error = np.sqrt(found.value * (1 - found.value) / 40)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.12)


def test_area_interval_is_that_of_a_plain_bootstrap():
    positive, severity, participant = regions(60)
    found = area_of(positive, severity, participant, resample(60, 1))
    generator = np.random.default_rng(9)
    areas = []
    for _ in range(1000):
        drawn = generator.integers(0, 60, 60)
        places = (drawn[:, None] * 5 + np.arange(5)).ravel()
        areas.append(roc_auc_score(positive[places], severity[places]))
    assert (found.low, found.high) == pytest.approx(np.percentile(areas, [2.5, 97.5]), abs=0.02)


def test_shares_without_a_difference_have_wilsons_interval_over_participants():
    counts = resample(9, 1)
    totals = np.array([3.0, 2, 0, 1, 1, 0, 0, 0, 4])
    whole, none = share_of(totals, totals, counts), share_of(0 * totals, totals, counts)
    assert (whole.value, whole.low, whole.high) == (1, proportion(5, 5).low, 1)
    assert (none.value, none.low, none.high) == (0, 0, proportion(0, 5).high)


def test_nothing_is_said_where_hardly_anyone_has_such_regions():
    one = np.array([0.0, 1, 0])
    assert np.isnan(share_of(one, one, resample(3, 1)).low)
    assert np.isnan(share_of(0 * one, 0 * one, resample(3, 1)).value)
    single = area_of(
        np.array([True, False, False]), np.array([1.0, 0, 2]), np.arange(3), resample(3, 1)
    )
    assert single.value == 0.5
    assert np.isnan(single.low)
    assert np.isnan(area_of(np.zeros(3, bool), np.arange(3.0), np.arange(3), resample(3, 1)).value)


def test_separated_regions_have_an_area_of_one_and_no_interval():
    positive = np.array([True, True, False, False])
    found = area_of(positive, np.array([3.0, 2, 1, 0]), np.arange(4), resample(4, 1))
    assert found.value == 1
    assert np.isnan(found.low)


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (12, 2), elements=st.integers(0, 10).map(float)), st.integers(0, 50))
def test_icc_of_a_resample_is_that_of_the_repeated_scores(scores, place):
    row = resample(12, 1)[place]
    found = resampled_icc(scores[:, 0], scores[:, 1], row[np.newaxis])[0]
    expected = icc_agreement(np.repeat(scores, row.astype(int), axis=0)).value
    assert found == pytest.approx(expected, nan_ok=True, abs=1e-9)


def test_shares_of_resamples_by_hand():
    counts = np.array([[1.0, 1, 1], [2, 0, 1], [0, 3, 0]])
    found = resampled_share(np.array([1.0, 0, 2]), np.array([2.0, 0, 3]), counts)
    assert found[:2] == pytest.approx([3 / 5, 4 / 7])
    assert np.isnan(found[2])


def test_interval_is_withheld_where_most_resamples_have_no_value():
    some = np.full(100, np.nan)
    some[:49] = 0.5
    assert np.isnan(interval_of(some)[0])
    some[:60] = 0.5
    assert interval_of(some) == (0.5, 0.5)
