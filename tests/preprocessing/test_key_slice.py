"""Key slices of synthetic heads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Slice
from atlas_builder.preprocessing import key_slice as module
from atlas_builder.preprocessing.key_slice import (
    KEY_SLICE_SHAPE,
    key_slice_affine,
    make_key_slice,
    resample_labels,
)
from atlas_builder.preprocessing.symmetry import Alignment

MIDDLE = (np.array(KEY_SLICE_SHAPE) - 1) / 2


def as_slice(data, spacing):
    return Slice(data, np.diag([-spacing[0], -spacing[1], 1.0, 1.0]))


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def carried_back(labels, key, shape):
    return ndi.affine_transform(labels, np.linalg.inv(key.to_slice), output_shape=shape, order=0)


@pytest.fixture(scope="module")
def head(make_head):
    """A turned head on pixels that are not square, with a lesion on the left."""
    head = make_head((0.45, 0.6), 14.0)
    return head.paint(head.within(30, 20, 8), 65)


@pytest.fixture(scope="module")
def key(head):
    return make_key_slice(as_slice(head.image, head.spacing))


def test_values_stay_hu_and_are_0_outside_the_brain(head, key):
    assert key.image.shape == key.brain.shape == KEY_SLICE_SHAPE
    assert key.image.dtype == np.float32
    assert (key.image[~key.brain] == 0).all()
    assert np.median(key.image[key.brain]) == pytest.approx(
        np.median(head.image[head.brain]), abs=0.5
    )
    assert np.count_nonzero(key.brain) * 0.25 == pytest.approx(
        np.count_nonzero(head.brain) * 0.45 * 0.6, rel=0.05
    )


def test_the_midline_and_the_middle_of_the_brain_are_the_grids(key):
    columns, rows = (np.flatnonzero(key.brain.any(axis=axis)) for axis in (1, 0))
    assert (columns[0] + columns[-1]) / 2 == pytest.approx(MIDDLE[0], abs=2)
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(MIDDLE[1], abs=1)


def test_left_stays_left_and_back_stays_back(key):
    blood = np.argwhere(ndi.gaussian_filter(key.image, 2) > 50)
    place = (blood.mean(axis=0) - MIDDLE) * 0.5
    np.testing.assert_allclose(place, (30, 20), atol=1.5)


def test_the_affine_leads_to_ras_with_the_midline_at_0():
    affine = key_slice_affine()
    np.testing.assert_allclose(affine @ (*MIDDLE, 0, 1), (0, 0, 0, 1))
    np.testing.assert_allclose(affine @ (*(MIDDLE + 10), 0, 1), (-5, -5, 0, 1))


def test_every_value_is_interpolated_once_from_the_slice(head, key):
    inner = np.argwhere(ndi.binary_erosion(key.brain, iterations=6))
    points = key.to_slice[:2, :2] @ inner.T + key.to_slice[:2, 2:]
    once = ndi.map_coordinates(head.image, points, order=1)
    np.testing.assert_allclose(key.image[tuple(inner.T)], once, atol=1e-3)


def test_an_upright_slice_on_the_grid_is_not_interpolated(make_head, monkeypatch):
    head = make_head((0.5, 0.5))
    image = head.image[2:-2, 2:-2]
    assert image.shape == KEY_SLICE_SHAPE
    monkeypatch.setattr(module, "find_alignment", lambda *_: Alignment(0.0, 0.0, 0.0))
    key = make_key_slice(as_slice(image, head.spacing))
    moved = round(key.to_slice[1, 2])
    np.testing.assert_allclose(key.to_slice, [[1, 0, 0], [0, 1, moved], [0, 0, 1]], atol=1e-9)
    np.testing.assert_array_equal(key.image, np.where(key.brain, np.roll(image, -moved, 1), 0))


@pytest.mark.parametrize("background", [0.0, -1000.0, -3024.0])
def test_a_stripped_slice_keeps_its_brain_and_gets_no_rim(head, background):
    image = np.where(head.brain, head.image, np.float32(background))
    key = make_key_slice(as_slice(image, head.spacing))
    inside = head.image[head.brain]
    assert key.image[key.brain].min() >= inside.min()
    assert key.image[key.brain].max() <= inside.max()
    back = carried_back(key.brain.astype(np.uint8), key, head.brain.shape)
    assert dice(back > 0, head.brain) > 0.995


@pytest.mark.parametrize("padding", [-2000.0, -3024.0, np.nan])
def test_padding_changes_nothing(head, key, padding):
    outside = np.hypot(head.left, head.back) > 112
    image = np.where(outside, np.float32(padding), head.image)
    padded = make_key_slice(as_slice(image, head.spacing))
    assert dice(padded.brain, key.brain) > 0.999
    both = padded.brain & key.brain
    assert np.abs(padded.image - key.image)[both].mean() < 0.5


def test_the_pixels_of_a_scan_do_not_change_its_key_slice(make_head):
    fine, coarse = (
        make_key_slice(as_slice(head.image, head.spacing))
        for head in (make_head((0.4, 0.4), 5.0), make_head((0.6, 0.5), -12.0))
    )
    assert dice(fine.brain, coarse.brain) > 0.98


def test_labels_go_there_and_back(head, key):
    labels = np.zeros(head.image.shape, np.uint8)
    for value, (left, back) in enumerate([(25, -30), (-25, -30), (40, 10), (-40, 10)], start=1):
        labels[head.within(left, back, 9)] = value
    carried = resample_labels(as_slice(labels, head.spacing), key)
    assert carried.dtype == np.uint8
    back = carried_back(carried, key, labels.shape)
    for value in range(1, 5):
        assert dice(back == value, labels == value) > 0.97


def test_a_brain_too_long_for_the_grid_is_refused():
    across, down = np.ogrid[-80:80, -130:130]
    brain = np.hypot(across / 60, down / 121) < 1
    values = np.random.default_rng(0).normal(32, 4, brain.shape).astype(np.float32)
    with pytest.raises(InputError, match=r"key slice holds 229 x 229 mm"):
        make_key_slice(as_slice(np.where(brain, values, np.float32(0)), (1.0, 1.0)))


def test_what_is_no_ct_in_hu_is_refused(head):
    with pytest.raises(InputError, match="1024"):
        make_key_slice(as_slice(head.image + 1024, head.spacing))


@pytest.mark.parametrize("change", [1e-8, -3e-8, 1e-6, -1e-5])
def test_pixel_sizes_that_differ_by_rounding_give_the_same_bits(head, key, change):
    spacing = tuple(np.multiply(head.spacing, 1 + change))
    again = make_key_slice(as_slice(head.image, spacing))
    np.testing.assert_array_equal(again.image, key.image)
    np.testing.assert_array_equal(again.to_slice, key.to_slice)
