"""Scans become coarser grids, and come back to where they were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspects_scorer.ncct.vb_net.volume import AIR_HU, Plane, Stack
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan


def scan_of(data, mm=0.5, slice_mm=5.0, reverse=False):
    affines = np.repeat(np.diag([-mm, -mm, 1.0, 1.0])[np.newaxis], data.shape[2], axis=0)
    affines[:, 2, 3] = slice_mm * np.arange(data.shape[2])[:: -1 if reverse else 1]
    data = data.astype(np.float32)
    data[0, 0] = AIR_HU  # as the corner of a scan is
    return Scan(data, affines)


def test_thick_slices_stay_as_they_are_lowest_first():
    data = np.broadcast_to(np.arange(6.0), (8, 8, 6)).copy()
    for reverse in (False, True):
        scan = scan_of(data, reverse=reverse)
        stack = Stack.of(scan)
        seen = Plane.over(scan, 0.5).read(scan, stack)
        assert stack.thickness_mm == pytest.approx(5.0)
        assert np.allclose(seen[4, 4], np.arange(6.0)[:: -1 if reverse else 1], atol=1e-3)
        assert np.array_equal(stack.apart, stack.together.T)


def test_thin_slices_are_averaged_to_five_millimetres():
    scan = scan_of(np.broadcast_to(np.arange(40.0), (4, 4, 40)).copy(), slice_mm=1.0)
    stack = Stack.of(scan)
    seen = Plane.over(scan, 0.5).read(scan, stack)
    assert seen.shape[2] == 8
    assert np.allclose(seen[2, 2], 2.0 + 5 * np.arange(8), atol=0.01)
    # What is read back at each slice's height is what lay there.
    back = stack.apart @ seen[2, 2]
    assert np.allclose(back[4:-4], np.arange(4.0, 36.0), atol=0.01)


@settings(max_examples=25, deadline=None)
@given(
    pixel=st.floats(0.5, 4.0),
    mm=st.floats(0.3, 1.2),
    size=st.integers(40, 90),
)
def test_a_constant_stays_constant_inside(pixel, mm, size):
    scan = scan_of(np.full((size, size, 3), 30.0), mm)
    plane = Plane.over(scan, pixel)
    seen = plane.read(scan, Stack.of(scan))
    middle = seen.shape[0] // 2
    assert seen[middle, middle] == pytest.approx(30.0, abs=0.01)
    columns, rows = plane.back((size, size))
    assert (columns @ seen[:, :, 0] @ rows.T)[size // 2, size // 2] == pytest.approx(30.0, abs=0.01)


def test_a_slope_is_kept_and_comes_back():
    slope = np.broadcast_to(np.arange(60.0)[:, None, None], (60, 60, 2)).copy()
    scan = scan_of(slope, mm=1.0)
    plane = Plane.of(scan, 3.0, (6.0, 6.0), (16, 16))
    seen = plane.read(scan, Stack.of(scan))
    assert np.allclose(seen[:, 8, 0], 6.0 + 3 * np.arange(16), atol=0.01)
    columns, rows = plane.back((60, 60))
    back = columns @ seen[:, :, 0] @ rows.T
    assert np.allclose(back[8:50, 30], np.arange(8.0, 50.0), atol=0.01)
    assert not back[:4].any()  # beyond the window


def test_beyond_the_scan_there_is_air():
    scan = scan_of(np.full((20, 20, 2), 30.0), mm=1.0)
    seen = Plane.of(scan, 2.0, (-20.0, 0.0), (10, 10)).read(scan, Stack.of(scan))
    assert np.allclose(seen[:9], AIR_HU, atol=1e-2)


def test_one_slice_is_refused():
    with pytest.raises(InputError, match="slice"):
        Stack.of(scan_of(np.zeros((4, 4, 1))))


def test_what_was_cut_off_below_water_is_air_again():
    data = np.zeros((10, 10, 2), np.float32)
    data[3:7, 3:7] = 30.0
    affines = scan_of(data.copy()).affines
    scan = Scan(data, affines)
    seen = Plane.over(scan, 0.5).read(scan, Stack.of(scan))
    assert seen[0, 0, 0] == pytest.approx(AIR_HU)
    assert seen[5, 5, 0] == pytest.approx(30.0)
