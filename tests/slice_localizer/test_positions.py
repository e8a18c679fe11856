"""Heights follow from positions alone, and the SGL lies 20 mm above the BGL along the normal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.core.errors import InputError
from slice_localizer.positions import heights_of, nearest, reaches, sgl_of


def affines_at(heights: np.ndarray, tilt_deg: float = 0.0) -> np.ndarray:
    """Slices of a table that moves along z, their gantry tilted."""
    tilt = np.radians(tilt_deg)
    affines = np.repeat(np.eye(4)[np.newaxis], len(heights), axis=0)
    affines[:, :3, 0] = (-1, 0, 0)
    affines[:, :3, 1] = (0, -np.cos(tilt), -np.sin(tilt))
    affines[:, :3, 2] = (0, -np.sin(tilt), np.cos(tilt))
    affines[:, 2, 3] = heights / np.cos(tilt)
    return affines


@given(
    st.lists(st.floats(1.0, 10.0), min_size=8, max_size=40),
    st.floats(-25.0, 25.0),
    st.data(),
)
def test_the_sgl_is_the_nearest_to_20_mm_above_whatever_tilt_spacing_and_order(
    gaps: list[float], tilt: float, data: st.DataObject
) -> None:
    heights = np.concatenate([[0.0], np.cumsum(gaps)]) - 50.0
    bgl = data.draw(st.integers(0, len(heights) - 1))
    measured = heights_of(affines_at(heights, tilt))
    np.testing.assert_allclose(np.diff(measured), gaps, atol=1e-9)
    if heights[-1] - heights[bgl] < 15.0:
        with pytest.raises(InputError, match="ends"):
            sgl_of(measured, bgl)
        return
    sgl = sgl_of(measured, bgl)
    error = abs(heights[sgl] - heights[bgl] - 20.0)
    assert error <= np.abs(heights - heights[bgl] - 20.0).min() + 1e-6
    last = len(heights) - 1
    backwards = heights_of(affines_at(heights[::-1], tilt))
    reverse = sgl_of(backwards, last - bgl)
    assert abs(heights[last - reverse] - heights[bgl] - 20.0) == pytest.approx(error, abs=1e-6)


def test_the_level_between_two_slices_decides_which_sgl_is_nearer() -> None:
    heights = np.arange(0.0, 60.0, 6.0)  # from slice 2, 12 mm: 30 and 36 are 2 and 4 mm off 32
    assert sgl_of(heights, 2) == 5
    assert sgl_of(heights, 2, bgl_height=14.5) == 6
    assert sgl_of(heights, 2, bgl_height=10.0) == 5
    # A level that is nearer to another slice is taken at the edge of the BGL slice's reach.
    assert sgl_of(heights, 2, bgl_height=40.0) == 6


def test_reaches_meet_in_the_middle_between_slices() -> None:
    lower, upper = reaches(np.array([10.0, 0.0, 4.0]))
    np.testing.assert_allclose(lower, [7.0, -np.inf, 2.0])
    np.testing.assert_allclose(upper, [np.inf, 2.0, 7.0])


def test_of_two_slices_as_near_the_first_is_taken() -> None:
    assert nearest(np.array([0.0, 5.0, 10.0]), 2.5) == 0


def test_what_is_no_stack_is_refused() -> None:
    with pytest.raises(InputError, match="one slice"):
        heights_of(affines_at(np.zeros(1)))
    with pytest.raises(InputError, match="at one place"):
        heights_of(affines_at(np.zeros(3)))
    fan = np.concatenate([affines_at(np.zeros(1), 0.0), affines_at(np.full(1, 9.0), 20.0)])
    with pytest.raises(InputError, match="not parallel"):
        heights_of(fan)
