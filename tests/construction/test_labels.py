"""Votes, ties, tidying and carrying of regions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage as ndi

from atlas_builder.construction.labels import CarryTask, Votes, carry, tidy
from atlas_builder.construction.template import ShapeUpdate
from atlas_builder.core.anatomy import Region, regions_of
from atlas_builder.core.transform import PlaneGrid, Transform

SGL = st.sampled_from([0, *map(int, regions_of("SGL"))])
label_images = arrays(np.uint8, (5, 6), elements=SGL)


def votes_of(*images, level="SGL"):
    votes = Votes(level, images[0].shape)
    for image in images:
        votes.add(np.asarray(image, np.uint8))
    return votes


@pytest.mark.parametrize(
    ("drawn", "wins"),
    [
        ([8, 8, 9], 8),
        ([8, 9, 9], 9),
        ([0, 0, 9], 0),
        ([8, 9, 0, 0], 0),  # the background has two votes, each region one
        ([9, 0], 0),  # ties go to the background
        ([10, 9], 9),  # then to the smaller value
        ([10, 10, 9, 9, 0], 9),
        ([8, 8, 9, 10, 0], 8),
        ([10, 10, 10], 10),
    ],
)
def test_majorities_by_hand(drawn, wins):
    votes = votes_of(*(np.array([[value]]) for value in drawn))
    assert votes.majority().tolist() == [[wins]]


@given(st.lists(label_images, min_size=1, max_size=6))
def test_a_majority_has_no_rival_with_more_votes(images):
    stack = np.stack(images)
    majority = votes_of(*images).majority()
    counts = {value: (stack == value).sum(axis=0) for value in (0, 8, 9, 10)}
    won = np.choose(np.maximum(majority, 7) - 7, list(counts.values()))
    assert majority.dtype == np.uint8
    for value, count in counts.items():
        assert (count <= won).all()
        assert (count[majority > value] < won[majority > value]).all()


@given(st.lists(label_images, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_voters_does_not_matter(images, random):
    shuffled = random.sample(images, len(images))
    np.testing.assert_array_equal(votes_of(*images).counts, votes_of(*shuffled).counts)


def test_probabilities_are_shares_of_all_votes():
    votes = votes_of(*(np.array([[value, 0]]) for value in (8, 8, 9, 0, 0)))
    np.testing.assert_allclose(votes.probabilities()[:, 0], [[0.4, 0], [0.2, 0], [0, 0]])
    assert votes.probabilities().shape == (3, 1, 2)


def test_votes_do_not_grow_with_voters():
    votes = votes_of(*[np.full((4, 4), 9)] * 300)
    assert votes.counts.nbytes == Votes("SGL", (4, 4)).counts.nbytes
    np.testing.assert_allclose(votes.probabilities()[1], 1)


def parse(*rows):
    """Pixels as people see them: a row runs from the patient's right to the left."""
    return np.array([[int(c) for c in row] for row in rows], np.uint8).T


def test_the_largest_piece_of_a_region_on_each_side_stays():
    labels = parse(
        "1100022200",
        "1100020200",
        "0010022200",
        "0000000010",
        "2022000011",
    )
    expected = parse(
        "1100022200",
        "1100022200",
        "0000022200",
        "0000000010",
        "0022000011",
    )
    np.testing.assert_array_equal(tidy(labels, midline=4.5), expected)


def test_a_region_across_the_midline_is_two():
    labels = parse("0111111000")
    np.testing.assert_array_equal(tidy(labels, midline=4.5), labels)
    # With the midline elsewhere the isolated pixels belong to other sides.
    labels = parse("1011010000")
    np.testing.assert_array_equal(tidy(labels, midline=0.5), parse("1011000000"))
    np.testing.assert_array_equal(tidy(labels, midline=4.5), parse("0011010000"))


def test_a_hole_that_holds_another_region_keeps_it():
    labels = parse(
        "0000011111",
        "0000010001",
        "0000010201",
        "0000010001",
        "0000011111",
    )
    expected = parse(
        "0000011111",
        "0000011111",
        "0000011211",
        "0000011111",
        "0000011111",
    )
    np.testing.assert_array_equal(tidy(labels, midline=4.5), expected)


@pytest.mark.parametrize(("outer", "inner"), [("8", "9"), ("9", "8")])
def test_the_innermost_of_nested_rings_is_filled_by_itself(outer, inner):
    rows = (
        "0000000ooooooo",
        "0000000oiiiiio",
        "0000000oi000io",
        "0000000oiiiiio",
        "0000000ooooooo",
    )
    drawn = [row.replace("o", outer).replace("i", inner) for row in rows]
    filled = [drawn[0], drawn[1], drawn[2].replace(f"{inner}000{inner}", inner * 5), *drawn[3:]]
    np.testing.assert_array_equal(tidy(parse(*drawn), midline=6.5), parse(*filled))


blobs = arrays(np.float64, (16, 12), elements=st.floats(0, 1)).map(
    lambda noise: np.where(
        ndi.gaussian_filter(noise, 0.8) > 0.45,
        8 + np.digitize(ndi.gaussian_filter(noise[::-1], 1.5), [0.45, 0.55]),
        0,
    ).astype(np.uint8)
)


@given(st.one_of(blobs, arrays(np.uint8, (16, 12), elements=SGL)), st.integers(0, 14))
def test_one_piece_a_region_a_side_without_holes(labels, last_right):
    midline = last_right + 0.5
    tidied = tidy(labels, midline)
    for side in (slice(None, last_right + 1), slice(last_right + 1, None)):
        for value in (8, 9, 10):
            before, after = labels[side] == value, tidied[side] == value
            assert ndi.label(after)[1] == min(1, ndi.label(before)[1])
            # No pixel of the background is enclosed.
            assert not (ndi.binary_fill_holes(after) & (tidied[side] == 0)).any()


@given(st.one_of(blobs, arrays(np.uint8, (16, 12), elements=SGL)))
def test_tidying_twice_changes_nothing_more(labels):
    once = tidy(labels, 7.5)
    np.testing.assert_array_equal(tidy(once, 7.5), once)


def test_regions_are_carried_by_registration_and_update_at_once():
    """A disc drawn on the participant comes out where the composed transforms put it."""
    grid = PlaneGrid((120, 140), 0.5, (-29.75, -34.75))
    half = grid.halved()

    def field(x, y):
        return np.ones((2, *half.shape), np.float32) * np.reshape([x, y], (2, 1, 1)).astype("f4")

    affine = np.diag([1.25, 0.8, 1.0])
    transform = Transform(affine, field(2, -1), field(-2, 1), half)
    update = ShapeUpdate(np.diag([1.0, 0.5, 1.0]), field(4, 0), half, gradient_step=0.25)
    labels = np.where(np.hypot(*(grid.points() - 5)) < 8, Region.M4, 0).astype(np.uint8)

    carried = carry(CarryTask(labels, grid, transform, update))

    # Atlas (x, y) -> template (x - 4, 2 y) -> participant (1.25 (x - 2), 0.8 (2 y - 1)).
    x, y = grid.points()
    expected = np.hypot(1.25 * (x - 2) - 5, 0.8 * (2 * y - 1) - 5) < 8
    assert set(np.unique(carried)) == {0, Region.M4}
    assert np.count_nonzero((carried == Region.M4) != expected) < 0.03 * expected.sum()
