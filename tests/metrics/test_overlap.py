"""Dice against its properties and against SimpleITK."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atlas_builder.metrics.overlap import dice, dice_by_label

masks = arrays(np.bool_, (5, 6))
label_images = arrays(np.uint8, (8, 9), elements=st.integers(0, 4))


def test_dice_by_hand():
    first = np.array([1, 1, 1, 0, 0], bool)
    second = np.array([0, 1, 1, 1, 1], bool)
    assert dice(first, second) == pytest.approx(2 * 2 / (3 + 4))


@given(masks, masks)
def test_dice_is_symmetric_and_between_0_and_1(first, second):
    value = dice(first, second)
    np.testing.assert_equal(value, dice(second, first))
    if first.any() or second.any():
        assert 0 <= value <= 1
        assert (value == 0) == (not (first & second).any())
        assert (value == 1) == np.array_equal(first, second)


@given(masks)
def test_a_mask_agrees_with_itself_and_not_with_an_empty_one(mask):
    empty = np.zeros_like(mask)
    np.testing.assert_equal(dice(mask, mask), 1.0 if mask.any() else np.nan)
    np.testing.assert_equal(dice(mask, empty), 0.0 if mask.any() else np.nan)


@given(label_images, label_images)
def test_dice_of_labels_is_that_of_simpleitk(first, second):
    found = dice_by_label(first, second, range(1, 5))
    measure = sitk.LabelOverlapMeasuresImageFilter()
    measure.Execute(sitk.GetImageFromArray(first), sitk.GetImageFromArray(second))
    assert list(found) == [1, 2, 3, 4]
    for label, value in found.items():
        if (first == label).any():
            assert value == pytest.approx(measure.GetDiceCoefficient(label))
        else:
            assert not value > 0  # 0, or NaN where both are empty, which SimpleITK calls otherwise
