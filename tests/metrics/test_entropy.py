"""Shannon entropy of images whose entropy is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atlas_builder.metrics.entropy import shannon_entropy

images = arrays(np.int16, (9, 11), elements=st.integers(-1000, 3000))


@pytest.mark.parametrize(
    ("pixels", "bits"),
    [
        ([0, 80], 1.0),
        ([-5, -5, -5, 7], -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))),
        ([0, 1, 2, 3], 2.0),
        ([10, 10, 20, 30], 1.5),
        # 0.4 of 255 rounds to the same grey level as 0, 0.6 to the next.
        ([0, 0.4, 0.6, 255], 1.5),
    ],
)
def test_entropies_by_hand(pixels, bits):
    assert shannon_entropy(np.array(pixels)) == pytest.approx(bits)


def test_256_equally_frequent_levels_have_8_bits():
    image = np.tile(np.arange(256), 3).reshape(16, 48)
    assert shannon_entropy(image) == pytest.approx(8.0)
    assert shannon_entropy(image.astype(np.uint8)) == pytest.approx(8.0)
    # Values in between add no level.
    assert shannon_entropy(np.linspace(0, 1, 10_000)) <= 8.0


@pytest.mark.parametrize("value", [0, -1000.5, 3.2e4])
def test_a_constant_image_has_none(value):
    assert shannon_entropy(np.full((4, 5), value)) == 0.0


def test_the_background_counts():
    brain = np.arange(16.0).reshape(4, 4)
    framed = np.pad(brain, 6)
    assert shannon_entropy(framed) < shannon_entropy(brain)


@given(images, st.integers(1, 4), st.integers(-2000, 2000))
def test_gain_and_offset_change_nothing(image, gain, offset):
    wide = image.astype(np.int64)
    assert shannon_entropy(wide * 2**gain + offset) == pytest.approx(shannon_entropy(image))


@given(images, st.randoms(use_true_random=False))
def test_places_change_nothing_and_8_bits_are_the_limit(image, random):
    order = list(range(image.size))
    random.shuffle(order)
    entropy = shannon_entropy(image)
    assert shannon_entropy(image.ravel()[order]) == pytest.approx(entropy)
    assert 0 <= entropy <= min(8, np.log2(image.size)) + 1e-12
