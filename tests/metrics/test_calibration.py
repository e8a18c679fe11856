"""Calibration by hand and against other implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import brier_score_loss

from atlas_builder.metrics.calibration import LEAST_IN_TENTH, calibration_of, exact_share


def test_tenths_by_hand():
    probability = np.array([0.0, 0.05, 0.1, 0.3, 0.35, 0.7, 0.95, 1.0])
    positive = np.array([0, 0, 1, 0, 1, 1, 1, 1], bool)
    found = calibration_of(positive, probability)
    assert [tenth.count for tenth in found.tenths] == [2, 1, 0, 2, 0, 0, 0, 1, 0, 2]
    assert [tenth.positive for tenth in found.tenths] == [0, 1, 0, 1, 0, 0, 0, 1, 0, 2]
    fourth = found.tenths[3]
    assert fourth.predicted == pytest.approx(0.325)
    assert fourth.observed.value == 0.5
    assert fourth.deviation == pytest.approx(0.175)
    assert np.isnan(found.tenths[2].predicted)
    errors = 2 * 0.025 + 0.9 + 2 * 0.175 + 0.3 + 2 * 0.025
    assert found.expected_error == pytest.approx(errors / 8)
    squares = 0.05**2 + 0.9**2 + 0.3**2 + 0.65**2 + 0.3**2 + 0.05**2
    assert found.brier == pytest.approx(squares / 8)
    assert found.base_rate_brier == pytest.approx(5 / 8 * 3 / 8)
    assert np.isnan(found.largest_deviation)


def test_every_tenth_begins_at_its_own_bound():
    bounds = np.arange(11) / 10
    found = calibration_of(np.zeros(11, bool), bounds)
    assert [tenth.count for tenth in found.tenths] == [1] * 9 + [2]


def test_the_largest_deviation_is_that_of_tenths_that_say_enough():
    probability = np.repeat([0.15, 0.45, 0.85], [LEAST_IN_TENTH, LEAST_IN_TENTH, 5])
    positive = np.zeros(len(probability), bool)
    positive[LEAST_IN_TENTH : LEAST_IN_TENTH + 27] = True
    found = calibration_of(positive, probability)
    assert found.largest_deviation == pytest.approx(0.9 - 0.45)
    assert not found.tenths[8].says_enough


@given(
    arrays(np.bool_, 30, elements=st.booleans()), arrays(np.float64, 30, elements=st.floats(0, 1))
)
def test_brier_is_that_of_scikit_learn(positive, probability):
    found = calibration_of(positive, probability)
    expected = brier_score_loss(positive.astype(int), probability, pos_label=1)
    assert found.brier == pytest.approx(expected)
    assert sum(tenth.count for tenth in found.tenths) == found.count == 30
    assert 0 <= found.expected_error <= 1


def test_exact_interval_is_that_of_statsmodels():
    statsmodels = pytest.importorskip("statsmodels.stats.proportion")
    for count, total in ((0, 8), (3, 40), (29, 30), (12, 12)):
        found = exact_share(count, total)
        expected = statsmodels.proportion_confint(count, total, method="beta")
        assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
        assert found.value == count / total
    assert np.isnan(exact_share(0, 0).value)
