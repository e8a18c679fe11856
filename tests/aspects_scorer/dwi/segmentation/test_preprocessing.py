"""What the network sees depends on no scale or unit, and its grid leads back to the scan."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspects_scorer.dwi.segmentation.preprocessing import (
    LEAST_SLICE_MM,
    PIXEL_MM,
    network_grid,
    relative_signals,
)


def ball(shape, spacing, radius):
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    return x**2 + y**2 + z**2 < radius**2


@settings(max_examples=12)
@given(pixel=st.floats(0.8, 2.6), slice_mm=st.floats(1.0, 7.0))
def test_the_grid_holds_the_brain_and_leads_back_to_it(pixel, slice_mm):
    spacing = np.array([pixel, pixel, slice_mm])
    shape = tuple(int(n) for n in 96 / spacing)
    brain = ball(shape, spacing, 40)
    grid = network_grid(brain, spacing)
    steps = np.diag(grid.matrix) * spacing
    assert steps == pytest.approx([PIXEL_MM, PIXEL_MM, max(slice_mm, LEAST_SLICE_MM)])
    seen = grid.of(brain.astype(np.float32))
    border = np.ones(grid.shape, bool)
    border[1:-1, 1:-1, 1:-1] = False
    assert seen[border].max() < 0.05
    back = grid.back(seen, shape) > 0.5
    assert 2 * (back & brain).sum() / (back.sum() + brain.sum()) > 0.97


def test_slices_stay_where_they_are():
    volume = np.random.default_rng(0).random((60, 60, 12)).astype(np.float32)
    brain = np.zeros(volume.shape, bool)
    brain[10:50, 10:50, 3:9] = True
    grid = network_grid(brain, np.array([PIXEL_MM, PIXEL_MM, 5.0]))
    first = np.rint(grid.offset).astype(int)
    part = volume[tuple(slice(a, a + n) for a, n in zip(first, grid.shape, strict=True))]
    np.testing.assert_allclose(grid.of(volume), part, atol=1e-6)


@given(scale=st.floats(1e-3, 1e4), unit=st.sampled_from([1e-6, 1e-3, 1.0, 1e3]))
def test_scale_of_the_signal_and_unit_of_the_map_do_not_matter(scale, unit):
    rng = np.random.default_rng(2)
    b1000, adc = rng.uniform(0.2, 2, (2, 8, 8, 4)).astype(np.float32)
    brain = rng.random(b1000.shape) < 0.7
    expected = relative_signals(b1000, adc, brain)
    found = relative_signals(b1000 * np.float32(scale), adc * np.float32(unit), brain)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert np.median(expected[0][brain]) == pytest.approx(1)
    assert not expected[:, ~brain].any()


def test_an_absent_map_is_told_from_one_of_zeros():
    b1000 = np.full((4, 4, 4), 3.0, np.float32)
    brain = np.ones(b1000.shape, bool)
    without = relative_signals(b1000, None, brain)
    assert not without[1:].any()
    zeros = relative_signals(b1000, np.zeros_like(b1000), brain)
    assert (zeros[2] == 1).all()
    assert not zeros[1].any()
