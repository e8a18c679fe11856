"""Key slices of the semireal cohort, a real scan and the published atlas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage as ndi

from atlas_builder.cohorts.labelled_scans import read_labelled_slices, read_participants
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.io.dicom.scans import read_dicom_scan
from atlas_builder.io.nifti.images import read_labels, read_scan
from atlas_builder.preprocessing.key_slice import make_key_slice, resample_labels
from atlas_builder.preprocessing.symmetry import Alignment, find_alignment

GROUPS = ["10_29", "30_49", "50_69", "70_89"]


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def first_participant(data, group):
    participants, _ = read_participants(data / "semireal" / group, AgeGroup.parse(group), "build")
    return read_labelled_slices(participants[0], "expert").values()


@pytest.mark.parametrize("group", GROUPS)
def test_labels_lie_symmetric_and_come_back(data: Path, group: str) -> None:
    for level in first_participant(data, group):
        key = make_key_slice(level.ct)
        labels = resample_labels(level.labels, key)
        back = ndi.affine_transform(
            labels, np.linalg.inv(key.to_slice), output_shape=level.labels.data.shape, order=0
        )
        assert key.brain[labels > 0].mean() > 0.99
        for value in np.unique(labels)[1:]:
            assert dice(back == value, level.labels.data == value) > 0.97
            # Homologous regions lie as far to the left as to the right, and at the same height.
            x, y = np.nonzero(labels == value)
            x = (x - 229.5) / 2
            assert abs(x[x > 0].mean() + x[x < 0].mean()) / 2 < 3.0
            assert abs(y[x > 0].mean() - y[x < 0].mean()) / 2 < 7.0


@pytest.mark.parametrize(("angle", "pixels"), [(17.0, (-28, 25)), (-19.0, (30, -14))])
def test_the_midline_follows_a_head_that_is_moved(data: Path, angle: float, pixels: tuple) -> None:
    for level in first_participant(data, "50_69"):
        before = find_alignment(level.ct.data, level.ct.spacing)
        turn = Alignment(angle, 0, 0).rotation
        middle = (np.array(level.ct.data.shape) - 1) / 2
        moved = ndi.affine_transform(
            level.ct.data, turn.T, middle - turn.T @ (middle + pixels), order=1, cval=-1024
        )
        after = find_alignment(moved, level.ct.spacing)
        assert after.angle == pytest.approx(before.angle + angle, abs=0.3)
        shift = np.multiply(pixels, level.ct.spacing) @ after.rotation[:, 0]
        assert after.offset == pytest.approx(before.offset + shift, abs=0.4)


def test_a_real_turned_head(data: Path) -> None:
    scan = read_dicom_scan(data / "ge-head-ct")
    # Falx and third ventricle on these slices run at -8 to -11 degrees.
    for index in range(12, 25, 2):
        key = make_key_slice(scan[index])
        assert key.alignment.angle == pytest.approx(-9.5, abs=2.5)
        left, right = (np.count_nonzero(half) for half in (key.brain[230:], key.brain[:230]))
        assert left == pytest.approx(right, rel=0.1)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("level", ["subcortical", "cortical"])
def test_a_stripped_atlas_slice_stays_as_it_is(data: Path, group: str, level: str) -> None:
    folder = data / "aspects-281"
    image = read_scan(folder / f"{level}_image_{group}.nii.gz")[0]
    labels = read_labels(folder / f"{level}_label_{group}.nii.gz")[0]
    key = make_key_slice(image)
    assert abs(key.alignment.angle) < 2.5
    assert abs(key.alignment.offset) < 1.5
    assert np.count_nonzero(key.brain) == pytest.approx(np.count_nonzero(image.data), rel=0.02)
    carried = resample_labels(labels, key)
    for value in np.unique(labels.data)[1:]:
        assert np.count_nonzero(carried == value) == pytest.approx(
            np.count_nonzero(labels.data == value), rel=0.03
        )
