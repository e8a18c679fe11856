"""A brain that lies askew under uneven slices is turned upright and found in MNI space."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation
from small_brain import small_head

from atlas_builder.catalogue.tissues import Tissue, mean_hu
from atlas_builder.core.scan import Scan
from head_phantom.real_brain.alignment import align_brain

SHIFT = np.array([4.0, -3.0, 5.0])
TURN = Rotation.from_euler("xyz", (4, 3, 6), degrees=True).as_matrix()


def skewed_scan(head):
    """Slices of 2 mm below and 3 mm above, through the head turned and shifted; HU + 10."""
    hu = sum(
        (mean_hu(tissue, 60) + 10) / 255 * head.tissues[tissue].astype(np.float32)
        for tissue in (Tissue.GREY, Tissue.WHITE, Tissue.CSF)
    )
    heights = np.concatenate([np.arange(-34, 0, 2.0), np.arange(0, 40, 3.0)])
    affines = np.tile(np.eye(4), (len(heights), 1, 1))
    affines[:, 0, 0] = affines[:, 1, 1] = -1.0
    affines[:, :2, 3] = 45.0
    affines[:, 2, 3] = heights
    columns, rows = np.indices((90, 90))
    data = np.empty((90, 90, len(heights)), np.float32)
    for k, affine in enumerate(affines):
        points = np.stack([45.0 - columns, 45.0 - rows, np.full((90, 90), affine[2, 3])])
        places = np.tensordot(TURN.T, points - SHIFT.reshape(3, 1, 1), axes=1)
        voxels = places - head.affine[:3, 3].reshape(3, 1, 1)
        data[:, :, k] = ndimage.map_coordinates(hu, voxels, order=1)
    return Scan(data, affines), data > 5


@pytest.mark.slow
def test_the_brain_comes_out_upright_in_its_own_size_and_density():
    head = small_head()
    brain = align_brain(head, *skewed_scan(head))
    expected = sum(int(head.tissues[t].sum()) for t in (Tissue.GREY, Tissue.WHITE, Tissue.CSF))
    assert brain.volume_ml == pytest.approx(expected / 255 / 1000, rel=0.1)
    assert np.median(brain.hu[brain.inside > 0.9]) == pytest.approx(32, abs=2)
    landmarks = np.array([[20.0, 0, 0], [-20, 0, 0], [0, 27, 0], [0, -27, 0], [7, 6, 0]]).T
    # It was only turned and shifted, so that upright it lies where MNI space has it.
    moved = brain.in_mni(landmarks) - landmarks
    assert np.linalg.norm(moved, axis=0).max() < 2.0
    # The ventricles, forward of the middle, are fluid in both.
    inside = (head.tissues[Tissue.CSF] > 200) & (brain.inside > 0.9)
    assert np.median(brain.hu[inside]) < 20 < np.median(brain.hu[head.tissues[Tissue.WHITE] > 200])
