"""Diffusion images, and masks that lie on them or do not."""

from __future__ import annotations

import numpy as np
import pytest

from aspects_scorer.dwi.diffusion import check_same_grid, read_diffusion
from atlas_builder.core.errors import InputError
from atlas_builder.core.volume import Volume
from atlas_builder.io.nifti.images import write_volume

AFFINE = np.array([[-1.5, 0, 0, 90], [0, 1.5, 0, -100], [0, 0, 5, -40], [0, 0, 0, 1]])
SHAPE = (20, 24, 8)


@pytest.fixture
def image():
    return Volume(np.ones(SHAPE, np.float32), AFFINE)


def test_an_image_is_read_with_its_place(tmp_path):
    data = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    write_volume(tmp_path / "b1000.nii.gz", data, AFFINE)
    image = read_diffusion(tmp_path / "b1000.nii.gz")
    np.testing.assert_array_equal(image.data, data)
    np.testing.assert_allclose(image.affine, AFFINE)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (np.ones((20, 24, 2), np.float32), "too few slices"),
        (np.full(SHAPE, np.nan, np.float32), "3840 of its voxels are not finite"),
    ],
)
def test_what_is_no_image_of_a_head_is_refused(tmp_path, data, reason):
    write_volume(tmp_path / "x.nii", data, AFFINE)
    with pytest.raises(InputError, match=reason):
        read_diffusion(tmp_path / "x.nii")


def test_the_same_grid_may_differ_by_rounding(tmp_path, image):
    check_same_grid(tmp_path / "m.nii", SHAPE, AFFINE + 1e-3, image)


def test_another_shape_or_place_is_refused(tmp_path, image):
    with pytest.raises(InputError, match=r"m\.nii: not on .*20 x 24 x 9 voxels, 20 x 24 x 8"):
        check_same_grid(tmp_path / "m.nii", (20, 24, 9), AFFINE, image)
    moved = AFFINE.copy()
    moved[1, 3] += 0.5
    with pytest.raises(InputError, match=r"up to 0\.5 mm away"):
        check_same_grid(tmp_path / "m.nii", SHAPE, moved, image)


@pytest.mark.parametrize(
    ("axis", "words"), [(0, "left and right"), (1, "front and back"), (2, "head and feet")]
)
def test_axes_that_run_the_other_way_are_refused_by_name(tmp_path, image, axis, words):
    mirrored = AFFINE.copy()
    mirrored[:3, axis] *= -1  # the origin too, as a file stored the other way round has it
    mirrored[:3, 3] += AFFINE[:3, axis] * (SHAPE[axis] - 1)
    with pytest.raises(InputError, match=rf"m\.nii: {words} are the other way round"):
        check_same_grid(tmp_path / "m.nii", SHAPE, mirrored, image)
