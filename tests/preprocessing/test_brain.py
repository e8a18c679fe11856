from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.brain import brain_of_stripped, extract_brain
from atlas_builder.preprocessing.plausibility import find_brain


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


@pytest.mark.parametrize(
    "spacing", [(0.3, 0.3), (0.5, 0.5), (1.0, 1.0), (0.4, 0.9)], ids=lambda s: f"{s[0]}x{s[1]}"
)
def test_same_brain_at_every_pixel_size(make_head, spacing):
    head = make_head(spacing=spacing)
    assert dice(extract_brain(head.image, spacing), head.brain) > 0.985


@settings(max_examples=8)
@given(
    angle=st.floats(-180, 180),
    noise=st.floats(1, 8),
    csf=st.floats(0.0, 10.0),
    pixel=st.floats(0.6, 1.0),
)
def test_head_in_any_position(make_head, angle, noise, csf, pixel):
    head = make_head(spacing=(pixel, pixel), angle=angle, noise=noise, csf=csf)
    assert dice(extract_brain(head.image, head.spacing), head.brain) > 0.98


def test_mirrored_slice_has_mirrored_brain(make_head):
    head = make_head()
    brain = extract_brain(head.image, head.spacing)
    mirrored = extract_brain(head.image[::-1].copy(), head.spacing)
    assert dice(mirrored[::-1], brain) > 0.998


@pytest.mark.parametrize("toward", [0, 75, 180, 250])
@pytest.mark.parametrize("width", [3, 8, 15])
def test_gap_in_skull_does_not_leak(make_head, width, toward):
    head = make_head()
    skull = (head.depth < 0) & (head.depth > -9.5)
    gap = head.paint(skull & head.arc(toward, width), 30)
    brain = extract_brain(gap.image, gap.spacing)
    assert dice(brain, head.brain) > 0.98
    assert not brain[head.depth < -5].any()


@pytest.mark.parametrize(("toward", "least"), [(0, 0.97), (100, 0.97), (230, 0.97)])
def test_craniectomy_is_bridged(make_head, toward, least):
    head = make_head()
    skull = (head.depth < 0) & (head.depth > -9.5)
    opened = head.paint(skull & head.arc(toward, 90), 30)
    assert dice(extract_brain(opened.image, opened.spacing), head.brain) > least


def test_brain_split_by_bone_keeps_its_compartments_and_no_orbit(make_head):
    head = make_head()
    ridge = np.abs(head.back - 15) < 4
    split = head.paint(head.brain & ridge, 900)
    orbit = head.within(0, -92, 11)
    split = split.paint(head.within(0, -92, 14), 900).paint(orbit, 8)
    brain = extract_brain(split.image, split.spacing)
    assert dice(brain, head.brain & ~ridge) > 0.97
    assert not brain[orbit].any()


LESIONS = {
    "pineal and choroid calcified": ([(0, 20, 4), (-20, 30, 6), (20, 30, 6)], 400),
    "calcification at the cortex": ([(56, 0, 3)], 300),
    "haemorrhage": ([(30, 0, 22)], 75),
    "haemorrhage at the cortex": ([(45, 0, 18)], 80),
    "subacute infarct": ([(40, 0, 35)], 18),
    "old infarct at the cortex": ([(50, 10, 26)], 4),
    "large old infarct at the cortex": ([(50, 0, 38)], 2),
    "clip": ([(25, -20, 2)], 3000),
}


@pytest.mark.parametrize(("discs", "hu"), LESIONS.values(), ids=LESIONS.keys())
def test_lesion_belongs_to_the_brain(make_head, discs, hu):
    head = make_head()
    for disc in discs:
        head = head.paint(head.brain & head.within(*disc), hu)
    brain = extract_brain(head.image, head.spacing)
    assert dice(brain, head.brain) > 0.98
    lesion = np.any([head.within(*disc) for disc in discs], axis=0) & (head.depth > 1.5)
    assert brain[lesion].mean() > 0.97


def test_wide_layer_of_fluid_does_not_belong_to_the_brain(make_head):
    head = make_head(csf=9.0)
    brain = extract_brain(head.image, head.spacing)
    assert dice(brain, head.brain) > 0.98
    assert not brain[head.depth < -4].any()


@pytest.mark.parametrize("fill", [None, -1000.0, -3024.0, np.nan], ids=str)
@pytest.mark.parametrize("axis", [0, 1])
def test_head_cut_off_by_the_field_of_view(make_head, axis, fill):
    head = make_head()
    place = head.left if axis == 0 else head.back
    seen = place < (45 if axis == 0 else 60)
    if fill is None:
        last = np.flatnonzero(seen.any(axis=1 - axis))[-1]
        image = np.delete(head.image, np.s_[last + 1 :], axis)
        truth = np.delete(head.brain, np.s_[last + 1 :], axis)
    else:
        image, truth = np.where(seen, head.image, np.float32(fill)), head.brain & seen
    assert dice(extract_brain(image, head.spacing), truth) > 0.98


