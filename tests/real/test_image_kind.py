"""A real diffusion image is taken for what it is, and its negative for a map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aspects_scorer.dwi.image_kind import check_kinds, look_of
from aspects_scorer.dwi.landmarks import find_landmarks
from aspects_scorer.dwi.segmentation.brain import extract_brain
from aspects_scorer.dwi.template_space import place_coarsely, register_to_template
from atlas_builder.core.errors import InputError
from atlas_builder.core.volume import Volume

pytestmark = pytest.mark.slow

DWI, ADC = Path("b1000.nii.gz"), Path("adc.nii.gz")


def place_wholly(image: Volume, brain):
    return register_to_template(image, brain, np.zeros(brain.shape, bool))


@pytest.fixture(scope="module", params=[place_wholly, place_coarsely])
def landmarks(image: Volume, request: pytest.FixtureRequest):
    brain = extract_brain(image.data, image.affine)
    return find_landmarks(image, brain, request.param(image, brain))


def test_a_real_image_of_b_1000_is_neither_refused_nor_doubted(image, landmarks) -> None:
    assert check_kinds(DWI, image.data, None, None, landmarks) == ()
    look = look_of(image.data, landmarks)
    assert 0.1 < look.fluid < 0.5
    assert look.scalp < 0.3


def test_its_negative_passes_for_a_map_and_the_image_itself_does_not(image, landmarks) -> None:
    """On the negative fluid is brighter than the brain, as on a map."""
    brain = float(np.median(image.data[landmarks.brain]))
    negative = np.maximum(1.3 * brain - image.data, 0).astype(np.float32)
    assert check_kinds(DWI, image.data, ADC, negative, landmarks) == ()
    with pytest.raises(InputError, match="exchange --dwi and --adc"):
        check_kinds(DWI, negative, ADC, image.data, landmarks)
    with pytest.raises(InputError, match="the same picture as"):
        check_kinds(DWI, image.data, ADC, 2 * image.data, landmarks)
