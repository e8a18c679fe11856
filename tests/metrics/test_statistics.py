"""Statistics on published data, against other implementations, and where they must be withheld."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW, ttest_ind

from atlas_builder.metrics.statistics import (
    LEAST_PARTICIPANTS,
    RESAMPLES,
    bootstrap_interval,
    compare_groups,
    compare_paired,
    holm,
    with_holm,
)

# Extra hours of sleep under two drugs: Student, The probable error of a mean, Biometrika 6 (1908).
FIRST = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
SECOND = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])

scores = arrays(np.float64, 9, elements=st.floats(0, 1, width=16))


def test_students_sleep_data():
    found = compare_paired(FIRST, SECOND, 1)
    assert found.n_first == found.n_second == 10
    assert found.difference == pytest.approx(-1.58)
    assert found.t == pytest.approx(-4.0621, abs=1e-4)
    assert found.p_t == pytest.approx(0.002833, abs=1e-6)
    assert found.effect == pytest.approx(-4.0621 / math.sqrt(10), abs=1e-4)
    # Nine of ten differ, all in one direction.
    assert found.rank == 0
    assert found.rank_biserial == -1
    assert found.low < -1.58 < found.high < 0
    independent = DescrStatsW(FIRST - SECOND).ttest_mean(0)
    assert (found.t, found.p_t) == pytest.approx(independent[:2])


def test_signed_ranks_by_hand():
    differences = np.array([1.0, -2.0, 3.0, 4.0, 5.0, 6.0, -7.0])
    found = compare_paired(differences, np.zeros(7), 1)
    assert found.rank == 2 + 7  # the smaller sum of ranks
    assert found.rank_biserial == pytest.approx((19 - 9) / 28)
    # Of the 128 signs that seven ranks can have, those as far out on either side.
    sums = [sum(rank for rank in range(1, 8) if bits >> (rank - 1) & 1) for bits in range(2**7)]
    assert found.p_rank == pytest.approx(2 * np.mean(np.array(sums) <= 9))


@settings(max_examples=25)  # each draws two bootstraps
@given(scores, scores)
def test_exchanging_the_two_changes_only_signs(first, second):
    there, back = compare_paired(first, second, 1), compare_paired(second, first, 1)
    assert there.note == back.note
    for name in ("difference", "t", "effect", "rank_biserial"):
        np.testing.assert_allclose(getattr(there, name), -getattr(back, name), atol=1e-12)
    np.testing.assert_allclose([there.low, there.high], [-back.high, -back.low], atol=1e-12)
    np.testing.assert_allclose([there.p_t, there.p_rank], [back.p_t, back.p_rank])


def test_few_participants_have_no_tests_but_means():
    few = LEAST_PARTICIPANTS - 1
    found = compare_paired(FIRST[:few], SECOND[:few], 1)
    assert "fewer than 6" in found.note
    assert all(math.isnan(value) for value in (found.p_t, found.p_rank, found.low, found.effect))
    assert found.mean_first == pytest.approx(FIRST[:few].mean())
    assert compare_paired(FIRST[: few + 1], SECOND[: few + 1], 1).note == ""


def test_participants_without_a_score_are_left_out_of_both():
    first = np.append(FIRST, [np.nan, 5.0, np.inf])
    second = np.append(SECOND, [1.0, np.nan, 2.0])
    assert compare_paired(first, second, 1) == compare_paired(FIRST, SECOND, 1)


@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_equal_differences_are_not_tested(shift):
    found = compare_paired(FIRST + shift, FIRST, 1)
    assert "all differences are the same" in found.note
    assert math.isnan(found.p_t)
    assert found.difference == pytest.approx(shift)


def test_nobody_at_all():
    found = compare_paired(np.array([]), np.array([]), 1)
    assert found.n_first == 0
    assert math.isnan(found.mean_first)


def test_groups_against_other_implementations():
    found = compare_groups(FIRST, SECOND[:8], 1)
    t, p, _ = ttest_ind(FIRST, SECOND[:8], usevar="unequal")
    assert (found.t, found.p_t) == pytest.approx((t, p))
    greater = sum(float(a > b) + 0.5 * (a == b) for a in FIRST for b in SECOND[:8])
    assert found.rank == greater
    assert found.rank_biserial == pytest.approx(2 * greater / 80 - 1)
    pooled = math.sqrt((9 * FIRST.var(ddof=1) + 7 * SECOND[:8].var(ddof=1)) / 16)
    cohen = (FIRST.mean() - SECOND[:8].mean()) / pooled
    assert found.effect == pytest.approx(cohen * (1 - 3 / 63))


def test_a_small_group_is_not_tested():
    found = compare_groups(FIRST, SECOND[:5], 1)
    assert "groups of 10 and 5" in found.note
    assert math.isnan(found.p_t)


def test_groups_without_any_spread_are_not_tested():
    found = compare_groups(np.full(7, 0.5), np.full(8, 0.5), 1)
    assert "do not vary" in found.note


def test_the_interval_covers_and_repeats():
    generator = np.random.default_rng(0)
    values = generator.normal(0.9, 0.05, 40)
    low, high = bootstrap_interval(values, 1)
    assert (low, high) == bootstrap_interval(values, 1)
    assert (low, high) != bootstrap_interval(values, 2)
    # Close to the interval of the normal distribution.
    half = 1.96 * values.std(ddof=0) / math.sqrt(40)
    assert low == pytest.approx(values.mean() - half, abs=0.002)
    assert high == pytest.approx(values.mean() + half, abs=0.002)


def test_the_interval_is_that_of_scipy():
    result = stats.bootstrap(
        (FIRST,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(3)
    )
    low, high = bootstrap_interval(FIRST, 1)
    assert low == pytest.approx(result.confidence_interval.low, abs=0.05)
    assert high == pytest.approx(result.confidence_interval.high, abs=0.05)


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


@pytest.mark.slow
@settings(max_examples=20)  # statsmodels takes its time
@given(arrays(np.float64, 6, elements=st.floats(0, 1)), st.integers(0, 5))
def test_holm_leaves_out_what_was_not_tested(p, place):
    p[place] = np.nan
    corrected = holm(p)
    assert math.isnan(corrected[place])
    others = np.delete(p, place)
    np.testing.assert_allclose(np.delete(corrected, place), multipletests(others, method="holm")[1])
    assert (np.delete(corrected, place) >= others).all()


def test_a_family_without_any_test_stays_without():
    few = compare_paired(FIRST[:3], SECOND[:3], 1)
    (same,) = with_holm([few])
    assert math.isnan(same.p_t_holm)
    tested = with_holm([compare_paired(FIRST, SECOND, 1), few])
    assert tested[0].p_t_holm == tested[0].p_t
