from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.brain import brain_of_stripped, extract_brain
from atlas_builder.preprocessing.plausibility import BRAIN_AREA_CM2, check_ct, find_brain


def test_whole_and_stripped_head_are_accepted(make_head):
    head = make_head()
    np.testing.assert_array_equal(
        find_brain(head.image, head.spacing), extract_brain(head.image, head.spacing)
    )
    stripped = np.where(head.brain, head.image, np.float32(0))
    np.testing.assert_array_equal(
        find_brain(stripped, head.spacing), brain_of_stripped(stripped, head.spacing)
    )


ACCEPTED = {
    "noise": lambda head, rng: head.image + rng.normal(0, 8, head.image.shape),
    "bone kernel": lambda head, rng: (
        ndi.gaussian_filter(rng.normal(0, 60, head.image.shape), 0.5) + 1.2 * head.image
    ),
    "large infarct": lambda head, rng: head.paint(head.brain & (head.left > 8), 20).image,
    "haemorrhage": lambda head, rng: head.paint(head.within(30, 0, 28), 70).image,
    "contrast medium": lambda head, rng: np.where(head.brain, head.image + 10, head.image),
    "atrophy": lambda head, rng: head.paint(head.within(0, -5, 25), 5).image,
    "air clamped": lambda head, rng: np.maximum(head.image, -200),
    "circle": lambda head, rng: np.where(head.within(0, 0, 113), head.image, -3024),
}


@pytest.mark.parametrize("change", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_ct_with_disease_and_artefacts_is_accepted(make_head, change):
    head = make_head()
    image = change(head, np.random.default_rng(3)).astype(np.float32)
    assert np.count_nonzero(find_brain(image, head.spacing) ^ head.brain) < 0.06 * head.brain.sum()


@hypothesis_settings(max_examples=6)
@given(
    shift=st.sampled_from([1024, -1024, 1000, -1000]),
    stripped=st.booleans(),
    angle=st.floats(-30, 30),
)
def test_shifted_values_are_named(make_head, shift, stripped, angle):
    head = make_head(angle=angle)
    image = np.where(head.brain, head.image, np.float32(-1000)) if stripped else head.image
    with pytest.raises(
        InputError, match=rf"shifted by {shift}: {'subtract' if shift > 0 else 'add'} "
    ):
        find_brain(image + np.float32(shift), head.spacing)


def test_stored_values_cut_at_zero_are_named(make_head):
    head = make_head()
    with pytest.raises(InputError, match="shifted by 1024: subtract 1024"):
        find_brain(np.maximum(head.image + np.float32(1024), 0), head.spacing)


def t1_weighted(head):
    """Bright fat, dark bone and air, white matter brighter than grey, no negative value."""
    image = np.select(
        [head.depth > 4, head.brain, head.depth > -9, head.image > -300], [900, 650, 40, 1100], 10
    )
    image[head.brain & (head.image < 15)] = 250
    return np.abs(image + np.random.default_rng(0).normal(0, 15, image.shape))


REFUSED = {
    "MR": (t1_weighted, "looks like MR"),
    "stripped MR": (lambda head: t1_weighted(head) * head.brain, "looks like MR"),
    "8-bit MR": (lambda head: np.clip(t1_weighted(head) / 5, 0, 255), "span only 0 to"),
    "inverted": (lambda head: -head.image, "inverted"),
    "inverted and positive": (lambda head: 1500 - head.image, "inverted"),
    "display values": (lambda head: np.clip(head.image * 3.2, 0, 255), "span only 0 to 255"),
    "brain window": (lambda head: np.clip(head.image, 0, 80), "span only 0 to 80"),
    "unit interval": (lambda head: np.clip(head.image / 80, 0, 1), "span only 0 to 1"),
    "scaled": (lambda head: head.image * 2.0, "the median inside the skull is"),
    "constant": (lambda head: np.full_like(head.image, 30), "same value"),
    "empty": (lambda head: np.full_like(head.image, np.nan), "same value"),
    "no skull": (lambda head: head.paint((head.depth < 0), -1000).image, "enclosed by skull"),
}


@pytest.mark.parametrize(("change", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_other_images_are_refused_with_their_reason(make_head, change, reason):
    head = make_head()
    with pytest.raises(InputError, match=reason) as refusal:
        find_brain(change(head).astype(np.float32), head.spacing)
    assert "\n" not in str(refusal.value)


def test_trunk_is_refused(make_head):
    head = make_head()
    across, down = np.ogrid[-205:205:0.8, -150:150:0.8]
    size = np.hypot(across / 175, down / 120)
    direction = np.arctan2(down, across)
    trunk = np.select([size > 1, size > 0.85], [-1000.0, -100.0], 55.0)
    trunk[(size < 0.85) & (size > 0.78) & (np.sin(20 * direction) > -0.3)] = 700
    trunk[np.hypot(across, down - 80) < 20] = 400
    trunk += np.random.default_rng(0).normal(0, 5, trunk.shape)
    with pytest.raises(InputError, match="cross-section"):
        find_brain(trunk.astype(np.float32), head.spacing)


@pytest.mark.parametrize("scale", [0.5, 1.5])
def test_wrong_pixel_size_is_refused(make_head, scale):
    head = make_head()
    stripped = np.where(head.brain, head.image, np.float32(0))
    spacing = (head.spacing[0] * scale, head.spacing[1] * scale)
    area = np.count_nonzero(head.brain) * spacing[0] * spacing[1] / 100
    assert not BRAIN_AREA_CM2[0] <= area <= BRAIN_AREA_CM2[1]
    with pytest.raises(InputError, match=rf"{area:.0f} cm2.*pixel size"):
        find_brain(stripped, spacing)


def test_slices_across_the_planes_of_a_scan_are_refused(make_head):
    head = make_head()
    thick = head.image[:, :: round(6 / head.spacing[1])]
    spacing = (head.spacing[0], 6.0)
    says = rf"pixels of {head.spacing[0]:.3g} x 6 mm: this scan was not taken axially"
    for image, size in ((thick, spacing), (thick.T, spacing[::-1])):
        with pytest.raises(InputError, match=says):
            find_brain(image, size)


def test_brain_without_skull_around_it_is_refused(make_head):
    head = make_head()
    clipped = np.minimum(head.image, np.float32(200))
    with pytest.raises(InputError, match="no skull around the brain"):
        check_ct(clipped, head.spacing, head.brain)
