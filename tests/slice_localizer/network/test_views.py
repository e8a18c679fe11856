"""What the network sees of a scan: the truth about places, whatever the file looks like."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from slice_localizer.network.views import FIELD_OF_VIEW_MM, _averaging, view_scan

HEIGHTS = np.arange(-20.0, 60.0, 5.0)


@given(
    start=st.floats(-40, 40),
    step=st.floats(0.3, 6.0),
    count=st.integers(8, 60),
    value=st.floats(-900, 900),
)
def test_a_constant_stays_what_it_is(start, step, count, value):
    at = start + step * np.arange(24)
    seen = _averaging(at, count) @ np.full(count, value, np.float32)
    inside = (at > -0.5) & (at < count - 0.5)
    assert np.allclose(seen[inside], value, rtol=1e-4, atol=1e-3)
    assert (seen[~inside] == 0).all()


@given(offset=st.floats(0, 1), step=st.sampled_from([1.7, 2.0, 3.1, 4.0]))
def test_averaging_keeps_the_mean_of_fine_detail(offset, step):
    """Pixels are averaged, not picked: stripes and noise finer than the places keep their mean."""
    fine = np.zeros(240, np.float32)
    fine[60:180] = np.tile([0.0, 100.0], 60)
    at = offset + step * np.arange(int(235 / step))
    total = float((_averaging(at, 240) @ fine).sum() * step)
    assert total == pytest.approx(fine.sum(), rel=0.02)


def test_a_view_is_a_square_around_the_head(scan_of):
    scan = scan_of(HEIGHTS, columns=72, rows=80)
    moved = Scan(np.roll(scan.data, (8, -4), (0, 1)), scan.affines)
    view, other = view_scan(scan, 56), view_scan(moved, 56)
    assert view.hu.shape == (16, 56, 56)
    assert np.allclose(view.heights_mm, HEIGHTS)
    # Beyond the picture there is -1024, not the -1000 of its air.
    np.testing.assert_allclose(view.hu.clip(-1000), other.hu.clip(-1000), atol=0.5, rtol=0)
    head = view.hu > -300
    middle = np.argwhere(head)[:, 1:].mean(axis=0)
    assert middle.tolist() == pytest.approx([27.5, 27.5], abs=0.6)
    area = float(head.sum(axis=(1, 2)).max()) * (FIELD_OF_VIEW_MM / 56) ** 2
    true = float((scan.data > -300).sum(axis=(0, 1)).max()) * 16
    assert area == pytest.approx(true, rel=0.05)


def test_rows_are_the_back_columns_the_left(scan_of):
    scan = scan_of(HEIGHTS)
    scan.data[30:36, 8:14] = 3000.0  # to the left of the middle (23.5), to the front (27.5)
    bright = np.argwhere(view_scan(scan, 56).hu[8] > 1500)
    row, column = bright.mean(axis=0).tolist()
    pixel = FIELD_OF_VIEW_MM / 56
    assert (column - 27.5) * pixel == pytest.approx((32.5 - 23.5) * 4, abs=4)
    assert (row - 27.5) * pixel == pytest.approx((10.5 - 27.5) * 4, abs=6)


@given(order=st.permutations(range(len(HEIGHTS))))
def test_the_order_in_the_file_does_not_matter(scan_of, order):
    scan = scan_of(HEIGHTS, pixel_mm=8.0, columns=24, rows=28)
    turned = Scan(scan.data[:, :, order], scan.affines[list(order)])
    view, other = view_scan(scan, 16), view_scan(turned, 16)
    assert np.array_equal(view.heights_mm, other.heights_mm)
    # The head's middle is found from the vertex down, along the first slice's axes.
    np.testing.assert_allclose(view.hu, other.hu, atol=1e-3, rtol=0)


def test_a_sheared_stack_is_straight_again():
    """Under a tilted gantry slices shift against the table; a rod along their normal does not."""
    tilt = np.radians(18.0)
    affine = np.diag([-2.0, 1.0, 1.0, 1.0])
    affine[:3, 1] = 2.0 * np.array([0.0, -np.cos(tilt), -np.sin(tilt)])
    affine[:3, 2] = normal = np.array([0.0, -np.sin(tilt), np.cos(tilt)])
    affines = np.tile(affine, (12, 1, 1))
    affines[:, :3, 3] = [[95.0, 110.0, 30.0 + 6.0 * k] for k in range(12)]
    column, row = np.meshgrid(np.arange(96), np.arange(110), indexing="ij")
    data = np.empty((96, 110, 12), np.float32)
    for k, of_slice in enumerate(affines):
        points = column[..., None] * of_slice[:3, 0] + row[..., None] * of_slice[:3, 1]
        points = points + of_slice[:3, 3] - affines[6, :3, 3] - affine[:3, :2] @ [47.5, 55.0]
        across = points - (points @ normal)[..., None] * normal
        data[:, :, k] = np.where(np.linalg.norm(across, axis=-1) < 60.0, 40.0, -1000.0)
    raw = [np.argwhere(data[:, :, k] > 0)[:, 1].mean() for k in range(12)]
    assert np.ptp(raw) * 2.0 > 15.0  # mm: the rod wanders through the array
    view = view_scan(Scan(data, affines), 96)
    seen = [np.argwhere(image > -300).mean(axis=0) for image in view.hu]
    wander = np.ptp(seen, axis=0)
    assert float(wander.max()) * FIELD_OF_VIEW_MM / 96 < 0.5
    assert np.allclose(np.diff(view.heights_mm), 6.0 * np.cos(tilt))


@pytest.mark.parametrize(
    ("step", "together"), [(0.625, 6), (1.0, 4), (2.0, 2), (2.5, 2), (3.0, 1), (5.0, 1)]
)
def test_thin_slices_are_averaged(scan_of, step, together):
    heights = -10.0 + step * np.arange(31)
    scan = scan_of(heights, pixel_mm=8.0, columns=24, rows=28)
    view = view_scan(scan, 24)
    count = 31 // together
    expected = heights[: count * together].reshape(count, together).mean(axis=1)
    assert np.allclose(view.heights_mm, expected)
    assert len(view.hu) == count
    # Brain becomes denser by 1 HU a mm: a group's density is that of its mean height.
    centre = view.hu[expected < 60, 11:13, 11:13].mean(axis=(1, 2))
    assert np.allclose(np.diff(centre), step * together, atol=0.05)


def test_only_slices_between_two_heights_are_shown(scan_of):
    scan = scan_of(HEIGHTS)
    whole = view_scan(scan, 24)
    low, high = whole.heights_mm[2], whole.heights_mm[5]
    part = view_scan(scan, 24, (low, high))
    assert part.heights_mm.tolist() == whole.heights_mm[2:6].tolist()
    # The head's middle is that of the whole scan.
    assert (part.hu == whole.hu[2:6]).all()
    assert len(view_scan(scan, 24, (high + 1000, high + 2000)).hu) == 0


def test_a_scan_without_a_head_is_refused(scan_of):
    scan = scan_of(HEIGHTS)
    empty = Scan(np.full_like(scan.data, -1000.0), scan.affines)
    with pytest.raises(InputError, match="nothing as dense as a head"):
        view_scan(empty)


def test_padding_is_air(scan_of):
    scan = scan_of(HEIGHTS)
    padded = Scan(np.where(scan.data < -900, np.float32(-3024), scan.data), scan.affines)
    assert view_scan(padded, 32).hu.min() >= -1024.01
