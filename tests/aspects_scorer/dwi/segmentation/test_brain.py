"""Brain extraction finds the whole brain, whatever the scale, the storage and the infarct."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspects_scorer.dwi.segmentation.brain import extract_brain
from atlas_builder.core.errors import InputError


def dice(first, second):
    return 2 * np.count_nonzero(first & second) / (first.sum() + second.sum())


AFFINE = np.diag([2.0, 2.0, 5.0, 1.0])


def test_it_finds_brain_with_ventricles_and_infarct_but_no_scalp_and_no_eyes(diffusion_head):
    signal, truth, infarct = diffusion_head
    brain = extract_brain(signal, AFFINE)
    assert dice(brain, truth) > 0.97
    assert (brain & infarct).sum() > 0.98 * infarct.sum()
    assert (brain & ~truth).sum() < 0.02 * truth.sum()


def test_a_bright_infarct_of_a_hemisphere_hides_neither_itself_nor_the_rest(diffusion_head):
    signal, truth, _ = diffusion_head
    half = truth.copy()
    half[: len(half) // 2 + 4] = False
    signal = np.where(half, 3.5 * signal, signal).astype(np.float32)
    brain = extract_brain(signal, AFFINE)
    assert dice(brain, truth) > 0.96


@settings(max_examples=5)
@given(
    exponent=st.floats(-4, 4),
    flips=st.tuples(*[st.booleans()] * 3),
)
def test_scale_and_storage_do_not_matter(diffusion_head, reference, exponent, flips):
    signal, _, _ = diffusion_head

    def stored(volume):
        axes = [axis for axis, flip in enumerate(flips) if flip]
        return np.ascontiguousarray(np.flip(volume, axes))

    brain = extract_brain(stored(signal) * np.float32(10**exponent), AFFINE)
    assert dice(brain, stored(reference)) > 0.999


def test_a_stripped_brain_stays_whole(diffusion_head):
    signal, truth, _ = diffusion_head
    assert dice(extract_brain(np.where(truth, signal, 0), AFFINE), truth) > 0.97


def test_values_that_are_not_numbers_count_as_nothing(diffusion_head, reference):
    signal = diffusion_head[0].copy()
    signal[:3], signal[:, :3] = np.nan, np.inf
    assert dice(extract_brain(signal, AFFINE), reference) > 0.999


@pytest.fixture(scope="module")
def reference(diffusion_head):
    return extract_brain(diffusion_head[0], AFFINE)


def nothing(signal):
    return np.zeros_like(signal), AFFINE


def hounsfield(signal):
    return signal - 1000, AFFINE


def noise(signal):
    return np.random.default_rng(1).rayleigh(10, signal.shape).astype(np.float32), AFFINE


def thimble(signal):
    return signal, np.diag([0.4, 0.4, 1.0, 1.0])


def plate(signal):
    return signal[:, :, :2], AFFINE


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (nothing, "all values are 0"),
        (hounsfield, "below 0"),
        (noise, "no brain found"),
        (thimble, "mL"),
        (plate, "3 or more slices"),
    ],
)
def test_what_is_no_brain_is_refused_in_one_line(diffusion_head, made, words):
    with pytest.raises(InputError, match=words) as refused:
        extract_brain(*made(diffusion_head[0]))
    assert "\n" not in str(refused.value)
