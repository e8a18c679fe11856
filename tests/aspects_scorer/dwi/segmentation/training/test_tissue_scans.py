"""A tissue scan holds a person's brain and the infarct that was planted."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from aspects_scorer.dwi.segmentation.training.tissue_scans import draw_tissue_scan
from atlas_builder.catalogue.mni_head import load_head

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A ball of 15 mm in the left lentiform nucleus of MNI space, in one person."""
    shape, centre = (91, 109, 91), np.array([33, 62, 40])
    distance = np.linalg.norm(np.indices(shape) - centre.reshape(3, 1, 1, 1), axis=0)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = (-90, -126, -72)
    file = tmp_path_factory.mktemp("lesion") / "sub-1_mask.nii.gz"
    nib.save(nib.Nifti1Image((distance < 7.5).astype(np.uint8), affine), file)
    return draw_tissue_scan(load_head(), [file], [], np.random.default_rng(4))


def test_voxels_and_brain_are_those_of_patients(planted):
    assert 0.9 <= planted.spacing[0] <= 2.5
    assert 2 <= planted.spacing[2] <= 7
    voxel_ml = np.prod(planted.spacing) / 1000
    tissue = (planted.grey.sum(dtype=float) + planted.white.sum(dtype=float)) / 255 * voxel_ml
    assert 800 < tissue < 1500


def test_the_infarct_has_the_balls_size_and_lies_in_tissue_on_one_side(planted):
    share = planted.lesions[0] / 255
    volume = share.sum() * np.prod(planted.spacing) / 1000
    ball = 4 / 3 * np.pi * 1.5**3
    assert 0.5 * ball < volume < 1.1 * ball  # brains are smaller than MNI space
    inside = share > 0.5
    tissue = (planted.grey[inside].astype(int) + planted.white[inside]) / 255
    assert tissue.mean() > 0.9
    brain = np.nonzero(planted.grey > 127)[0]
    middle = (brain.min() + brain.max()) / 2
    off = abs(np.nonzero(inside)[0].mean() - middle) * planted.spacing[0]
    assert 12 < off < 35


def test_fat_and_flesh_lie_outside_the_brain(planted):
    brain = planted.grey.astype(int) + planted.white + planted.csf > 200
    assert planted.fat.max() > 100
    assert planted.fat[brain].mean() < 5
    assert planted.flesh[brain].mean() < 5
