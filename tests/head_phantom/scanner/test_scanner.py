"""A scan and what is said to be true of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from atlas_builder.core.anatomy import LEVELS
from head_phantom.scanner.kernels import Kernel
from head_phantom.scanner.scanner import Acquisition, acquire, cut_key_slices

BRAIN_HU, SKULL_HU = 30.0, 900.0
SCAN = Acquisition(pixel_mm=1.8, matrix=128, beam_hardening=0.0, noise_hu=3.0)
POSES = {
    "upright": {},
    "tilted": {"tilt_deg": 17.0},
    "turned": {"yaw_deg": 14.0, "roll_deg": -8.0, "pitch_deg": 6.0, "shift_mm": (9.0, -6.0)},
    "straightened": {"tilt_deg": -12.0, "straightened": True, "yaw_deg": -10.0},
    "thin": {"thickness_mm": 3.0, "spacing_mm": 3.5, "roll_deg": 5.0},
    "descending": {"descending": True, "tilt_deg": 10.0},
    "uneven": {"base_thickness_mm": 4.0, "base_top_mm": -10.0, "thickness_mm": 7.0},
}


def scan(head, seed=1, **changes):
    return acquire(head, replace(SCAN, **changes), np.random.default_rng(seed))


@pytest.fixture(scope="module", params=POSES)
def posed(simple_head, request):
    """A scan of each pose, shared by the tests of this module."""
    return scan(simple_head, **POSES[request.param])


def positions(acquired):
    """RAS mm of the scan's pixels, shape (columns, rows, slices, 4)."""
    columns, rows, slices = acquired.scan.data.shape
    points = np.stack(np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij"), axis=-1)
    flat = np.concatenate([points, 0 * points[..., :1], 0 * points[..., :1] + 1], axis=-1)
    return np.stack([flat @ acquired.scan.affines[k].T for k in range(slices)], axis=2)


def anatomy_at(head, acquired, volume):
    """Look a volume up at the scan's pixels, through the pose."""
    to_voxels = np.linalg.inv(acquired.pose @ head.affine)
    voxels = np.moveaxis(positions(acquired) @ to_voxels.T, -1, 0)[:3]
    return ndimage.map_coordinates(volume, voxels, order=0, mode="nearest")


def test_regions_lie_where_the_anatomy_has_them(simple_head, posed):
    """Through the affines and the pose alone, whatever the slices' way through the head."""
    acquired = posed
    expected = anatomy_at(simple_head, acquired, simple_head.regions)
    both = (expected > 0) | (acquired.regions > 0)
    wrong = both & (expected != acquired.regions)
    assert np.count_nonzero(both) > 10_000
    # Only at borders, where a thick slice holds several regions.
    assert np.count_nonzero(wrong) < 0.2 * np.count_nonzero(both)
    inner = np.stack(
        [
            ndimage.binary_erosion(wrong[:, :, k], iterations=2)
            for k in (acquired.bgl_index, acquired.sgl_index)
        ]
    )
    assert not inner.any()
    assert set(np.unique(acquired.regions)) == set(range(21))


def test_the_image_shows_the_head_where_the_affines_put_it(simple_head, posed):
    acquired = posed
    hu = anatomy_at(simple_head, acquired, simple_head.hu)
    deep = np.stack(
        [
            ndimage.binary_erosion(hu[:, :, k] == BRAIN_HU, iterations=8)
            for k in range(len(acquired.scan))
        ],
        axis=2,
    )
    deep[:, :, [0, -1]] = False
    inside = acquired.scan.data[deep]
    assert np.median(inside) == pytest.approx(BRAIN_HU, abs=0.6)
    assert np.percentile(np.abs(inside - BRAIN_HU), 99) < 15
    air = ndimage.minimum_filter(hu == -1000.0, (9, 9, 1))
    air[:, :, [0, -1]] = False
    assert np.median(acquired.scan.data[air]) < -990
    assert acquired.scan.data.dtype == np.int16
    assert acquired.brain[deep].all()


def test_key_slices_are_nearest_by_position(simple_head, posed):
    acquired = posed
    point = acquired.pose @ np.append(simple_head.bgl_point, 1.0)
    heights = np.array([(a[:3, 3] - point[:3]) @ a[:3, 2] for a in acquired.scan.affines])
    assert acquired.bgl_index == np.abs(heights).argmin()
    assert acquired.sgl_index == np.abs(heights - 20).argmin()


def test_the_lesion_is_the_right_m2(simple_head):
    acquired = scan(simple_head, **POSES["turned"])
    share = (acquired.regions[acquired.lesion] == 16).mean()
    assert share > 0.95
    assert acquired.lesion.sum() == pytest.approx((acquired.regions == 16).sum(), rel=0.1)


def test_one_seed_gives_one_scan_and_another_only_other_noise(simple_head):
    first, again, other = (scan(simple_head, seed, tilt_deg=5.0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.scan.data, again.scan.data)
    np.testing.assert_array_equal(first.regions, other.regions)
    difference = first.scan.data.astype(float) - other.scan.data
    assert abs(difference[first.brain].mean()) < 0.1
    assert 3 < difference[first.brain].std() < 6


@pytest.mark.parametrize("noise", [2.5, 5.0])
def test_noise_in_the_bgl_slice_is_as_strong_as_asked(simple_head, noise):
    acquired = scan(simple_head, noise_hu=noise, kernel=Kernel.SHARP, pixel_mm=0.9)
    k = acquired.bgl_index
    deep = ndimage.binary_erosion(acquired.regions[:, :, k] > 0, iterations=3)
    assert acquired.scan.data[:, :, k][deep].std() == pytest.approx(noise, rel=0.15)


def test_thinner_slices_at_the_base_are_noisier(simple_head):
    even, uneven = (
        scan(simple_head, thickness_mm=7.0, spacing_mm=7.0, start_mm=-50.0, **base)
        for base in ({}, {"base_thickness_mm": 3.5, "base_top_mm": -10.0})
    )
    deep = [ndimage.binary_erosion(a.brain[:, :, 3], iterations=8) for a in (even, uneven)]
    spread = [a.scan.data[:, :, 3][d].std() for a, d in zip((even, uneven), deep, strict=True)]
    assert spread[1] / spread[0] == pytest.approx(np.sqrt(2), rel=0.2)


def test_padding_fills_what_lies_outside_the_circle(simple_head):
    whole = scan(simple_head, shift_mm=(60.0, 0.0))
    padded = scan(simple_head, shift_mm=(60.0, 0.0), padding_hu=-2000)
    across = np.arange(128) - 63.5
    outside = np.hypot(across[:, np.newaxis], across) > 64
    assert (padded.scan.data[outside] == -2000).all()
    np.testing.assert_array_equal(padded.scan.data[~outside], whole.scan.data[~outside])
    assert whole.regions[outside].any()
    assert not padded.regions[outside].any()
    assert not padded.brain[outside].any()
    assert -1024 <= whole.scan.data.min() < -1005


def test_straightened_slices_show_what_level_slices_would(simple_head):
    quiet = {"noise_hu": 0.01, "tilt_deg": 12.0}
    resampled = scan(simple_head, **quiet, straightened=True)
    level = scan(simple_head, noise_hu=0.01)
    np.testing.assert_allclose(resampled.scan.affines, level.scan.affines)
    k = resampled.bgl_index
    difference = resampled.scan.data[:, :, k].astype(float) - level.scan.data[:, :, k]
    assert np.abs(difference).mean() < 25
    # A shift by one slice is far worse than the blur of resampling.
    neighbour = resampled.scan.data[:, :, -4].astype(float) - level.scan.data[:, :, -3]
    own = resampled.scan.data[:, :, -3].astype(float) - level.scan.data[:, :, -3]
    assert np.abs(own).mean() < 0.6 * np.abs(neighbour).mean()


def test_motion_moves_the_head_from_slice_to_slice(simple_head):
    still = scan(simple_head, noise_hu=0.01)
    moved = scan(simple_head, noise_hu=0.01, motion_mm=3.0)
    middles = [
        np.array([np.argwhere(a.regions[:, :, k] > 0).mean(axis=0) for k in range(8, 20)]) * 1.8
        for a in (still, moved)
    ]
    wander = middles[1] - middles[0]
    assert 0.5 < np.abs(wander).max() < 9
    assert np.abs(np.diff(wander, axis=0)).max() > 0.1
    # Labels follow the image: the brain's rim moves with them.
    for acquired in (still, moved):
        bone = acquired.scan.data > 400
        assert (bone & acquired.brain).sum() < 0.03 * acquired.brain.sum()


def test_the_head_holder_lies_in_the_air_behind_the_head(simple_head):
    without = scan(simple_head, noise_hu=0.01)
    acquired = scan(simple_head, noise_hu=0.01, holder_hu=200.0, kernel=Kernel.SHARP)
    k = acquired.bgl_index
    added = (acquired.scan.data[:, :, k] > -400) & (without.scan.data[:, :, k] < -900)
    assert added.sum() > 60
    assert np.argwhere(added)[:, 1].mean() > 80  # towards the back
    np.testing.assert_allclose(
        acquired.scan.data[acquired.brain].mean(), without.scan.data[without.brain].mean(), atol=1
    )


def test_a_sharp_kernel_draws_sharper_than_a_smooth_one(simple_head):
    slopes = [
        np.abs(
            np.diff(
                scan(simple_head, noise_hu=0.01, pixel_mm=0.9, kernel=kernel)
                .scan.data[:, :, 12]
                .astype(float),
                axis=0,
            )
        ).max()
        for kernel in Kernel
    ]
    assert slopes[0] < slopes[1] < slopes[2]


def test_key_slices_can_be_cut_without_scanning(simple_head):
    acquisition = replace(SCAN, **POSES["turned"])
    acquired = acquire(simple_head, acquisition, np.random.default_rng(0))
    cut = cut_key_slices(simple_head, acquisition)
    for level, k in zip(LEVELS, (acquired.bgl_index, acquired.sgl_index), strict=True):
        np.testing.assert_array_equal(cut[level].data, acquired.regions[:, :, k])
        np.testing.assert_array_equal(cut[level].affine, acquired.scan.affines[k])