@pytest.mark.parametrize("padding", [-2000.0, -3024.0, -1000.0])
def test_circular_field_of_view(make_head, padding):
    head = make_head()
    image = np.where(head.within(0, 0, 112), head.image, np.float32(padding))
    assert brain_of_stripped(image, head.spacing) is None
    assert dice(extract_brain(image, head.spacing), head.brain) > 0.985


def test_head_holder_and_muscle_are_left_out(make_head):
    head = make_head()
    behind = head.back > 30
    head = head.paint(behind & (head.depth < -24) & (head.depth > -28), 300)
    head = head.paint(behind & (head.depth <= -28) & (head.depth > -34), 25)
    brain = extract_brain(head.image, head.spacing)
    assert dice(brain, head.brain) > 0.985
    assert not brain[head.depth < -3].any()


def test_fluid_below_zero_and_a_dark_band_stay_inside(make_head):
    head = make_head(noise=5.0)
    head = head.paint(head.within(0, -20, 12), -4, noise=5.0)
    dark = 14 * np.exp(-(((head.back - 5) / 8) ** 2)) * head.brain
    brain = extract_brain((head.image - dark).astype(np.float32), head.spacing)
    assert dice(brain, head.brain) > 0.98


@pytest.mark.parametrize("floor", [-1000, -200, -100, 0])
def test_air_clamped_to_a_constant(make_head, floor):
    head = make_head()
    image = np.maximum(head.image, np.float32(floor))
    assert brain_of_stripped(image, head.spacing) is None
    assert dice(extract_brain(image, head.spacing), head.brain) > 0.985


def test_slice_without_enclosed_tissue_is_refused(make_head):
    head = make_head()
    without_skull = head.paint((head.depth < 0) & (head.depth > -10), 30)
    for image in (
        np.full((200, 200), -1000.0, np.float32),
        np.where(head.depth > -9, np.float32(900), head.image),
        without_skull.image,
    ):
        with pytest.raises(InputError, match="no brain found"):
            extract_brain(image, head.spacing)


@pytest.mark.parametrize("background", [0.0, -1000.0, -1024.0, 37.5, np.nan])
def test_stripped_slice_is_recognised(make_head, background):
    head = make_head()
    image = np.where(head.brain, head.image, np.float32(background))
    brain = brain_of_stripped(image, head.spacing)
    assert brain is not None
    assert dice(brain, head.brain) > 0.999


def test_fluid_with_the_value_of_the_background_is_filled(make_head):
    head = make_head(noise=1.0)
    whole = np.clip(np.rint(np.where(head.brain, head.image, 0)), 1, 255) * head.brain
    whole[head.within(6, -22, 5)] = 0
    brain = brain_of_stripped(whole.astype(np.float32), head.spacing)
    np.testing.assert_array_equal(brain, head.brain)


@pytest.mark.parametrize("order", [1, 3])
def test_stripped_slice_stays_recognised_when_resampled(make_head, order):
    head = make_head()
    image = np.where(head.brain, head.image, np.float32(-1000))
    smaller = ndi.zoom(image, 0.8, order=order)
    smaller[smaller < -999] = -1000
    truth = ndi.zoom(head.brain.astype(np.float32), 0.8, order=1) > 0.5
    brain = brain_of_stripped(smaller, (1.0, 1.0))
    assert brain is not None
    assert dice(brain, truth) > 0.95


@pytest.mark.parametrize("window", [(0, 80), (-100, 100), (-1000, 3000)])
def test_whole_head_is_not_taken_for_stripped(make_head, window):
    head = make_head()
    assert brain_of_stripped(np.clip(head.image, *window), head.spacing) is None


@pytest.mark.parametrize("stored", [np.int8, np.uint8])
def test_whole_head_whose_values_wrapped_around_in_8_bits_is_not_taken_for_stripped(
    make_head, stored
):
    head = make_head()
    # The scalp of 25 HU lies outermost, air becomes 24 and the skull 72 to 80 HU.
    closed = head.paint((head.depth < -2) & (head.depth > -9), 1100)
    hu = np.where(head.depth < -13, -1000, np.rint(closed.image)).astype(np.int64)
    image = hu.astype(stored).astype(np.float32)
    assert brain_of_stripped(image, head.spacing) is None
    with pytest.raises(InputError, match="as in a picture"):
        find_brain(image, head.spacing)


def test_stripped_slice_with_blood_at_its_edge_stays_recognised(make_head):
    head = make_head()
    along_one_side = head.brain & (head.depth < 15) & head.arc(0, 150)
    bled = head.paint(along_one_side, 78)
    image = np.where(head.brain, bled.image, np.float32(0))
    brain = brain_of_stripped(image, head.spacing)
    np.testing.assert_array_equal(brain, head.brain)
