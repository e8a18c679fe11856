"""What the expert draws on a slice, and how other raters differ from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from atlas_builder.core.anatomy import Region, regions_of
from atlas_builder.metrics.overlap import dice_by_label
from head_phantom.raters.drawing import draw_level, in_one_piece, without_sides
from head_phantom.raters.raters import AGREEMENT, draw_as_rater
from head_phantom.scanner.acquisition import Acquisition
from head_phantom.scanner.scanner import acquire

PIXEL_MM = 0.9


@pytest.fixture(scope="module")
def drawn(simple_head):
    """The expert's drawing and the brain of each level."""
    acquired = acquire(
        simple_head,
        Acquisition(pixel_mm=PIXEL_MM, matrix=256, thickness_mm=7.0, spacing_mm=7.0),
        np.random.default_rng(0),
    )
    return {
        level: (draw_level(acquired.regions[:, :, k], level), acquired.brain[:, :, k])
        for level, k in (("BGL", acquired.bgl_index), ("SGL", acquired.sgl_index))
    }


@given(arrays(np.uint8, (12, 12), elements=st.integers(0, 3)))
def test_each_label_is_left_in_one_piece_without_holes(labels):
    whole = in_one_piece(labels)
    for label in np.unique(labels[labels > 0]):
        mask = whole == label
        assert ndimage.label(mask)[1] == 1
        parts, _ = ndimage.label(labels == label)
        largest = np.bincount(parts[parts > 0]).max()
        assert mask.sum() >= largest
        holes = ndimage.binary_fill_holes(mask) & ~mask
        assert not (holes & (labels == 0)).any() or (whole[holes] > 0).any()


def test_a_level_has_its_own_regions_only():
    labels = np.zeros((6, 42), np.uint8)
    labels[:, :21] = np.arange(21)
    basal, above = draw_level(labels, "BGL"), draw_level(labels, "SGL")
    assert set(np.unique(without_sides(basal))) == {0, *regions_of("BGL")}
    assert set(np.unique(without_sides(above))) == {0, *regions_of("SGL")}


def test_a_slice_that_crosses_from_m1_into_m4_is_drawn_as_one_region():
    labels = np.zeros((20, 20), np.uint8)
    labels[2:6, 2:9], labels[2:6, 9:18] = 5, 8
    labels[12:16, 2:9], labels[12:16, 9:18] = 17, 20
    for level, left, right in (("BGL", 5, 17), ("SGL", 8, 20)):
        drawing = draw_level(labels, level)
        assert (drawing[2:6, 2:18] == left).all()
        assert (drawing[12:16, 2:18] == right).all()
        assert np.count_nonzero(drawing) == 2 * 4 * 16


def test_raters_agree_with_the_expert_and_each_other_as_they_should(drawn):
    with_expert: dict[Region, list[float]] = {region: [] for region in Region}
    each_other: dict[Region, list[float]] = {region: [] for region in Region}
    for seed in range(12):
        for level, (expert, brain) in drawn.items():
            pair = [
                without_sides(
                    draw_as_rater(expert, brain, PIXEL_MM, np.random.default_rng([seed, rater]))
                )
                for rater in (1, 2)
            ]
            for region in regions_of(level):
                for one in pair:
                    score = dice_by_label(one, without_sides(expert), [region])[region]
                    with_expert[region].append(score)
                each_other[region].append(dice_by_label(*pair, [region])[region])
    for region, agreement in AGREEMENT.items():
        scores = np.array(with_expert[region])
        assert scores.mean() == pytest.approx(agreement.mean, abs=0.025), region
        assert scores.std() < 0.025 + 1.5 * agreement.deviation, region
        # Two independent hands differ by more than either from the expert.
        shortfall = 1 - np.mean(each_other[region])
        assert 1.15 < shortfall / (1 - scores.mean()) < 1.6, region


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), level=st.sampled_from(["BGL", "SGL"]))
def test_a_rater_s_regions_stay_whole_in_order_and_in_the_brain(drawn, seed, level):
    expert, brain = drawn[level]
    drawing = draw_as_rater(expert, brain, PIXEL_MM, np.random.default_rng(seed))
    assert set(np.unique(drawing)) == set(np.unique(expert))
    assert not (drawing[~brain & (expert == 0)] > 0).any()
    middles = []
    for image in (expert, drawing):
        found = {}
        for label in np.unique(image[image > 0]):
            mask = image == label
            assert ndimage.label(mask)[1] == 1
            found[label] = ndimage.center_of_mass(mask)
        middles.append(found)
    # No region moves far: none changes place with a neighbour or with the other side.
    for label, middle in middles[0].items():
        assert np.hypot(*np.subtract(middle, middles[1][label])) * PIXEL_MM < 4


def test_one_stream_gives_one_drawing(drawn):
    expert, brain = drawn["BGL"]
    first, again, other = (
        draw_as_rater(expert, brain, PIXEL_MM, np.random.default_rng(seed)) for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
