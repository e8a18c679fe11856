import numpy as np
import pytest
from head_painting.brain import BrainMaps, brain_fractions
from head_painting.canvas import box, cover, ellipsoid
from head_painting.making import AFFINE, PARTS, on_half_grid, whole_in_parts

from atlas_builder.catalogue.tissues import Tissue

BLOCK = box((0, -80, -20), (60, 20, 60))


def index_of(x, y, z):
    """Index on the half grid of a point in mm."""
    return tuple(int(v) for v in np.array([x, y, z]) - [0, *AFFINE[1:3, 3]])


def in_block(volume, x, y, z):
    return volume[x, y + 80, z + 20]


def test_volumes_land_at_their_millimetres_with_both_halves_averaged():
    volume = np.zeros((21, 30, 30), np.float32)
    affine = np.eye(4)
    affine[:3, 3] = [-10, -15, -5]
    volume[13, 20, 9] = 1  # x 3, y 5, z 4
    volume[7, 20, 9] = 0.5  # x -3
    volume[10, 20, 9] = 0.8
    half = on_half_grid(volume, affine)
    assert half[index_of(3, 5, 4)] == pytest.approx(0.75)
    assert half[index_of(0, 5, 4)] == pytest.approx(0.8)
    assert half.sum() == pytest.approx(1.55)


def test_rounding_keeps_the_sum_and_errs_by_less_than_a_part():
    rng = np.random.default_rng(1)
    exact = rng.dirichlet(np.full(len(Tissue), 0.3), size=(4, 5, 6)).astype(np.float32)
    half = {tissue: exact[..., k] for k, tissue in enumerate(Tissue)}
    whole = whole_in_parts(half)
    assert whole.shape == (7, 5, 6, len(Tissue))
    assert np.all(whole.sum(axis=-1, dtype=int) == 255)
    assert np.all(whole % (255 // PARTS) == 0)
    assert np.abs(whole[3:] / 255 - exact).max() < 1 / PARTS
    assert np.array_equal(whole, whole[::-1])


def ball(x, y, z, radius):
    return cover(ellipsoid(BLOCK, (x, y, z), (radius, radius, radius)), 3.0)


def test_the_rim_of_a_ventricle_turns_white_but_a_nucleus_beside_it_stays():
    fluid = ball(20, -40, 20, 8)
    rim = np.clip(ball(20, -40, 20, 10) - fluid, 0, 1)
    nucleus = np.clip(ball(20, -24, 20, 8) - fluid - rim, 0, 1)
    tissue = np.clip(ball(20, -36, 20, 34) - fluid, 0, 1)
    grey = rim + nucleus
    white = np.clip(tissue - grey, 0, 1)
    t1 = 0.25 * fluid + 0.7 * grey + 0.85 * white
    new_grey, new_white = brain_fractions(BrainMaps(grey, white, t1), BLOCK)
    lateral = (29, -40, 20)
    assert in_block(grey, *lateral) > 0.5
    assert in_block(new_grey, *lateral) < 0.2
    assert in_block(new_white, *lateral) > 0.5
    assert in_block(new_grey, 20, -22, 20) > 0.9
    assert np.all(new_grey + new_white <= 1 + 1e-5)


def test_blurred_borders_become_steeper_and_keep_their_place():
    share = np.clip((BLOCK.y + 40) / 10, 0, 1).ravel()
    grey = np.broadcast_to(share[:, None], (BLOCK.x.size, share.size, BLOCK.z.size)).copy()
    maps = BrainMaps(grey, 1 - grey, np.full(grey.shape, 0.7, np.float32))
    sharp, _ = brain_fractions(maps, BLOCK)
    row = sharp[55, :, 70]
    assert np.max(np.diff(row)) > 1.5 * np.max(np.diff(share))
    assert abs(np.sum(row) - np.sum(share)) < 0.5
