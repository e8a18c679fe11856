"""Participants made ready, or refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.cohorts.labelled_scans import read_participants
from atlas_builder.construction.preparation import (
    Preparation,
    brain_box,
    load_level,
    load_notes,
    prepare,
    save_preparation,
)
from atlas_builder.core.anatomy import LEVELS, AgeGroup, regions_of
from atlas_builder.core.transform import halve
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE


@pytest.fixture(scope="module")
def participant(shaped_cohort):
    participants, _ = read_participants(shaped_cohort, AgeGroup(50, 69), "build")
    return participants[2]


@pytest.fixture(scope="module")
def prepared(participant):
    return prepare((participant, "expert"))


def test_both_levels_are_upright_key_slices_with_all_regions(prepared):
    assert prepared.refusal is None
    for level in LEVELS:
        found = prepared.levels[level]
        assert found.image.shape == found.labels.shape == KEY_SLICE_SHAPE
        assert set(np.unique(found.labels)) == {0, *regions_of(level)}
        # The head was turned by 8 degrees; now the regions are each other's mirror images.
        assert abs(prepared.quality[f"{level}_angle_deg"]) == pytest.approx(8, abs=0.3)
        mirrored = found.labels[::-1]
        agree = np.count_nonzero((found.labels == mirrored) & (mirrored > 0))
        assert agree > 0.88 * np.count_nonzero(mirrored)
        # Half widths of 46 and 57 mm at 0.86 of the size, the length stretched by 1.05.
        expected = np.pi * 46 * 57 * 0.86**2 * 1.05 / 100
        assert prepared.quality[f"{level}_brain_area_cm2"] == pytest.approx(expected, rel=0.04)


def test_the_extent_of_the_brain_is_noted(prepared):
    for level in LEVELS:
        brain = prepared.levels[level].image != 0
        for axis, name in enumerate("xy"):
            places = np.flatnonzero(brain.any(axis=1 - axis))
            assert prepared.quality[f"{level}_{name}_first"] == places[0]
            assert prepared.quality[f"{level}_{name}_last"] == places[-1]


def test_the_head_is_shown_on_every_second_pixel_of_the_key_slice(prepared):
    for level in LEVELS:
        found = prepared.levels[level]
        assert found.head.shape == tuple(n // 2 for n in KEY_SLICE_SHAPE)
        assert found.head.max() == 255  # the skull
        shown = found.head.astype(float) * 80 / 255
        inner = halve((found.image != 0).astype(float)) == 1
        difference = (shown - np.clip(found.image[::2, ::2], 0, 80))[inner]
        assert abs(np.median(difference)) < 0.2
        assert np.percentile(np.abs(difference), 95) < 1


def test_a_preparation_is_the_same_bits_after_the_disk(prepared, tmp_path):
    path = tmp_path / "sub-03.npz"
    save_preparation(path, prepared)
    assert load_notes(path).quality == prepared.quality
    assert load_notes(path).refusal is None
    for level in LEVELS:
        again = load_level(path, level)
        for name in ("image", "labels", "head"):
            first, second = getattr(again, name), getattr(prepared.levels[level], name)
            np.testing.assert_array_equal(first, second)
            assert first.dtype == second.dtype


def test_another_raters_labels_are_asked_for_by_name(participant, tmp_path):
    refused = prepare((participant, "rater7"))
    assert refused.refusal is not None
    assert "sub-03_rater-rater7_labels.nii.gz" in refused.refusal
    assert "\n" not in refused.refusal
    assert refused.levels == refused.quality == {}
    path = tmp_path / "refused.npz"
    save_preparation(path, refused)
    assert load_notes(path) == refused


extents = st.integers(0, 459).flatmap(
    lambda first: st.tuples(st.just(first), st.integers(first, 459))
)


@given(st.lists(st.tuples(extents, extents), min_size=1, max_size=5))
def test_the_box_holds_every_brain_can_be_halved_and_lies_on_the_grid(brains):
    notes = [
        Preparation(
            {},
            {"BGL_x_first": x[0], "BGL_x_last": x[1], "BGL_y_first": y[0], "BGL_y_last": y[1]},
        )
        for x, y in brains
    ]
    box = brain_box(notes, "BGL")
    for axis, part in enumerate(box):
        first = min(brain[axis][0] for brain in brains)
        last = max(brain[axis][1] for brain in brains)
        assert 0 <= part.start <= first
        assert last < part.stop <= 460
        assert part.start % 2 == part.stop % 2 == 0
        # 8 mm on each side, but for the edge of the grid and an even pixel.
        assert part.start <= max(0, first - 16)
        assert part.stop >= min(460, last + 17)
        assert part.stop - part.start <= last - first + 1 + 2 * 18
