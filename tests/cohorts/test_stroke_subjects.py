"""A stroke cohort is read scan by scan, with regions and masks on the scan's grid."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from atlas_builder.cohorts.stroke_subjects import read_stroke_cohort, read_stroke_subject
from atlas_builder.cohorts.stroke_truth import StrokeTruth, no_stroke, write_truth
from atlas_builder.core.errors import InputError

AFFINE = np.diag([-1.0, -1.0, 5.0, 1.0])


@pytest.fixture
def cohort(tmp_path):
    """One patient, one healthy subject."""
    shape = (8, 9, 4)
    for name in ("sub-a", "sub-b"):
        folder = tmp_path / name
        folder.mkdir()
        regions = np.zeros(shape, np.uint8)
        regions[2:4, 3, :], regions[5:7, 3, :] = 7, 17
        write(folder, "ct", np.full(shape, 30, np.int16))
        write(folder, "desc-regions_labels", regions)
    write(tmp_path / "sub-a", "desc-lesion_mask", (regions == 17).astype(np.uint8))
    write(tmp_path / "sub-b", "desc-cavity_mask", (regions == 7).astype(np.uint8))
    (tmp_path / "participants.tsv").write_text(
        "participant_id\tage\nsub-a\t61\nsub-b\t74\nsub-c\t50\n"
    )
    (tmp_path / "sub-c").mkdir()
    healthy = no_stroke("sub-b")
    write_truth(
        tmp_path / "truth.tsv", [StrokeTruth("sub-a", "right", 3.0, 2.0, healthy.shares), healthy]
    )
    return tmp_path


def write(folder, ending, data, affine=AFFINE):
    nib.save(nib.Nifti1Image(data, affine), folder / f"{folder.name}_{ending}.nii.gz")


def test_scan_regions_and_masks_belong_together(cohort):
    subjects, refusals = read_stroke_cohort(cohort)
    assert [one.participant_id for one, _ in subjects] == ["sub-a", "sub-b"]
    assert [one.participant_id for one in refusals] == ["sub-c"]  # no truth
    ill, healthy = (read_stroke_subject(*subject) for subject in subjects)
    assert ill.participant.age == 61
    assert set(np.unique(ill.regions)) == {0, 7, 17}
    np.testing.assert_array_equal(ill.lesion, ill.regions == 17)
    assert not ill.cavity.any()
    assert not healthy.lesion.any()
    np.testing.assert_array_equal(healthy.cavity, healthy.regions == 7)
    assert ill.scan.data.shape == ill.regions.shape


def test_what_does_not_fit_is_refused(cohort):
    subjects, _ = read_stroke_cohort(cohort)
    folder = cohort / "sub-a"
    (folder / "sub-a_desc-lesion_mask.nii.gz").rename(cohort / "kept")
    with pytest.raises(InputError, match="desc-lesion_mask"):
        read_stroke_subject(*subjects[0])
    write(folder, "desc-lesion_mask", np.full((8, 9, 4), 3, np.uint8))
    with pytest.raises(InputError, match="other than whole numbers from 0 to 1"):
        read_stroke_subject(*subjects[0])
    write(folder, "desc-lesion_mask", np.ones((8, 9, 4), np.uint8), np.diag([-1.0, -1, 6, 1]))
    with pytest.raises(InputError, match="another grid"):
        read_stroke_subject(*subjects[0])
