"""Lesion masks: what is read, and what is refused with its reason."""

from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np
import pytest

from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.masks import read_lesion

AFFINE = np.array([[-2.0, 0, 0, 30], [0, 2, 0, -40], [0, 0, 3, -10], [0, 0, 0, 1]])


def save(path, data, affine=AFFINE, *, codes=(1, 1)):
    image = nib.Nifti1Image(data, affine)
    image.set_qform(affine, codes[0])
    image.set_sform(affine, codes[1])
    nib.save(image, path)
    return path


@pytest.fixture
def mask():
    mask = np.zeros((8, 9, 7), np.uint8)
    mask[2:4, 3:6, 1] = 1
    return mask


@pytest.mark.parametrize("value", [1, 255, 7])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
def test_any_two_values_are_a_mask(tmp_path, mask, value, kind):
    lesion = read_lesion(save(tmp_path / "m.nii.gz", (mask * value).astype(kind)))
    np.testing.assert_array_equal(lesion.mask, mask > 0)
    np.testing.assert_allclose(lesion.affine, AFFINE)
    assert lesion.volume_ml == pytest.approx(6 * 12 / 1000)


def test_a_scaled_file_and_a_fourth_axis_of_one(tmp_path, mask):
    image = nib.Nifti1Image(mask[..., np.newaxis], AFFINE)
    image.header.set_slope_inter(0.1, 0)
    nib.save(image, tmp_path / "m.nii")
    assert read_lesion(tmp_path / "m.nii").mask.sum() == 6


def test_an_empty_mask_is_an_empty_lesion(tmp_path, mask):
    lesion = read_lesion(save(tmp_path / "m.nii", mask * 0))
    assert not lesion
    assert lesion.volume_ml == 0


def change(mask, kind):
    data = mask.astype(np.float32)
    if kind == "probabilities":
        data[2, 3, 1] = 0.4
    elif kind == "labels":
        data[2, 3, 1] = 2
    elif kind == "nan":
        data[0, 0, 0] = np.nan
    elif kind == "whole":
        data[:] = 1
    elif kind == "slice":
        return data[:, :, 1]
    elif kind == "series":
        return np.stack([data, data], axis=3)
    return data


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("probabilities", r"not binary .*probability map.*set a threshold"),
        ("labels", r"not binary .*label map.*keep one label"),
        ("nan", "1 of its voxels are not finite"),
        ("whole", "every voxel holds 1"),
        ("slice", "a single slice"),
        ("series", "holds 2 volumes"),
    ],
)
def test_what_is_no_mask_is_refused(tmp_path, mask, kind, reason):
    path = save(tmp_path / "m.nii.gz", change(mask, kind))
    with pytest.raises(InputError, match=reason) as refused:
        read_lesion(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_a_mask_without_a_place_is_refused(tmp_path, mask):
    with pytest.raises(InputError, match="nothing about left and right"):
        read_lesion(save(tmp_path / "m.nii", mask, codes=(0, 0)))


def test_forms_that_disagree_about_sides_are_refused(tmp_path, mask):
    image = nib.Nifti1Image(mask, AFFINE)
    image.set_qform(AFFINE, 1)
    image.set_sform(AFFINE @ np.diag([-1.0, 1, 1, 1]), 1)
    nib.save(image, tmp_path / "m.nii")
    with pytest.raises(InputError, match="disagree about left and right"):
        read_lesion(tmp_path / "m.nii")


def test_damaged_files_are_refused(tmp_path, mask):
    path = save(tmp_path / "m.nii", mask)
    whole = path.read_bytes()
    path.write_bytes(whole[:-50])
    with pytest.raises(InputError, match="truncated"):
        read_lesion(path)
    cut = tmp_path / "m.nii.gz"
    cut.write_bytes(gzip.compress(whole)[:-12])
    with pytest.raises(InputError, match="damaged or truncated"):
        read_lesion(cut)
    with pytest.raises(InputError, match="no such file"):
        read_lesion(tmp_path / "gone.nii")
