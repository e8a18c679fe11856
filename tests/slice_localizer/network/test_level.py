from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slice_localizer.network.level import level_from_heights

POSITIONS = np.arange(-60.0, 90.0, 5.0)


def test_slices_that_agree_give_their_level():
    level = level_from_heights(POSITIONS, POSITIONS - 12.5)
    assert level.position_mm == pytest.approx(12.5)
    assert level.spread_mm == pytest.approx(0.0, abs=1e-9)


def test_one_slice_that_errs_moves_nothing():
    heights = POSITIONS - 12.5
    heights[14] += 25.0
    assert level_from_heights(POSITIONS, heights).position_mm == pytest.approx(12.5)


def test_far_slices_have_no_say():
    """Beyond 3 cm heights were only learnt to be far."""
    heights = np.clip(POSITIONS - 12.5, -40.0, 40.0)
    assert level_from_heights(POSITIONS, heights).position_mm == pytest.approx(12.5)


def test_where_no_slice_says_it_is_near_the_nearest_three_decide():
    level = level_from_heights(
        np.array([100.0, 105.0, 110.0, 115.0]), np.array([50.0, 55.0, 60.0, 200.0])
    )
    assert level.position_mm == pytest.approx(50.0)


def test_the_spread_is_a_standard_deviation():
    rng = np.random.default_rng(1)
    positions = np.linspace(-25.0, 25.0, 2001)
    level = level_from_heights(positions, positions + rng.normal(0.0, 2.0, 2001))
    assert level.spread_mm == pytest.approx(2.0, rel=0.1)
    assert level.position_mm == pytest.approx(0.0, abs=0.2)


@given(
    shift=st.floats(-200, 200),
    errors=st.lists(st.floats(-8, 8), min_size=30, max_size=30),
    seed=st.integers(0, 99),
)
def test_it_moves_with_the_scan_and_forgets_the_order(shift, errors, seed):
    heights = POSITIONS + np.array(errors)
    level = level_from_heights(POSITIONS, heights)
    order = np.random.default_rng(seed).permutation(len(POSITIONS))
    moved = level_from_heights((POSITIONS + shift)[order], heights[order])
    assert moved.position_mm == pytest.approx(level.position_mm + shift, abs=1e-6)
    assert moved.spread_mm == pytest.approx(level.spread_mm, abs=1e-6)
