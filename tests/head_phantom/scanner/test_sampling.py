"""What a slice of finite thickness sees, and the labels on it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from head_phantom.scanner.sampling import average, linear_weights, pixels_over, plane_in
from head_phantom.scanner.sectioning import label_blocks, section

SHAPE = (60, 50)
VOLUME = np.diag([1.0, 1.0, 1.0, 1.0])


def slice_affine(pixel=0.7, height=20.0, tilt_deg=0.0, origin=(5.0, 6.0)):
    """A slice whose columns and rows run along x and y of the volume."""
    tilt = np.radians(tilt_deg)
    affine = np.eye(4)
    affine[:3, 0] = (pixel, 0, 0)
    affine[:3, 1] = (0, pixel * np.cos(tilt), pixel * np.sin(tilt))
    affine[:3, 2] = (0, -np.sin(tilt), np.cos(tilt))
    affine[:3, 3] = (*origin, height)
    return affine


def all_pixels(shape=SHAPE):
    return slice(0, shape[0]), slice(0, shape[1])


@given(
    slope=st.tuples(*[st.floats(-3, 3)] * 3),
    thickness=st.floats(2, 7),
    tilt=st.floats(-20, 20),
)
def test_a_linear_field_keeps_its_value_in_the_middle_of_the_slice(slope, thickness, tilt):
    indices = np.indices((60, 60, 60)).astype(np.float32)
    volume = np.tensordot(np.array(slope, np.float32), indices, axes=1)
    affine = slice_affine(height=25.0, tilt_deg=tilt)
    plane = plane_in(VOLUME, affine, thickness, (30, 30))
    seen = average(plane, volume, (slice(0, 30), slice(0, 30)))
    columns, rows = np.indices((30, 30))
    points = np.stack([columns, rows, 0 * rows, 0 * rows + 1], axis=-1) @ affine.T
    np.testing.assert_allclose(seen, points[..., :3] @ slope, atol=2e-3)


@pytest.mark.parametrize("thickness", [2.0, 5.0, 7.0])
def test_the_sensitivity_profile_is_as_wide_as_the_slice_is_thick(thickness):
    """A thin sheet moved through the slice is seen as strongly as the profile is high there."""
    heights = np.arange(-8.0, 8.01, 0.25)
    seen = []
    for height in heights:
        volume = np.zeros((8, 8, 60), np.float32)
        volume[:, :, 30] = 1.0
        plane = plane_in(VOLUME, slice_affine(1.0, 30.0 + height, origin=(0, 0)), thickness, (4, 4))
        seen.append(average(plane, volume, (slice(0, 4), slice(0, 4)))[1, 1])
    seen = np.array(seen)
    assert seen.sum() * 0.25 == pytest.approx(1.0, abs=0.03)
    width = np.count_nonzero(seen > seen.max() / 2) * 0.25
    assert width == pytest.approx(thickness, rel=0.2)
    assert seen[np.abs(heights) > thickness * 0.7 + 1.0].max() < 0.02


def test_beyond_its_ends_a_volume_goes_on():
    volume = np.zeros((40, 40, 40), np.float32)
    volume[10:20, 10:20, 0] = 50.0
    plane = plane_in(VOLUME, slice_affine(1.0, -15.0, origin=(0, 0)), 5.0, (40, 40))
    seen = average(plane, volume, all_pixels((40, 40)))
    assert seen[15, 15] == pytest.approx(50.0)
    assert seen[30, 30] == 0.0


def test_a_box_s_pixels_hold_everything_the_slice_sees_of_it():
    rng = np.random.default_rng(1)
    for _ in range(30):
        first = rng.integers(8, 25, 3)
        last = first + rng.integers(2, 12, 3)
        volume = np.zeros((50, 50, 50), np.float32)
        volume[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))] = 1.0
        affine = slice_affine(0.8, rng.uniform(5, 40), rng.uniform(-20, 20))
        plane = plane_in(VOLUME, affine, 5.0, SHAPE)
        seen = average(plane, volume, all_pixels()) > 1e-6
        box = pixels_over(plane, first.astype(float), last.astype(float))
        if box is not None:
            seen[box] = False
        assert not seen.any()


def test_linear_weights_interpolate():
    values = np.array([1.0, 4.0, 2.0])
    weights = linear_weights(np.array([-1.0, 0.0, 0.5, 1.75, 2.0, 9.0]), 3)
    np.testing.assert_allclose(weights @ values, [1, 1, 2.5, 2.5, 2, 2])


def test_each_pixel_gets_the_label_that_fills_most_of_it():
    labels = np.zeros((50, 50, 50), np.uint8)
    labels[5:40, 5:40, :20] = 3
    labels[5:40, 5:25, 20:] = 7
    blocks = label_blocks(labels)
    assert [block.label for block in blocks] == [3, 7]
    for height, here, there in ((12.0, 3, 3), (18.6, 3, 3), (20.4, 7, 0), (30.0, 7, 0)):
        plane = plane_in(VOLUME, slice_affine(1.0, height, origin=(0, 0)), 5.0, (50, 50))
        drawn = section(plane, blocks)
        assert (drawn[15, 15], drawn[15, 33]) == (here, there)
        assert drawn[2, 2] == 0


def test_a_ball_s_section_has_the_area_it_should():
    indices = np.indices((60, 60, 60)) - 30.0
    ball = (np.sqrt((indices**2).sum(axis=0)) < 18).astype(np.uint8)
    plane = plane_in(VOLUME, slice_affine(0.5, 30.0, 15.0, origin=(2, 2)), 2.0, (112, 120))
    area = np.count_nonzero(section(plane, label_blocks(ball))) * 0.25
    # The slice passes the ball's middle at a distance that follows from its plane.
    affine = slice_affine(0.5, 30.0, 15.0, origin=(2, 2))
    distance = (np.array([30.0, 30.0, 30.0]) - affine[:3, 3]) @ affine[:3, 2]
    assert area == pytest.approx(np.pi * (18**2 - distance**2), rel=0.03)
