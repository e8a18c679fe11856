"""Where slices lie, how the head lies, which slices are the key slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from head_phantom.scanner.acquisition import Acquisition, draw_acquisition
from head_phantom.scanner.planes import lay_head, lay_slices

COARSE = Acquisition(pixel_mm=1.8, matrix=128)


def lay(head, acquisition):
    pose = lay_head(head, acquisition)
    return pose, lay_slices(head, acquisition, pose)


def test_a_tilted_gantry_stacks_slices_along_the_table_not_along_their_normal(simple_head):
    acquisition = replace(COARSE, tilt_deg=18.5, thickness_mm=4.0, spacing_mm=4.0)
    _, stack = lay(simple_head, acquisition)
    tilt = np.radians(18.5)
    normal = stack.affines[0, :3, 2]
    np.testing.assert_allclose(normal, [0, -np.sin(tilt), np.cos(tilt)], atol=1e-12)
    np.testing.assert_allclose(stack.affines[0, :3, 0], [-1.8, 0, 0], atol=1e-12)
    # Rows fall towards the back.
    np.testing.assert_allclose(
        stack.affines[0, :3, 1], [0, -1.8 * np.cos(tilt), -1.8 * np.sin(tilt)], atol=1e-12
    )
    steps = np.diff(stack.affines[:, :3, 3], axis=0)
    np.testing.assert_allclose(steps, [[0, 0, 4 / np.cos(tilt)]] * len(steps), atol=1e-9)
    np.testing.assert_allclose(steps @ normal, 4.0)


def test_a_straightened_scan_has_level_slices(simple_head):
    _, stack = lay(simple_head, replace(COARSE, tilt_deg=18.5, straightened=True))
    np.testing.assert_allclose(stack.affines[0, :3, 2], [0, 0, 1])


@given(
    start=st.floats(-65, -45),
    tilt=st.floats(-20, 20),
    pitch=st.floats(-10, 10),
    roll=st.floats(-10, 10),
    spacing=st.floats(2, 7),
    descending=st.booleans(),
)
@settings(deadline=None, max_examples=25)
def test_key_slices_are_the_nearest_to_the_bgl_point_and_2_cm_above(
    simple_head, start, tilt, pitch, roll, spacing, descending
):
    acquisition = replace(
        COARSE,
        start_mm=start,
        tilt_deg=tilt,
        pitch_deg=pitch,
        roll_deg=roll,
        spacing_mm=spacing,
        descending=descending,
    )
    pose, stack = lay(simple_head, acquisition)
    point = pose[:3, :3] @ simple_head.bgl_point + pose[:3, 3]
    # The distance from the point to each slice's plane, from the affines alone.
    distances = np.array([(affine[:3, 3] - point) @ affine[:3, 2] for affine in stack.affines])
    np.testing.assert_allclose(distances, stack.heights, atol=1e-9)
    bgl, sgl = stack.key_slices
    assert abs(distances[bgl]) <= spacing / 2 + 1e-9
    assert abs(distances[sgl] - 20) <= spacing / 2 + 1e-9
    assert (sgl < bgl) == descending


def test_coverage_reaches_beyond_the_vertex_and_starts_where_told(simple_head):
    _, stack = lay(simple_head, replace(COARSE, beyond_vertex_mm=6.0, start_mm=-50.0))
    assert stack.heights[0] == -50.0
    vertex = 10 + 1.17 * 70 - 4  # above the BGL point, which lies at 4
    assert vertex + 6 - 5 - 2 < stack.heights[-1] <= vertex + 6 + 2


@pytest.mark.parametrize("base_top", [-20.0, 3.0])
def test_slices_of_two_thicknesses_lie_edge_to_edge(simple_head, base_top):
    acquisition = replace(
        COARSE, base_thickness_mm=4.0, base_top_mm=base_top, thickness_mm=7.0, spacing_mm=7.0
    )
    assert not acquisition.evenly_spaced
    _, stack = lay(simple_head, acquisition)
    assert set(stack.thickness) == {4.0, 7.0}
    gaps = np.diff(stack.heights) - (stack.thickness[1:] + stack.thickness[:-1]) / 2
    np.testing.assert_allclose(gaps, 0, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "point", "moves_to"),
    [
        ({"yaw_deg": 10.0}, (0, 80, 0), "left"),
        ({"pitch_deg": 10.0}, (0, 80, 0), "down"),
        ({"roll_deg": 10.0}, (60, 0, 0), "down"),
    ],
)
def test_the_head_turns_as_named(simple_head, change, point, moves_to):
    straight = lay_head(simple_head, COARSE)
    turned = lay_head(simple_head, replace(COARSE, **change))
    where = np.array([*(simple_head.bgl_point + point), 1.0])
    moved = (turned @ where - straight @ where)[:3]
    axis, sign = {"left": (0, -1), "down": (2, -1)}[moves_to]
    assert np.argmax(np.abs(moved)) == axis
    assert np.sign(moved[axis]) == sign


def test_the_head_s_middle_comes_to_the_shift(simple_head):
    pose = lay_head(simple_head, replace(COARSE, shift_mm=(12.0, -7.0), yaw_deg=9.0))
    # The head of the fixture is symmetric about x = 0 and y = -8.
    middle = pose @ np.array([0, -8, simple_head.bgl_point[2], 1.0])
    np.testing.assert_allclose(middle[:2], [12.0, -7.0], atol=1.1)


def test_drawn_acquisitions_keep_to_what_scanners_do():
    rng = np.random.default_rng(3)
    drawn = [draw_acquisition(rng) for _ in range(400)]
    for name, least, most in (
        ("pixel_mm", 0.39, 0.57),
        ("thickness_mm", 2, 7),
        ("tilt_deg", -20, 20),
        ("yaw_deg", -15, 15),
        ("pitch_deg", -10, 10),
        ("roll_deg", -10, 10),
        ("noise_hu", 2.5, 5),
    ):
        values = [getattr(acquisition, name) for acquisition in drawn]
        assert least <= min(values) < max(values) <= most, name
    assert all(acquisition.evenly_spaced for acquisition in drawn)
    assert {acquisition.kernel for acquisition in drawn} == set(type(drawn[0].kernel))
    assert 0.3 < np.mean([acquisition.tilt_deg != 0 for acquisition in drawn]) < 0.7
    assert any(acquisition.straightened for acquisition in drawn)
    assert all(acquisition.tilt_deg or not acquisition.straightened for acquisition in drawn)
    uneven = [draw_acquisition(rng, uneven_share=1.0, thickness_mm=7.0) for _ in range(20)]
    assert all(a.base_thickness_mm == 4.0 and not a.evenly_spaced for a in uneven)


def test_slices_of_two_thicknesses_cannot_be_straightened():
    with pytest.raises(ValueError, match="evenly"):
        Acquisition(base_top_mm=0.0, straightened=True)
