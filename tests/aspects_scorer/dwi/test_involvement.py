"""The rule of ASPECTS on lesions of known extent, on grids of any kind."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspects_scorer.dwi.involvement import overlap_ml, score_regions
from aspects_scorer.dwi.scored_lesion import standard_atlas
from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.core.aspects import DEEP_REGIONS, AspectsRule
from atlas_builder.core.lesion import Lesion


@pytest.fixture(scope="module")
def atlas():
    return standard_atlas()


def part_of(atlas, region, side, share):
    """Return a lesion of a share of a region, its lowest voxels first."""
    voxels = np.argwhere(atlas.labels == map_value(region, side))
    voxels = voxels[np.argsort(voxels[:, 2], kind="stable")]
    mask = np.zeros(atlas.labels.shape, bool)
    mask[tuple(voxels[: round(share * len(voxels))].T)] = True
    return Lesion(mask, atlas.affine)


def ball(centre, radius, affine):
    """Return a lesion drawn on a grid: the voxels whose centres lie in a ball, mm."""
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    room = np.ceil(radius / sizes).astype(int) + 2
    middle = np.rint(np.linalg.inv(affine) @ (*centre, 1))[:3]
    affine = affine.copy()
    affine[:3, 3] += affine[:3, :3] @ (middle - room)  # only the part of the grid around the ball
    shape = tuple(2 * room + 1)
    points = affine[:3, :3] @ np.indices(shape).reshape(3, -1) + affine[:3, 3:]
    inside = np.linalg.norm(points - np.reshape(centre, (3, 1)), axis=0) < radius
    return Lesion(inside.reshape(shape), affine)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("region", [Region.M2, Region.M4])
def test_a_third_of_a_cortical_region_takes_its_point(atlas, region, side):
    for share, points in ((0.32, 10), (0.34, 9)):
        score = score_regions(part_of(atlas, region, side, share), atlas)
        assert getattr(score, side) == points == score.aspects
        (found,) = [r for r in score.of(side) if r.region is region]
        assert found.fraction == pytest.approx(share, abs=1e-4)
        assert found.loses_point == (points == 9)


@pytest.mark.parametrize("region", DEEP_REGIONS)
def test_one_voxel_of_a_nucleus_region_takes_its_point(atlas, region):
    mask = np.zeros(atlas.labels.shape, bool)
    mask[tuple(np.argwhere(atlas.labels == region)[0])] = True
    score = score_regions(Lesion(mask, atlas.affine), atlas)
    assert (score.left, score.right, score.aspects) == (9, 10, 9)
    larger = score_regions(Lesion(mask, atlas.affine), atlas, AspectsRule(deep_from_ml=0.002))
    assert larger.aspects == 10
    assert sum(r.lesion_ml for r in larger.regions) == pytest.approx(0.001)


def test_both_sides_are_scored_and_the_worse_one_counts(atlas):
    values = [map_value(Region.C, "left"), *(map_value(r, "right") for r in Region)]
    score = score_regions(Lesion(np.isin(atlas.labels, values), atlas.affine), atlas)
    assert (score.left, score.right, score.aspects) == (9, 0, 0)
    assert all(r.fraction == pytest.approx(1) for r in score.of("right"))
    assert len(score.regions) == 20


def test_no_lesion_and_a_lesion_far_away_leave_ten(atlas):
    nothing = Lesion(np.zeros((4, 5, 6), bool), atlas.affine)
    assert score_regions(nothing, atlas).aspects == 10
    away = Lesion(np.pad(np.ones((2, 2, 2), bool), 1), np.diag([1.0, 1, 1, 1]) + 900 * _SHIFT)
    assert score_regions(away, atlas).aspects == 10


_SHIFT = np.zeros((4, 4))
_SHIFT[0, 3] = 1.0

GRIDS = {
    "1 mm, radiological": ([-1.0, 1, 1], (78, -112, -50)),
    "2 mm": ([2.0, 2, 2], (-90, -126, -72)),
    "2 mm, radiological": ([-2.0, 2, 2], (90, -126, -72)),
    "half a voxel off": ([1.0, 1, 1], (-90.5, -126.5, -72.5)),
    "half a millimetre": ([0.5, 0.5, 0.5], (-90, -126, -72)),
    "thick slices": ([1.0, 1, 5], (-90, -126, -72)),
}


@pytest.mark.parametrize("name", GRIDS)
def test_the_grid_of_a_lesion_hardly_matters(atlas, name):
    sizes, origin = GRIDS[name]
    affine = np.diag([*sizes, 1.0])
    affine[:3, 3] = origin
    lesion = ball((-44, -10, 20), 18, affine)
    exact = score_regions(ball((-44, -10, 20), 18, atlas.affine), atlas)
    found = score_regions(lesion, atlas)
    for ours, theirs in zip(found.regions, exact.regions, strict=True):
        assert ours.lesion_ml == pytest.approx(theirs.lesion_ml, abs=0.25 + 0.03 * theirs.lesion_ml)
    assert found.right == 10
    assert found.left == exact.left


def turned_file(lesion, order, flipped):
    """Return the same lesion stored in another array order."""
    mask = np.transpose(lesion.mask, order)
    affine = np.eye(4)
    affine[:3, :3] = lesion.affine[:3, list(order)]
    affine[:3, 3] = lesion.affine[:3, 3]
    for axis in flipped:
        affine[:3, 3] += affine[:3, axis] * (mask.shape[axis] - 1)
        affine[:3, axis] *= -1
        mask = np.flip(mask, axis)
    return Lesion(np.ascontiguousarray(mask), affine)


ORDERS = list(permutations(range(3)))
FLIPS = [[axis for axis in range(3) if bits[axis]] for bits in product((0, 1), repeat=3)]


@given(
    order=st.sampled_from(ORDERS),
    flipped=st.sampled_from(FLIPS),
    size=st.sampled_from([0.7, 1.0, 2.0, 3.0]),
    place=st.tuples(st.floats(-55, 55), st.floats(-60, 40), st.floats(-10, 50)),
    seed=st.integers(0, 99),
)
@settings(max_examples=25)
def test_array_order_changes_nothing(order, flipped, size, place, seed):
    atlas = standard_atlas()
    affine = np.diag([size, size, size, 1.0])
    affine[:3, 3] = place
    mask = np.random.default_rng(seed).random((9, 8, 7)) < 0.4
    lesion = Lesion(mask, affine)
    assert score_regions(turned_file(lesion, order, flipped), atlas) == score_regions(lesion, atlas)


@pytest.mark.parametrize("orientation", ["LAS", "RAS", "LPI", "PIR"])
def test_a_lesion_on_the_left_scores_on_the_left(atlas, orientation):
    signs = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    lesion = ball((-44, -10, 20), 18, atlas.affine)
    order = tuple(signs[letter][0] for letter in orientation)
    flipped = [axis for axis, letter in enumerate(orientation) if signs[letter][1] < 0]
    score = score_regions(turned_file(lesion, order, flipped), atlas)
    assert score.left < 10
    assert score.right == 10


def test_a_mirrored_lesion_swaps_the_sides(atlas):
    lesion = ball((-30, 0, 10), 20, atlas.affine)
    there = score_regions(lesion, atlas)
    back = score_regions(Lesion(lesion.mask, np.diag([-1.0, 1, 1, 1]) @ lesion.affine), atlas)
    assert (back.left, back.right) == (there.right, there.left)
    for ours, theirs in zip(back.of("right"), there.of("left"), strict=True):
        assert ours.fraction == pytest.approx(theirs.fraction, abs=1e-9)


def test_an_oblique_grid_keeps_volume_and_place(atlas):
    angle = np.deg2rad(17)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = turn @ np.diag([1.0, 1, 1, 1])
    affine[:3, 3] = (-60, -150, -60)
    lesion = ball((-44, -10, 20), 18, affine)
    exact = overlap_ml(ball((-44, -10, 20), 18, atlas.affine), atlas)
    found = overlap_ml(lesion, atlas)
    assert lesion.mask.any()
    for value, volume in exact.items():
        assert found[value] == pytest.approx(volume, abs=0.15 + 0.02 * volume)
