"""Grids, interpolation and transforms against functions that are known everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atlas_builder.core.transform import (
    PlaneGrid,
    Transform,
    apply_affine,
    displace,
    halve,
    sample,
    sample_labels,
)

millimetres = st.floats(-200, 200)
sizes = st.integers(2, 12)
grids = st.builds(
    PlaneGrid, st.tuples(sizes, sizes), st.floats(0.2, 3), st.tuples(millimetres, millimetres)
)
even_grids = st.builds(
    lambda nx, ny, spacing, x, y: PlaneGrid((2 * nx, 2 * ny), spacing, (x, y)),
    sizes, sizes, st.floats(0.2, 3), millimetres, millimetres,
)  # fmt: skip

GRID = PlaneGrid((40, 50), 0.5, (-9.0, -13.0))


def plane(points):
    """Linear interpolation repeats this exactly."""
    x, y = points
    return 30 + 2.0 * x - 1.5 * y


def inner_points(n=500, seed=0):
    """Random points inside `GRID`."""
    shares = np.random.default_rng(seed).uniform(0.01, 0.99, (2, n))
    extent = (np.array(GRID.shape) - 1) * GRID.spacing
    return shares * extent[:, np.newaxis] + np.reshape(GRID.origin, (2, 1))


@given(grids)
def test_indices_undo_points(grid):
    np.testing.assert_allclose(grid.indices_of(grid.points()), np.indices(grid.shape), atol=1e-9)


@given(grids, st.data())
def test_cropping_keeps_physical_positions(grid, data):
    first = tuple(data.draw(st.integers(0, n - 1)) for n in grid.shape)
    shape = tuple(data.draw(st.integers(1, n - f)) for n, f in zip(grid.shape, first, strict=True))
    part = tuple(slice(f, f + n) for f, n in zip(first, shape, strict=True))

    np.testing.assert_allclose(
        grid.cropped(first, shape).points(), grid.points()[(slice(None), *part)], atol=1e-9
    )


@given(even_grids)
def test_halving_keeps_physical_positions(grid):
    # A pixel of the halved grid lies in the middle of the four that it stands for.
    middles = np.stack([halve(axis) for axis in grid.points()])
    assert grid.halved().shape == middles.shape[1:]
    np.testing.assert_allclose(grid.halved().points(), middles, atol=1e-9)


def test_halving_takes_the_mean_of_four_pixels():
    image = np.array([[1.0, 2.0, 10.0, 10.0], [3.0, 6.0, 20.0, 0.0]])
    np.testing.assert_array_equal(halve(image), [[3.0, 10.0]])


def test_sampling_repeats_a_linear_function():
    points = inner_points()
    values = sample(plane(GRID.points()), GRID, points)
    np.testing.assert_allclose(values, plane(points), atol=1e-9)


def test_sampling_gives_0_outside_and_keeps_the_type():
    image = np.full(GRID.shape, 7, np.float32)
    outside = np.array([[-9.6, 0.0, 500.0], [0.0, -13.6, 0.0]])
    values = sample(image, GRID, outside)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, 0)


def test_nearest_sampling_takes_the_nearest_pixel():
    image = np.random.default_rng(0).normal(size=GRID.shape)
    points = GRID.points() + np.reshape([0.2, -0.2], (2, 1, 1))  # of pixels of 0.5 mm
    np.testing.assert_array_equal(sample(image, GRID, points, order=0)[:-1, 1:], image[:-1, 1:])


label_images = arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 1, 2, 5, 10]))
SMALL = PlaneGrid((6, 7), 0.5, (-1.25, -1.5))
scattered = arrays(np.float64, (2, 30), elements=st.floats(-3, 3))


@given(label_images, scattered)
def test_sampled_labels_are_those_of_a_neighbouring_pixel(labels, points):
    sampled = sample_labels(labels, SMALL, points)
    padded = np.pad(labels, 5)
    for value, index in zip(sampled, SMALL.indices_of(points).T, strict=True):
        # Rounding may put a point on a pixel's centre into the cell on its other side.
        i, j = np.floor(index - 1e-9).astype(int) + 5
        assert value in padded[max(i, 0) : i + 3, max(j, 0) : j + 3]


@given(label_images)
def test_sampled_labels_are_the_pixels_own_at_their_centres(labels):
    np.testing.assert_array_equal(sample_labels(labels, SMALL, SMALL.points()), labels)


def test_sampled_labels_have_the_greatest_weight_and_ties_go_to_the_smaller():
    labels = np.array([[3, 2], [0, 3]], np.uint8)
    grid = PlaneGrid((2, 2), 1.0, (0.0, 0.0))
    points = np.array([[0.3, 0.0, 0.5, 0.0, 0.7], [0.3, 0.5, 0.0, 0.6, 0.2]])
    # Two corners of 3 together outweigh either other; halfway the smaller value wins, 0 too.
    np.testing.assert_array_equal(sample_labels(labels, grid, points), [3, 2, 0, 2, 0])


def test_borders_of_sampled_labels_are_smoother_than_nearest():
    def disc(points):
        return (np.hypot(points[0] - 0.3, points[1] + 2.1) < 6.2).astype(np.uint8)

    fine = PlaneGrid((300, 360), 0.05, (-7.5, -11.0)).points()
    truth, labels = disc(fine), disc(GRID.points())
    smooth = sample_labels(labels, GRID, fine)
    nearest = sample(labels, GRID, fine, order=0)
    assert (smooth != truth).sum() < 0.85 * (nearest != truth).sum()
    # The border's distance from the circle in mm, squared: steps of whole pixels show.
    off_circle = [_border_distance(mask, fine) for mask in (smooth, nearest)]
    assert off_circle[0] < 0.75 * off_circle[1]


def _border_distance(mask, points):
    border = mask[:-1] != mask[1:]
    radius = np.hypot(points[0] - 0.3, points[1] + 2.1)[:-1][border]
    return float(np.mean((radius - 6.2) ** 2))


@given(
    st.tuples(sizes, sizes),
    st.sampled_from([0.5, 1.0]),
    st.tuples(*[st.integers(-500, 500).map(lambda n: n / 4)] * 2),
)
def test_sampling_at_the_pixels_of_a_key_slice_gives_it_back(shape, spacing, origin):
    """The border pixels too: rounding does not put them outside."""
    grid = PlaneGrid(shape, spacing, origin)
    image = np.arange(1.0, 1 + np.prod(grid.shape)).reshape(grid.shape)
    np.testing.assert_array_equal(sample(image, grid, grid.points()), image)


def test_displacing_repeats_a_linear_field_and_holds_its_border():
    matrix = np.array([[0.02, -0.05], [0.03, 0.01]])
    field = np.tensordot(matrix, GRID.points(), 1)
    points = inner_points()
    np.testing.assert_allclose(displace(points, field, GRID), points + matrix @ points, atol=1e-9)

    first = GRID.points()[:, 0, 0]
    beyond = (first - [40.0, 50.0])[:, np.newaxis]
    np.testing.assert_allclose(
        displace(beyond, field, GRID)[:, 0], beyond[:, 0] + matrix @ first, atol=1e-9
    )


@given(
    arrays(np.float64, (2, 3), elements=st.floats(-5, 5)),
    arrays(np.float64, (2, 4), elements=millimetres),
)
def test_affines_are_homogeneous_matrices(rows, points):
    affine = np.vstack([rows, [0, 0, 1]])
    expected = (affine @ np.vstack([points, np.ones(4)]))[:2]
    np.testing.assert_allclose(apply_affine(affine, points), expected, atol=1e-9)
    np.testing.assert_allclose(
        apply_affine(affine, points.reshape(2, 2, 2)), expected.reshape(2, 2, 2), atol=1e-9
    )


def shear_and_bend():
    """A transform whose field is linear, so that its inverse field is known."""
    matrix = np.array([[0.04, -0.06], [0.02, 0.05]])
    inverse = np.linalg.inv(np.eye(2) + matrix) - np.eye(2)
    angle = np.radians(10)
    affine = np.array(
        [
            [1.1 * np.cos(angle), -np.sin(angle), 3.0],
            [np.sin(angle), 0.9 * np.cos(angle), -2.0],
            [0.0, 0.0, 1.0],
        ]
    )
    grid = PlaneGrid((90, 90), 1.0, (-44.5, -44.5))
    fields = (np.tensordot(m, grid.points(), 1).astype(np.float32) for m in (matrix, inverse))
    return Transform(affine, *fields, grid), matrix


def test_a_transform_displaces_first_and_then_applies_its_affine():
    transform, matrix = shear_and_bend()
    points = inner_points()
    moved = points + matrix @ points
    expected = transform.affine[:2, :2] @ moved + transform.affine[:2, 2:]
    np.testing.assert_allclose(transform.to_participant(points), expected, atol=1e-5)


def test_a_transform_leads_back():
    transform, _ = shear_and_bend()
    points = inner_points()
    there = transform.to_participant(points)
    assert np.abs(there - points).max() > 2
    np.testing.assert_allclose(transform.to_template(there), points, atol=1e-5)
    back = transform.to_template(points)
    np.testing.assert_allclose(transform.to_participant(back), points, atol=1e-5)


@pytest.mark.parametrize("shape", [(3,), (3, 4)])
def test_points_keep_their_shape(shape):
    transform, _ = shear_and_bend()
    points = np.zeros((2, *shape))
    assert transform.to_participant(points).shape == points.shape
    assert transform.to_template(points).shape == points.shape
