"""Tilted stacks on a grid with right angles: values and labels stay where they lie."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from atlas_builder.io.upright import UprightGrid, upright_grid

Array = NDArray[np.float64]
SHAPE = (50, 60)


def stack(heights: list[float], tilt_degrees: float, turn_degrees: float = 0.0) -> Array:
    """Slices of 0.5 mm pixels, moved along z, each turned about the x axis and in its plane."""
    tilt, turn = np.radians([tilt_degrees, turn_degrees])
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    )
    about_z = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    affines = np.repeat(np.eye(4)[np.newaxis], len(heights), axis=0)
    affines[:, :3, :3] = about_x @ about_z * [-0.5, -0.5, 1.0]
    affines[:, :3, 3] = [12.0, 14.0, 0.0]
    affines[:, 2, 3] += heights
    return affines


def is_upright(grid: UprightGrid) -> None:
    axes = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(grid.affine[:3, :2], axis=0), 0.5)


@given(
    tilt=st.floats(-30, 30),
    turn=st.floats(-15, 15),
    gaps=st.lists(st.sampled_from([2.5, 4.22, 5.0, 7.38]), min_size=4, max_size=12),
    even=st.booleans(),
    down=st.booleans(),
    data=st.data(),
)
def test_labels_stay_within_half_a_pixel_of_where_they_were_drawn(
    tilt: float, turn: float, gaps: list[float], even: bool, down: bool, data: st.DataObject
) -> None:
    gaps = gaps[:1] * len(gaps) if even else gaps
    heights = np.cumsum([0.0, *gaps]) * (-1 if down else 1)
    affines = stack(heights.tolist(), tilt, turn)
    first = data.draw(st.integers(0, len(affines) - 2))
    second = data.draw(st.integers(first + 1, len(affines) - 1))
    labels = np.zeros((*SHAPE, len(affines)), np.uint8)
    pixels = {first: (3, 58), second: (47, 5)}
    for value, (index, place) in enumerate(pixels.items(), start=1):
        labels[(*place, index)] = value
    grid = upright_grid(affines, SHAPE, (second, first))
    is_upright(grid)
    if even:
        step = np.linalg.norm(grid.affine[:3, 2])
        assert step == pytest.approx(gaps[0] * np.cos(np.radians(tilt)))
        assert grid.shape[2] == len(affines)
    found = grid.labels(labels)
    for value, (index, place) in enumerate(pixels.items(), start=1):
        (voxel,) = np.argwhere(found == value)
        position = grid.affine @ (*voxel, 1)
        expected = affines[index] @ (*place, 0, 1)
        off = np.linalg.inv(grid.affine) @ position - np.linalg.inv(grid.affine) @ expected
        assert np.abs(off[:2]).max() <= 0.5 + 1e-6
        assert abs(off[2]) < 1e-6
    assert (found > 0).sum() == 2


@pytest.mark.parametrize("gaps", [[5.0] * 9, [4.22] * 5 + [1.14] + [7.38] * 4])
@pytest.mark.parametrize("tilt", [-25.0, 18.5])
def test_the_image_has_the_values_of_the_scan_where_they_lie(
    made: ModuleType, tilt: float, gaps: list[float]
) -> None:
    affines = stack(np.cumsum([0.0, *gaps]).tolist(), tilt, 5.0)
    planes = [made.field_at(made.positions_of(affine, SHAPE)) for affine in affines]
    data = np.stack(planes, axis=2).astype(np.float32)
    grid = upright_grid(affines, SHAPE, (2, 6))
    image = grid.image(data)
    assert image.shape == grid.shape
    assert image.dtype == np.int16
    expected = made.field_at(made.positions_of(grid.affine, grid.shape))
    # Away from the outlines, where pixels are mixed with the air around the scan.
    inside = np.zeros(grid.shape, bool)
    for place in range(grid.shape[2]):
        near = grid.offsets[np.abs(grid.places - place) < 2]
        low, high = near.max(axis=0).astype(int) + 2, near.min(axis=0).astype(int) + SHAPE - 2
        inside[low[0] : high[0], low[1] : high[1], place] = True
    ends = (np.arange(grid.shape[2]) >= grid.places.min()) & (
        np.arange(grid.shape[2]) <= grid.places.max()
    )
    inside &= ends
    assert inside.mean() > 0.2
    # Positions on the grid, HU rounded to whole numbers; the field is all but linear.
    assert np.abs(image - expected)[inside].max() < 1.5
    assert image.min() == -1024


def test_padding_far_below_air_is_not_mixed_into_the_scan() -> None:
    affines = stack([0.0, 5.0, 10.0], 10.0)
    data = np.full((*SHAPE, 3), 30.0, np.float32)
    data[:5] = -3024
    image = upright_grid(affines, SHAPE, (0, 2)).image(data)
    assert image.min() == -1024
    assert image.max() == 30
