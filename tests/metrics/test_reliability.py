"""Agreement with readers: published examples and other implementations."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atlas_builder.metrics.reliability import compare_scores, icc_agreement, pearson, spearman

# Six targets rated by four judges: Shrout PE, Fleiss JL. Psychol Bull 86:420-428 (1979), Table 2.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
readings = arrays(np.float64, (12, 2), elements=st.integers(0, 10).map(float))


def test_icc_of_the_published_example():
    found = icc_agreement(SHROUT_FLEISS)
    assert found.value == pytest.approx(0.29, abs=0.005)
    # McGraw and Wong's interval of the same data, as R's irr and psych print it.
    assert (found.low, found.high) == pytest.approx((0.019, 0.761), abs=5e-4)


def pingouins(scores: np.ndarray) -> tuple[float, np.ndarray]:
    pingouin = pytest.importorskip("pingouin")
    pandas = pytest.importorskip("pandas")
    n, k = scores.shape
    table = pandas.DataFrame(
        {
            "patient": np.repeat(np.arange(n), k),
            "reader": np.tile(np.arange(k), n),
            "score": scores.ravel(),
        }
    )
    rounding = dict(pingouin.options)
    pingouin.options["round.column.CI95"] = pingouin.options["round.column.CI95%"] = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own of pandas
            found = pingouin.intraclass_corr(table, "patient", "reader", "score")
    finally:
        pingouin.options.clear()
        pingouin.options.update(rounding)
    # ICC2, later called ICC(A,1).
    row = found.iloc[1]
    return row["ICC"], np.asarray(row["CI95" if "CI95" in found else "CI95%"])


def test_icc_is_that_of_pingouin():
    generator = np.random.default_rng(2)
    for spread in (0.3, 1.0, 3.0):
        truth = generator.integers(0, 11, 60)
        scores = truth[:, None] + generator.normal([0, 0.5, -0.3], spread, (60, 3))
        found = icc_agreement(scores)
        value, interval = pingouins(scores)
        assert found.value == pytest.approx(value, abs=1e-9)
        np.testing.assert_allclose([found.low, found.high], interval, atol=1e-9)


@given(readings)
def test_icc_is_symmetric_and_within_its_interval(scores):
    found = icc_agreement(scores)
    assume(np.isfinite(found.low))
    turned = icc_agreement(scores[:, ::-1])
    assert turned.value == pytest.approx(found.value)
    assert found.low <= found.value + 1e-9
    assert found.value <= found.high + 1e-9
    assert found.high <= 1 + 1e-9


def test_a_constant_difference_lowers_agreement_but_not_correlation():
    scores = np.arange(11.0)
    shifted = compare_scores("automated", "reader", scores, scores - 2)
    assert shifted.spearman.value == pytest.approx(1)
    assert shifted.icc.value < 0.9
    assert (shifted.bias, shifted.low, shifted.high) == (2, 2, 2)
    assert shifted.identical == shifted.within_one == 0


def test_identical_scores_agree_wholly():
    scores = np.arange(11.0)
    found = compare_scores("a", "b", scores, scores)
    assert (found.icc.value, found.icc.low, found.icc.high) == (1, 1, 1)
    assert found.spearman.low == found.spearman.high == pytest.approx(1)
    assert (found.bias, found.identical) == (0, 1)


def test_limits_of_agreement_by_hand_and_patients_not_read():
    first = np.array([10, 8, 6, np.nan, 4, 9, 7.0, 3])
    second = np.array([9, 8, 7, 5, 2, np.nan, 7, 3.0])
    found = compare_scores("a", "b", first, second)
    differences = np.array([1, 0, -1, 2, 0, 0.0])
    assert found.n == 6
    assert found.bias == pytest.approx(1 / 3)
    reach = 1.96 * differences.std(ddof=1)
    assert (found.low, found.high) == pytest.approx((1 / 3 - reach, 1 / 3 + reach))
    assert (found.identical, found.within_one) == pytest.approx((0.5, 5 / 6))
    assert found.within_two == 1


def test_spearman_and_its_interval():
    first = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    second = np.array([2.0, 1, 4, 3, 6, 5, 8, 7, 10, 9])
    found = spearman(first, second)
    assert found.value == pytest.approx(1 - 6 * 10 / 990)
    # Bonett and Wright by hand: atanh(r) -+ 1.96 sqrt((1 + r^2 / 2) / 7).
    error = np.sqrt((1 + found.value**2 / 2) / 7)
    expected = np.tanh(np.arctanh(found.value) + 1.959964 * error * np.array([-1, 1]))
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-6)


def test_pearson_and_its_interval_are_those_of_pingouin():
    pingouin = pytest.importorskip("pingouin")
    generator = np.random.default_rng(4)
    first = generator.integers(0, 11, 50).astype(float)
    second = first + generator.normal(0, 2, 50)
    found = pearson(first, second)
    expected = pingouin.corr(first, second).iloc[0]
    interval = expected["CI95" if "CI95" in expected else "CI95%"]
    assert found.value == pytest.approx(expected["r"], abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(interval), abs=0.006)
    # Fisher by hand: atanh(r) -+ 1.96 / sqrt(n - 3).
    by_hand = np.tanh(np.arctanh(found.value) + 1.959964 / np.sqrt(47) * np.array([-1, 1]))
    assert (found.low, found.high) == pytest.approx(tuple(by_hand), abs=1e-6)
    assert np.isnan(pearson(np.arange(5.0), np.arange(5.0)).value)
    assert pearson(np.arange(9.0), 3 - np.arange(9.0)).low == pytest.approx(-1)


def test_too_few_patients_say_nothing():
    few = compare_scores("a", "b", np.arange(5.0), np.arange(5.0))
    assert np.isnan(few.icc.value)
    assert np.isnan(few.spearman.value)
    assert np.isnan(spearman(np.full(9, 10.0), np.arange(9.0)).value)
    nobody = compare_scores("a", "b", np.array([np.nan]), np.array([3.0]))
    assert nobody.n == 0
    assert np.isnan(nobody.bias)
