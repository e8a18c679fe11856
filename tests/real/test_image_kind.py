"""A real diffusion image is taken for what it is, and its negative for a map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from aspects_scorer.dwi.image_kind import check_kinds, look_of
from aspects_scorer.dwi.landmarks import find_landmarks
from aspects_scorer.dwi.segmentation.brain import extract_brain
from aspects_scorer.dwi.template_space import place_coarsely, register_to_template
from atlas_builder.core.errors import InputError
from atlas_builder.core.volume import Volume

pytestmark = pytest.mark.slow

DWI, ADC = Path("b1000.nii.gz"), Path("adc.nii.gz")


@pytest.fixture(scope="module")
def image(data: Path) -> Volume:
    """The b 1000 image of a man of 79 years, whose brain is atrophied."""
    files = [pydicom.dcmread(path) for path in (data / "real-ct/siemens-tilt/DWI").glob("*.dcm")]
    files.sort(key=lambda file: float(file.ImagePositionPatient[2]))
    affine = np.eye(4)
    row, column = np.array(files[0].ImageOrientationPatient, float).reshape(2, 3)
    first, last = (np.array(files[end].ImagePositionPatient, float) for end in (0, -1))
    affine[:3, 0] = row * float(files[0].PixelSpacing[1])
    affine[:3, 1] = column * float(files[0].PixelSpacing[0])
    affine[:3, 2] = (last - first) / (len(files) - 1)
    affine[:3, 3] = first
    pixels = np.stack([file.pixel_array.T for file in files], axis=-1)
    return Volume(pixels.astype(np.float32), np.diag([-1.0, -1, 1, 1]) @ affine)


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
