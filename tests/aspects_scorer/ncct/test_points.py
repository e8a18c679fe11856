"""Probabilities become points, with an interval, and a doubtful point says why it counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapped_blocks import mapped_blocks

from aspects_scorer.ncct.measures import measure_densities
from aspects_scorer.ncct.points import (
    Thresholds,
    choose_affected,
    flag_uncertain,
    score_by_probability,
    score_interval,
)
from atlas_builder.core.anatomy import Region

THRESHOLDS = Thresholds(certain=0.5, likely=0.25)


def test_doubtful_regions_count_only_beside_a_certain_one():
    probability = np.zeros((2, 10))
    probability[0, :3] = 0.3, 0.4, 0.49
    assert not choose_affected(probability, THRESHOLDS).any()
    probability[0, 5], probability[1, 2] = 0.5, 0.4
    assert np.argwhere(choose_affected(probability, THRESHOLDS)).tolist() == [
        [0, 0],
        [0, 1],
        [0, 2],
        [0, 5],
    ]


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=20, max_size=20))
def test_certain_regions_leave_no_interval(values):
    probability = np.array(values).reshape(2, 10)
    score = 10 - probability.sum(axis=1).max()
    assert score_interval(probability) == (score, score)


def test_the_interval_holds_nine_of_ten_drawn_scores():
    rng = np.random.default_rng(4)
    probability = rng.beta(0.3, 1.2, (2, 10))
    low, high = score_interval(probability)
    drawn = 10 - (rng.random((4000, 2, 10)) < probability).sum(axis=2).max(axis=1)
    held = np.mean((drawn >= low) & (drawn <= high))
    assert 0.9 <= held < 0.99
    assert np.mean(drawn < low) < 0.05
    assert np.mean(drawn > high) < 0.05


@given(
    st.lists(st.floats(0, 1), min_size=20, max_size=20),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_no_point_is_lost_without_reaching_the_lower_threshold(values, one, other):
    thresholds = Thresholds(max(one, other), min(one, other))
    probability = np.array(values).reshape(2, 10)
    affected = choose_affected(probability, thresholds)
    assert (probability[affected] >= thresholds.likely).all()
    assert affected[probability >= thresholds.certain].all()


def test_a_point_that_hangs_on_another_says_so():
    scan = mapped_blocks()
    probability = np.zeros((2, 10))
    probability[0, 0], probability[0, 1] = 0.7, 0.3
    scored = score_by_probability(
        "method",
        "barber",
        scan,
        measure_densities(scan),
        probability,
        THRESHOLDS,
        lambda row, column: f"{row} {column}",
    )
    reasons = {f.region: f.reason for f in scored.findings if f.affected}
    assert reasons[Region.C] == "0 0"
    assert (
        reasons[Region.L] == "0 1; counts from 25% on, as another region of this side is affected"
    )
    assert scored.expected["left"] == pytest.approx(9.0)


def test_a_wide_interval_is_flagged():
    assert not flag_uncertain((8.0, 10.0))
    (flag,) = flag_uncertain((3.0, 7.0))
    assert "between 3 and 7" in flag.reason
