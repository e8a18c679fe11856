"""How slices are stacked, and the one affine a volume can have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from atlas_builder.io.stacking import is_even, remarks_on_stack, stack_affine, tilt_of

Array = NDArray[np.float64]


def stack(heights: list[float], tilt_degrees: float = 0.0) -> Array:
    """Slices of 0.5 mm pixels along z, each turned about the x axis."""
    tilt = np.radians(tilt_degrees)
    affines = np.repeat(np.eye(4)[np.newaxis], len(heights), axis=0)
    affines[:, 0, 0] = -0.5
    affines[:, 1:3, 1] = -0.5 * np.cos(tilt), -0.5 * np.sin(tilt)
    affines[:, 1:3, 2] = -np.sin(tilt), np.cos(tilt)
    affines[:, 2, 3] = heights
    return affines


def codes(affines: Array) -> list[str]:
    return [remark.code for remark in remarks_on_stack(affines)]


def test_an_even_stack_has_an_affine_and_nothing_to_remark() -> None:
    affines = stack([4.0 * k for k in range(10)])
    affine, note = stack_affine(affines, (2, 7))
    assert note is None
    assert codes(affines) == []
    for index, expected in enumerate(affines):
        np.testing.assert_allclose(affine @ (3, 4, index, 1), expected @ (3, 4, 0, 1))


def test_slices_shifted_in_their_plane_are_not_said_to_change_their_distance() -> None:
    affines = stack([5.0 * k for k in range(10)])
    affines[5:, 0, 3] += 12.0
    (remark,) = [r for r in remarks_on_stack(affines) if r.code == "uneven-spacing"]
    assert remark.reason == "the slices are shifted against each other within their plane, unevenly"


def test_a_tilted_even_stack_has_a_sheared_affine() -> None:
    affines = stack([5.0 * k for k in range(10)], 18.5)
    assert tilt_of(affines) == pytest.approx(18.5)
    affine, note = stack_affine(affines, (0, 4))
    assert note is None
    assert codes(affines) == ["gantry-tilt"]
    assert "18.5 degrees" in remarks_on_stack(affines)[0].reason
    for index, expected in enumerate(affines):
        np.testing.assert_allclose(affine @ (30, 40, index, 1), expected @ (30, 40, 0, 1))


@given(
    gaps=st.lists(st.floats(0.5, 9), min_size=2, max_size=30),
    places=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    tilt=st.floats(-29, 29),
)
def test_an_uneven_stacks_affine_is_exact_at_the_slices_asked_for(
    gaps: list[float], places: tuple[int, int], tilt: float
) -> None:
    affines = stack(np.cumsum([0, *gaps]).tolist(), tilt)
    first, second = (place % len(affines) for place in places)
    affine, note = stack_affine(affines, (first, second))
    assert np.isfinite(affine).all()
    assert np.linalg.det(affine[:3, :3]) > 0
    if note is None or "spacing" not in note:
        exact: tuple[int, ...] = tuple(range(len(affines)))
        tolerance = 0.4  # of a line fitted to positions within 0.15 mm of one
    else:
        exact, tolerance = (first, second), 1e-6
    for index in exact:
        found, expected = affine @ (7, 9, index, 1), affines[index] @ (7, 9, 0, 1)
        np.testing.assert_allclose(found, expected, atol=tolerance)


def test_a_missing_slice_is_told_from_a_change_of_spacing() -> None:
    missing = [0, 5, 10, 20, 25, 30]
    assert codes(stack(missing)) == ["missing-slices", "uneven-spacing"]
    assert "between 2 and 3" in remarks_on_stack(stack(missing))[0].reason
    ge = np.cumsum([0] + [4.22] * 13 + [1.14] + [7.38] * 13).tolist()
    assert codes(stack(ge)) == ["uneven-spacing"]
    assert codes(stack(np.cumsum([0] + [3.0] * 8 + [6.0] * 8).tolist())) == ["uneven-spacing"]


@pytest.mark.parametrize("heights", [[], [0.0], [0.0, 5.0], [0.0, -5.0, -10.0]])
def test_few_slices_and_slices_from_the_top_are_no_reason_to_remark(heights: list[float]) -> None:
    assert codes(stack(heights)) == []


@given(
    spacing=st.floats(0.4, 6),
    count=st.integers(3, 300),
    start=st.floats(-200, 0),
    tilt=st.floats(-29, 29),
)
def test_positions_rounded_to_a_tenth_of_a_millimetre_are_even(
    spacing: float, count: int, start: float, tilt: float
) -> None:
    # The gantry's table moves along the bed, the slices' positions may move along two axes.
    exact = stack([0.0] * count)
    along = np.array([0.0, np.sin(np.radians(tilt)), np.cos(np.radians(tilt))])
    exact[:, :3, 3] = (start + spacing * np.arange(count))[:, np.newaxis] * along
    rounded = exact.copy()
    rounded[:, :3, 3] = np.round(exact[:, :3, 3], 1)
    assert "uneven-spacing" not in codes(rounded)
    affine, _ = stack_affine(rounded, (0, 1))
    fitted = affine[:3, 3] + np.arange(count)[:, np.newaxis] * affine[:3, 2]
    assert np.linalg.norm(fitted - exact[:, :3, 3], axis=1).max() < 0.13


def test_a_volume_of_rounded_positions_is_nearer_to_the_scan_than_its_outer_slices_put_it() -> None:
    exact = stack([0.625 * k for k in range(200)])
    rounded = stack([round(0.625 * k + 1e-9, 1) for k in range(200)])
    affine, note = stack_affine(rounded, (0, 1))
    assert note is None
    heights = affine[2, 3] + np.arange(200) * affine[2, 2]
    outer = np.linspace(rounded[0, 2, 3], rounded[-1, 2, 3], 200)
    off, outer_off = (np.abs(found - exact[:, 2, 3]).max() for found in (heights, outer))
    assert off < outer_off


def test_even_steps_are_told_within_the_tolerance() -> None:
    origins = np.array([[0, 0, 0], [0, 0, 5.0], [0, 0, 10.2]])
    assert is_even(origins, 0.11)
    assert not is_even(origins, 0.09)
