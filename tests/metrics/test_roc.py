"""ROC areas, their intervals and tests: published formulas, other implementations, by hand."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.metrics import roc_auc_score

from atlas_builder.metrics.roc import area_under, compare_areas, delong_covariance, roc_curve_of
from atlas_builder.metrics.thresholds import (
    operating_point,
    proportion,
    threshold_interval,
    youden_threshold,
)

# Ties in and between the groups, as a score of whole numbers has them.
cohorts = st.tuples(
    arrays(np.bool_, 24, elements=st.booleans()),
    arrays(np.float64, (2, 24), elements=st.integers(0, 10).map(float)),
).filter(lambda cohort: 2 <= cohort[0].sum() <= 22)


def simulated(patients: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two correlated markers of one condition, the first rounded."""
    generator = np.random.default_rng(seed)
    positive = np.arange(patients) < patients // 3
    shared = generator.normal(size=patients) + positive
    markers = shared + generator.normal(scale=0.6, size=(2, patients))
    markers[0] = np.round(markers[0])
    return positive, markers


def brute_force(positive: np.ndarray, markers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong, DeLong and Clarke-Pearson's formulas, every pair of patients compared."""
    cases, controls = markers[:, positive], markers[:, ~positive]
    kernel = (cases[:, :, None] > controls[:, None, :]) + 0.5 * (
        cases[:, :, None] == controls[:, None, :]
    )
    areas = kernel.mean(axis=(1, 2))
    covariance = np.zeros((len(markers), len(markers)))
    for components in (kernel.mean(axis=2), kernel.mean(axis=1)):
        n = components.shape[1]
        off = components - areas[:, None]
        covariance += off @ off.T / (n - 1) / n
    return areas, covariance


@settings(max_examples=40)
@given(cohorts)
def test_fast_delong_is_the_slow_one(cohort):
    areas, covariance = delong_covariance(*cohort)
    expected_areas, expected = brute_force(*cohort)
    np.testing.assert_allclose(areas, expected_areas, atol=1e-12)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


@settings(max_examples=40)
@given(cohorts)
def test_area_is_that_of_scikit_learn(cohort):
    positive, (marker, _) = cohort
    area = area_under(positive, marker)
    assert area.value == pytest.approx(roc_auc_score(positive, marker))
    if np.isnan(area.low):
        assert area.error < 1e-7
        assert np.isnan(area.high)
    else:
        assert 0 <= area.low <= area.value <= area.high <= 1


@settings(max_examples=40)
@given(cohorts)
def test_area_depends_on_ranks_alone_and_turns_over(cohort):
    positive, (marker, _) = cohort
    area = area_under(positive, marker)
    np.testing.assert_equal(astuple(area_under(positive, np.exp(marker))), astuple(area))
    assert area_under(positive, -marker).value == pytest.approx(1 - area.value)
    assert area_under(~positive, -marker).error == pytest.approx(area.error)


@settings(max_examples=40)
@given(cohorts)
def test_exchanging_the_markers_changes_the_sign(cohort):
    positive, (first, second) = cohort
    one, other = compare_areas(positive, first, second), compare_areas(positive, second, first)
    assume(not np.isnan(one.p))
    assert other.difference == pytest.approx(-one.difference)
    assert other.z == pytest.approx(-one.z)
    assert other.p == pytest.approx(one.p)


def test_delongs_error_and_test_are_those_of_a_bootstrap():
    positive, markers = simulated(240)
    generator = np.random.default_rng(7)
    places = np.flatnonzero(positive), np.flatnonzero(~positive)
    found = []
    for _ in range(2000):
        drawn = np.concatenate([generator.choice(group, len(group)) for group in places])
        cases, controls = markers[:, drawn[: len(places[0])]], markers[:, drawn[len(places[0]) :]]
        ranks = stats.rankdata(np.concatenate([cases, controls], axis=1), axis=1)
        n, m = cases.shape[1], controls.shape[1]
        found.append((ranks[:, :n].sum(axis=1) - n * (n + 1) / 2) / (n * m))
    areas = np.array(found)
    area = area_under(positive, markers[1])
    assert area.error == pytest.approx(areas[:, 1].std(), rel=0.06)
    low, high = np.percentile(areas[:, 1], [2.5, 97.5])
    assert (area.low, area.high) == pytest.approx((low, high), abs=0.01)
    test = compare_areas(positive, *markers)
    spread = (areas[:, 0] - areas[:, 1]).std()
    assert test.difference / test.z == pytest.approx(spread, rel=0.06)
    assert test.high - test.low == pytest.approx(2 * 1.96 * spread, rel=0.06)


def test_a_marker_that_helps_is_told_from_one_that_does_not():
    positive, (_, good) = simulated(600)
    noise = np.random.default_rng(3).normal(size=600)
    assert compare_areas(positive, good, noise).p < 1e-6
    assert compare_areas(positive, noise, good).z < 0


def test_markers_that_order_alike_have_no_test():
    positive, (_, marker) = simulated(40)
    test = compare_areas(positive, marker, 3 * marker + 1)
    assert test.difference == 0
    assert np.isnan([test.low, test.high, test.z, test.p]).all()


@pytest.mark.parametrize(
    ("severity", "value"),
    [([1, 2, 3, 4, 5, 6, 7, 8], 1), ([8, 7, 6, 5, 4, 3, 2, 1], 0), ([10] * 8, 0.5)],
)
def test_complete_separation_and_complete_ties_have_no_interval(severity, value):
    positive = np.arange(8) >= 6
    area = area_under(positive, np.array(severity, float))
    assert area.value == value
    assert np.isnan([area.low, area.high]).all()


def test_a_difference_of_certain_looking_areas_has_no_interval():
    positive = np.arange(8) >= 6
    test = compare_areas(positive, np.arange(8.0), np.full(8, 10.0))
    assert test.difference == 0.5
    assert np.isnan([test.low, test.high, test.z, test.p]).all()


def test_one_pair_out_of_order_is_enough_for_an_interval():
    positive = np.arange(8) >= 6
    area = area_under(positive, np.array([1.0, 2, 3, 4, 5, 7, 6, 8]))
    assert area.value == pytest.approx(11 / 12)
    assert area.low < area.value < area.high


def test_one_patient_on_a_side_is_refused():
    with pytest.raises(ValueError, match="at least two"):
        area_under(np.array([True, False, False]), np.arange(3.0))


def test_youden_by_hand():
    positive = np.array([True] * 4 + [False] * 5)
    scores = np.array([2.0, 5, 6, 9, 6, 8, 9, 10, 10])
    curve = roc_curve_of(positive, scores, lower_is_worse=True)
    # At most 6: three of four, one of five.
    assert youden_threshold(curve) == 6
    point = operating_point(positive, scores, 6, lower_is_worse=True)
    assert (point.sensitivity.count, point.sensitivity.total) == (3, 4)
    assert (point.specificity.count, point.specificity.total) == (4, 5)
    assert point.youden == pytest.approx(0.55)


def test_of_equal_indices_the_strictest_threshold_is_taken():
    positive = np.array([True, False, True, False])
    curve = roc_curve_of(positive, np.array([4.0, 3.0, 2.0, 1.0]), lower_is_worse=False)
    assert youden_threshold(curve) == 4


@pytest.mark.parametrize("lower_is_worse", [True, False])
@pytest.mark.parametrize("step", [0.0, 1.0])
def test_no_threshold_where_none_is_better_than_chance(lower_is_worse, step):
    positive = np.arange(8) >= 5
    # All the same, or those with the condition at the wrong end.
    marker = step * np.arange(8.0) * (1 if lower_is_worse else -1)
    chosen = youden_threshold(roc_curve_of(positive, marker, lower_is_worse=lower_is_worse))
    interval = threshold_interval(positive, marker, 1, lower_is_worse=lower_is_worse)
    point = operating_point(positive, marker, chosen, lower_is_worse=lower_is_worse)
    assert np.isnan([chosen, *interval]).all()
    assert np.isnan([*astuple(point.sensitivity)[2:], *astuple(point.specificity)[2:]]).all()
    assert np.isnan(point.youden)


@pytest.mark.parametrize("lower_is_worse", [True, False])
@given(cohorts)
@settings(max_examples=25)
def test_no_threshold_has_a_larger_index(lower_is_worse, cohort):
    positive, (marker, _) = cohort
    chosen = youden_threshold(roc_curve_of(positive, marker, lower_is_worse=lower_is_worse))
    best = operating_point(positive, marker, chosen, lower_is_worse=lower_is_worse).youden
    best = 0.0 if np.isnan(chosen) else best
    for threshold in np.unique(marker):
        point = operating_point(positive, marker, threshold, lower_is_worse=lower_is_worse)
        assert point.youden <= best + 1e-12


def test_curve_passes_through_its_operating_points():
    positive, (marker, _) = simulated(90)
    curve = roc_curve_of(positive, marker, lower_is_worse=False)
    for threshold, x, y in zip(
        curve.thresholds[1:], curve.false_positive[1:], curve.true_positive[1:], strict=True
    ):
        point = operating_point(positive, marker, threshold, lower_is_worse=False)
        assert (1 - point.specificity.value, point.sensitivity.value) == pytest.approx((x, y))


def test_threshold_interval_holds_the_true_threshold_and_repeats():
    generator = np.random.default_rng(5)
    positive = np.arange(400) < 200
    # The densities of the groups cross halfway between their means.
    marker = generator.normal(np.where(positive, 2.0, 0.0), 0.8)
    low, high = threshold_interval(positive, marker, 1, lower_is_worse=False)
    assert low < 1.0 < high
    assert high - low < 1.2
    assert {low, high} <= set(marker)
    assert threshold_interval(positive, marker, 1, lower_is_worse=False) == (low, high)
    turned = threshold_interval(positive, -marker, 1, lower_is_worse=True)
    assert turned == pytest.approx((-high, -low))


def test_wilsons_interval():
    # Newcombe RG, Stat Med 17:857-872 (1998), Table I: 81 of 263, method 3.
    share = proportion(81, 263)
    assert (share.low, share.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert np.isnan(proportion(0, 0).value)
    assert proportion(0, 20).low == 0
