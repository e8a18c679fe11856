"""Lengths that differ by rounding alone become one number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.core.rounding import rounded_to

STEP = 2.0**-11


@given(st.floats(-500, 500), st.sampled_from([2.0**-6, 2.0**-7, STEP]))
def test_rounding_moves_by_half_a_step_at_most_and_stays(value: float, step: float) -> None:
    rounded = rounded_to(value, step)
    assert abs(rounded - value) <= step / 2
    assert rounded % step == 0
    assert rounded_to(rounded, step) == rounded


@pytest.mark.parametrize("field_of_view", [180, 200, 220, 240, 250, 255, 260, 300])
def test_fields_of_view_over_512_pixels_are_kept_however_many_digits(field_of_view: int) -> None:
    exact = field_of_view / 512
    written = [exact, round(exact, 6), round(exact, 5), float(np.float32(exact)) * (1 + 1e-5)]
    assert set(rounded_to(written, STEP).tolist()) == {exact}
