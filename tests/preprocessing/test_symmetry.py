"""The midline of synthetic heads, whose true place is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.symmetry import find_alignment

AIR = -1000.0


def moved(image, pixels):
    """Shift by whole pixels, air coming in from the edge."""
    return ndi.shift(image, pixels, order=0, mode="constant", cval=AIR)


def offset_of(pixels, spacing, angle):
    """The midline's offset after a head in the middle was moved by so many pixels."""
    turn = np.deg2rad(angle)
    return np.multiply(pixels, spacing) @ (np.cos(turn), np.sin(turn))


def assert_midline(alignment, angle, offset, degrees=0.3, mm=0.5):
    assert alignment.angle == pytest.approx(angle, abs=degrees)
    assert alignment.offset == pytest.approx(offset, abs=mm)


pixel_size = st.floats(0.35, 0.7)


@pytest.mark.slow
@settings(max_examples=12)
@given(
    spacing=st.tuples(pixel_size, pixel_size),
    angle=st.floats(-25, 25),
    pixels=st.tuples(st.integers(-30, 30), st.integers(-30, 30)),
)
@example(spacing=(0.35, 0.7), angle=20.0, pixels=(-30, 30))
def test_finds_the_midline_wherever_the_head_lies(make_head, spacing, angle, pixels):
    head = make_head(spacing, angle)
    alignment = find_alignment(moved(head.image, pixels), spacing)
    assert_midline(alignment, angle, offset_of(pixels, spacing, angle))


@pytest.mark.parametrize("angle", [-40.0, 40.0])
def test_finds_a_head_turned_far(make_head, angle):
    head = make_head(angle=angle)
    assert_midline(find_alignment(head.image, head.spacing), angle, 0.0)


def test_a_mirrored_head_has_the_mirrored_midline(make_head):
    head = make_head(angle=8.0)
    image = moved(head.paint(head.within(30, 10, 15), 65).image, (7, 3))
    seen = find_alignment(image, head.spacing)
    mirrored = find_alignment(image[::-1], head.spacing)
    assert mirrored.angle == pytest.approx(-seen.angle, abs=0.05)
    assert mirrored.offset == pytest.approx(-seen.offset, abs=0.05)


def test_rotation_leads_from_the_head_to_the_slice(make_head):
    head = make_head(angle=15.0)
    rotation = find_alignment(head.image, head.spacing).rotation
    place = (head.left > 30) & head.brain
    there = np.stack([head.left[place], head.back[place]])
    middle = (np.reshape(head.image.shape, (2, 1)) - 1) / 2
    here = (np.argwhere(place).T - middle) * np.reshape(head.spacing, (2, 1))
    np.testing.assert_allclose(rotation @ there, here, atol=0.5)


LESIONS = {
    "infarct": lambda head: head.paint((head.left > 12) & (head.depth > 0), 24),
    "old infarct": lambda head: head.paint((head.left > 25) & (head.depth > 0), 8),
    "haemorrhage": lambda head: head.paint(head.within(32, 0, 20), 65),
    "subdural": lambda head: head.paint(
        (head.left > 0) & (abs(head.back) < 50) & (head.depth > 0) & (head.depth < 10), 60
    ),
    "craniectomy": lambda head: head.paint(
        head.arc(0, 90) & (head.depth < 0) & (head.depth > -9), 30
    ),
    "scalp swelling": lambda head: head.paint(
        (head.left > 0) & (abs(head.back) < 50) & (head.depth < -9) & (head.depth > -24), 35
    ),
    "thick bone": lambda head: head.paint(
        (head.left > 0) & (head.depth < -2) & (head.depth > -13), 1400
    ),
    "one-sided head holder": lambda head: head.paint(
        (abs(head.left - 100) < 3) & (head.back > -40), 300
    ),
}


@pytest.mark.parametrize("lesion", LESIONS)
def test_one_sided_changes_leave_the_midline(make_head, lesion):
    head = LESIONS[lesion](make_head(angle=-9.0))
    assert_midline(find_alignment(head.image, head.spacing), -9.0, 0.0, degrees=0.7, mm=0.7)


def test_noise_leaves_the_midline(make_head):
    head = make_head(angle=11.0, noise=15.0)
    assert_midline(find_alignment(head.image, head.spacing), 11.0, 0.0, degrees=0.5)


@pytest.mark.parametrize("padding", [-1024.0, -2000.0, -3024.0, np.nan])
def test_padding_is_no_part_of_the_picture(make_head, padding):
    head = make_head(angle=6.0)
    # A circular field of view that cuts the head on one side.
    outside = np.hypot(head.left + 18, head.back) > 88
    assert (head.image[outside] > 0).any()
    image = np.where(outside, np.float32(padding), head.image)
    assert_midline(find_alignment(image, head.spacing), 6.0, 0.0, degrees=0.5)


def test_a_head_cut_by_the_edge_of_the_picture(make_head):
    head = make_head(angle=-5.0)
    cut = 80  # pixels: scalp, skull and 10 mm of brain
    image = head.image[cut:]
    assert head.brain[:cut].any()
    # The middle of what is left lies half the cut further to the left.
    expected = offset_of((-cut / 2, 0), head.spacing, -5.0)
    assert_midline(find_alignment(image, head.spacing), -5.0, expected, degrees=0.5)


@pytest.mark.parametrize("background", [0.0, -1000.0])
def test_a_stripped_brain(make_head, background):
    head = make_head(angle=7.0)
    image = np.where(head.brain, head.image, np.float32(background))
    assert_midline(find_alignment(image, head.spacing), 7.0, 0.0)


def test_structure_inside_outweighs_a_skull_that_is_not_symmetric(make_head):
    head = make_head(angle=0.0)
    # Shear as in plagiocephaly: the outline's axis turns while falx and ventricles stay upright.
    rows = np.indices(head.image.shape)
    middle = (np.array(head.image.shape) - 1) / 2
    down = rows[1] + 0.12 * (rows[0] - middle[0])
    image = ndi.map_coordinates(head.image, [rows[0], down], order=1, mode="nearest")
    assert abs(find_alignment(image, head.spacing).angle) < 2.5


def test_asymmetry_grows_with_a_lesion(make_head):
    head = make_head()
    healthy = find_alignment(head.image, head.spacing).asymmetry
    ill = find_alignment(head.paint(head.within(30, 0, 25), 65).image, head.spacing).asymmetry
    assert 0 < healthy < ill < 1


def test_an_empty_slice_is_refused():
    with pytest.raises(InputError, match="no head"):
        find_alignment(np.full((64, 64), AIR, np.float32), (1.0, 1.0))
