import numpy as np
import pytest
from head_painting.canvas import (
    HALF_SHAPE,
    WHOLE,
    Canvas,
    around,
    box,
    cover,
    ellipsoid,
    join,
    path,
    signed_distance,
    tube,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas_builder.catalogue.tissues import Tissue

BLOCK = box((0, -20, -20), (40, 20, 20))


def test_a_box_holds_its_corners_and_is_cut_at_the_grid():
    assert BLOCK.x.ravel()[[0, -1]].tolist() == [0, 40]
    assert BLOCK.y.ravel()[[0, -1]].tolist() == [-20, 20]
    assert around([(90, 0, 0)], 50).x.max() == HALF_SHAPE[0] - 1
    assert around([(10, 0, 0)], 50).x.min() == 0


@settings(max_examples=20, deadline=None)
@given(st.floats(4, 15), st.floats(-180, 180))
def test_a_sphere_has_its_distance_and_volume(radius, turn):
    distance = ellipsoid(BLOCK, (20, 0, 0), (radius, radius, radius), turn)
    exact = np.sqrt((BLOCK.x - 20) ** 2 + BLOCK.y**2 + BLOCK.z**2) - radius
    outside = exact > -0.6 * radius
    assert np.abs(distance - exact)[outside].max() < 1e-3
    assert cover(distance).sum() == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.02)


def test_turning_moves_an_ellipsoids_front_to_the_side():
    distance = ellipsoid(BLOCK, (20, 0, 0), (2, 12, 2), 90)
    assert distance[20 + 11, 20, 20] < 0 < distance[20, 20 + 11, 20]


def test_a_tube_follows_its_points_and_narrows():
    bent = path(BLOCK, [(5, 0, 0), (20, 0, 0), (20, 15, 0)], 2.0)
    assert bent[12, 20, 20] == pytest.approx(-2)
    assert bent[20, 30, 20] == pytest.approx(-2)
    assert bent[12, 26, 20] == pytest.approx(4)
    cone = tube(BLOCK, (10, 0, 0), (30, 0, 0), (6, 2))
    assert cone[20, 20, 20] == pytest.approx(-4)


def test_a_join_holds_both_shapes_and_rounds_only_between_them():
    one = ellipsoid(BLOCK, (12, 0, 0), (6, 6, 6))
    other = ellipsoid(BLOCK, (26, 0, 0), (6, 6, 6))
    joined = join(one, other, 6.0)
    assert np.all(joined <= np.minimum(one, other) + 1e-4)
    assert joined[19, 20, 20] < 0 < min(one[19, 20, 20], other[19, 20, 20])
    assert joined[8, 20, 20] == pytest.approx(one[8, 20, 20], abs=1e-4)


def test_signed_distance_of_the_half_is_that_of_the_whole():
    half = np.zeros((30, 40, 30), bool)
    half[:7, 10:30, 8:20] = True
    half[9:14, 15:20, 12:20] = True
    whole = np.concatenate([half[:0:-1], half])
    expected = signed_distance(whole, 2.0)[29:]
    assert np.abs(signed_distance(half, 2.0) - expected)[:-10].max() < 1e-4
    assert expected[3, 20, 14] < 0 < expected[20, 20, 14]


def test_painting_keeps_fractions_adding_up_to_one():
    canvas = Canvas()
    rng = np.random.default_rng(0)
    share = rng.random(cover(ellipsoid(BLOCK, (0, 0, 0), (9, 9, 9))).shape, dtype=np.float32)
    canvas.paint(Tissue.FAT, share, BLOCK)
    canvas.paint_mixture({Tissue.GREY: 0.3, Tissue.WHITE: 0.7}, share, BLOCK)
    canvas.paint_on((Tissue.FAT, Tissue.AIR), Tissue.MUSCLE, share, BLOCK)
    total = sum(fraction[BLOCK.index] for fraction in canvas.fractions.values())
    assert np.allclose(total, 1, atol=1e-5)
    assert min(fraction.min() for fraction in canvas.fractions.values()) >= 0
    untouched = canvas.fractions[Tissue.AIR][:, 0, 0]
    assert np.all(untouched == 1)


def test_painting_on_a_ground_spares_the_rest():
    canvas = Canvas()
    half = np.full(WHOLE.x.shape, 0.5, np.float32)
    canvas.paint(Tissue.CSF, half)
    canvas.paint_on((Tissue.CSF,), Tissue.DURA, half)
    assert canvas.fractions[Tissue.DURA][3, 3, 3] == pytest.approx(0.25)
    assert canvas.fractions[Tissue.CSF][3, 3, 3] == pytest.approx(0.25)
    assert canvas.fractions[Tissue.AIR][3, 3, 3] == pytest.approx(0.5)
