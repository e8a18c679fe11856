"""Outliers: a bad participant is found, ordinary spread is not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.reporting.build.outliers import LEAST_DROP, is_low, lower_bound

values = st.lists(st.floats(0, 1), min_size=3, max_size=30)


def test_bound_is_three_robust_deviations_below_the_median() -> None:
    assert lower_bound([0.5, 0.6, 0.7, 0.8, 0.9]) == pytest.approx(0.7 - 3 * 1.4826 * 0.1)


def test_values_that_hardly_differ_are_no_outliers() -> None:
    bound = lower_bound([0.970, 0.971, 0.971, 0.971, 0.972])
    assert bound == pytest.approx(0.971 - LEAST_DROP)
    assert not is_low(0.93, bound)


@given(values, st.floats(-1, 1))
def test_bound_moves_with_the_values(given_values: list[float], shift: float) -> None:
    moved = lower_bound(value + shift for value in given_values)
    assert moved == pytest.approx(lower_bound(given_values) + shift, abs=1e-9)


@given(values)
def test_less_than_half_of_the_values_are_low(given_values: list[float]) -> None:
    bound = lower_bound(given_values)
    assert sum(is_low(value, bound) for value in given_values) < len(given_values) / 2


def test_a_bad_value_does_not_hide_another() -> None:
    usual = list(np.linspace(0.88, 0.94, 12))
    bound = lower_bound([*usual, 0.1, 0.6])
    assert [is_low(value, bound) for value in (0.1, 0.6)] == [True, True]
    assert not any(is_low(value, bound) for value in usual)


def test_what_could_not_be_computed_is_low() -> None:
    assert is_low(math.nan, lower_bound([0.9, math.nan, 0.91]))
    assert lower_bound([0.9, math.nan, 0.9]) == lower_bound([0.9, 0.9])
    assert is_low(math.nan, lower_bound([math.nan]))
