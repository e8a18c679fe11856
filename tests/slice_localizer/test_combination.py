"""Network and alignment are believed as far as they have earned it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slice_localizer.combination import EstimateWeights, LevelEstimates, combine, fit_weights

HEIGHTS = np.arange(0.0, 100.0, 5.0)
TRUST = EstimateWeights(alignment_sd_mm=1.0, alignment_failure=0.02, network_share=0.95)


def network(index: int, sure: float = 0.8) -> np.ndarray:
    probabilities = np.full(len(HEIGHTS), (1 - sure) / (len(HEIGHTS) - 1))
    probabilities[index] = sure
    return probabilities


@given(st.floats(-5.0, 100.0), st.integers(0, 19), st.permutations(range(20)))
def test_probabilities_add_up_and_do_not_depend_on_the_order(
    level: float, index: int, order: list[int]
) -> None:
    together = combine(LevelEstimates(network(index), HEIGHTS, level), TRUST)
    assert together.sum() == pytest.approx(1.0)
    shuffled = combine(LevelEstimates(network(index)[order], HEIGHTS[order], level), TRUST)
    np.testing.assert_allclose(shuffled, together[order], rtol=1e-6, atol=1e-12)


def test_an_even_network_leaves_the_choice_to_the_alignment() -> None:
    even = np.full(len(HEIGHTS), 1 / len(HEIGHTS))
    together = combine(LevelEstimates(even, HEIGHTS, 42.4), TRUST)
    assert together.argmax() == 8  # 42.4 is nearer to 40 than to 45, just
    assert together[8] == pytest.approx(0.53, abs=0.03)


def test_a_network_that_is_sure_does_not_outvote_an_alignment_that_fails_less_often() -> None:
    together = combine(LevelEstimates(network(2, sure=1.0), HEIGHTS, 60.0), TRUST)
    assert together.argmax() == 12
    other = EstimateWeights(TRUST.alignment_sd_mm, alignment_failure=0.05, network_share=0.98)
    assert combine(LevelEstimates(network(2, sure=1.0), HEIGHTS, 60.0), other).argmax() == 2


def test_the_trust_that_was_earned_is_found_again() -> None:
    rng = np.random.default_rng(3)
    said, true, levels = [], [], []
    for _ in range(800):
        level = rng.uniform(30, 70)
        bgl = int(np.abs(HEIGHTS - level).argmin())
        failed = rng.random(2) < (0.04, 0.1)
        seen = rng.uniform(0, 95) if failed[0] else level + rng.normal(0.0, 0.8)
        index = int(rng.integers(len(HEIGHTS))) if failed[1] else bgl
        said.append(LevelEstimates(network(index, sure=0.999), HEIGHTS, seen))
        true.append(bgl)
        levels.append(level)
    found = fit_weights(said, true, np.array(levels))
    assert found.alignment_sd_mm == pytest.approx(0.8, abs=0.1)
    assert found.alignment_failure == pytest.approx(0.04, abs=0.02)
    assert found.network_share == pytest.approx(0.9, abs=0.05)


def test_no_record_rules_failures_out_and_a_network_that_guesses_has_no_say() -> None:
    levels = np.linspace(30, 70, 50)
    true = [int(np.abs(HEIGHTS - level).argmin()) for level in levels]
    rng = np.random.default_rng(4)
    said = [
        LevelEstimates(network(int(rng.integers(20)), sure=0.99), HEIGHTS, level + 0.3 * (-1) ** k)
        for k, level in zip(true, levels, strict=True)
    ]
    found = fit_weights(said, true, levels)
    assert found.alignment_sd_mm == pytest.approx(0.3, abs=0.01)
    assert found.alignment_failure >= 0.005
    assert found.network_share < 0.2
