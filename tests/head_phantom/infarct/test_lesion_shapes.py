"""Lesions are parted by participant, for good, and read as masks in MNI space."""

from __future__ import annotations

from collections import Counter

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspects_scorer.dwi.segmentation.training.scan_cache import ScanPlan, planted_participants
from atlas_builder.core.errors import InputError
from head_phantom.infarct.lesion_shapes import (
    Part,
    lesion_files,
    mirrored,
    part_of,
    participants_of,
    read_shape,
)


def touch(folder, names):
    for name in names:
        (folder / f"{name}_space-MNI152_lesion_mask.nii.gz").touch()


def test_four_fifths_are_trained_on_and_an_eighth_is_kept():
    counts = Counter(part_of(f"sub-{n}") for n in range(4000))
    assert counts[Part.TRAINING] / 4000 == pytest.approx(0.80, abs=0.02)
    assert counts[Part.TEST] / 4000 == pytest.approx(0.12, abs=0.02)


def test_the_parts_of_known_participants_never_change():
    parts = {f"sub-{n}": part_of(f"sub-{n}") for n in (1000, 1002, 1004, 1006, 1008)}
    assert [name for name, part in parts.items() if part is Part.TEST] == ["sub-1000", "sub-1006"]


@settings(max_examples=15)
@given(names=st.sets(st.integers(0, 9999), min_size=40, max_size=60))
def test_a_plan_never_plants_what_is_kept(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("lesions")
    touch(folder, [f"sub-{n}" for n in names])
    try:
        kept = {*participants_of(lesion_files(folder, Part.TEST))}
        plan = ScanPlan(folder, folder / "scans", seed=3, persons=4)
        trained = {*planted_participants(plan, Part.TRAINING)}
        validated = {*planted_participants(plan, Part.VALIDATION)}
    except InputError:
        return  # a part has no participant
    assert not kept & trained
    assert not kept & validated
    assert not trained & validated


def test_more_persons_begin_with_the_same_ones(tmp_path):
    touch(tmp_path, [f"sub-{n}" for n in range(60)])
    few, many = (
        ScanPlan(tmp_path, tmp_path / "scans", 1, persons).tasks(Part.TRAINING)
        for persons in (3, 7)
    )
    assert many[:3] == few


def test_a_folder_without_masks_is_refused(tmp_path):
    with pytest.raises(InputError, match="no lesion masks for training"):
        lesion_files(tmp_path, Part.TRAINING)


def test_a_mask_is_read_and_changes_sides(tmp_path):
    data = np.zeros((10, 12, 8), np.uint8)
    data[7, 5, 4] = 255
    affine = np.diag([-2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = (9, -12, -8)
    file = tmp_path / "sub-1_mask.nii.gz"
    nib.save(nib.Nifti1Image(data, affine), file)
    lesion = read_shape(file)

    def place(mask):
        return mask.affine[:3] @ np.append(np.argwhere(mask.data)[0], 1)

    np.testing.assert_allclose(place(lesion), (-5, -2, 0))
    np.testing.assert_allclose(place(mirrored(lesion)), (5, -2, 0))


@pytest.mark.parametrize("content", [b"", b"not an image"])
def test_a_damaged_mask_is_named(tmp_path, content):
    file = tmp_path / "sub-1_mask.nii"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"sub-1_mask\.nii"):
        read_shape(file)


def test_an_empty_mask_is_named(tmp_path):
    file = tmp_path / "sub-1_mask.nii"
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4)), file)
    with pytest.raises(InputError, match=r"sub-1_mask\.nii"):
        read_shape(file)
