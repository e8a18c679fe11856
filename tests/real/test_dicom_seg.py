"""DICOM SEG over a real scan: gantry tilt of 18.5 degrees, spacing that changes."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
import pytest

from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.io.source import DicomSource, open_scan

BGL, SGL = 15, 18


@pytest.fixture(scope="module")
def written(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[DicomSource, Path]:
    """Discs for regions, the patient's left and right apart, over the real scan."""
    folder = tmp_path_factory.mktemp("map")
    with open_scan(data / "ge-head-ct") as source:
        assert isinstance(source, DicomSource)
        labels = np.zeros(source.shape, np.uint8)
        x, y = np.meshgrid(np.arange(512), np.arange(512), indexing="ij")
        for region in Region:
            for side in SIDES:
                column = 256 + (60 if side == "left" else -60)
                disc = np.hypot(x - column, y - 150 - 20 * int(region)) < 8
                index = BGL if region.level == "BGL" else SGL
                labels[disc, index] = map_value(region, side)
        note = source.write_labels(folder / "regions.nii.gz", labels, (BGL, SGL))
        assert note is not None
        assert source.write_segmentation(folder / "regions.seg.dcm", labels) is None
        np.save(folder / "labels.npy", labels)
    return source, folder


def test_frames_lie_on_the_source_slices(written: tuple[DicomSource, Path]) -> None:
    source, folder = written
    dataset = pydicom.dcmread(folder / "regions.seg.dcm")
    labels = np.load(folder / "labels.npy")
    sources = {k: pydicom.dcmread(source.dicom.frames[k].path) for k in (BGL, SGL)}
    assert len(dataset.PerFrameFunctionalGroupsSequence) == 20
    orientation = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    np.testing.assert_allclose(
        orientation.ImageOrientationPatient, sources[BGL].ImageOrientationPatient, atol=1e-6
    )
    for pixels, groups in zip(
        dataset.pixel_array, dataset.PerFrameFunctionalGroupsSequence, strict=True
    ):
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        k = BGL if (number - 1) % 10 < 7 else SGL
        np.testing.assert_allclose(
            groups.PlanePositionSequence[0].ImagePositionPatient,
            sources[k].ImagePositionPatient,
            atol=1e-6,
        )
        # The scan is stored with columns to the left and rows to the back, as labels are.
        np.testing.assert_array_equal(pixels.T.astype(bool), labels[:, :, k] == number)


def test_highdicom_loads_it_over_its_source(written: tuple[DicomSource, Path]) -> None:
    source, folder = written
    segmentation = hd.seg.segread(folder / "regions.seg.dcm")
    uids = [pydicom.dcmread(source.dicom.frames[k].path).SOPInstanceUID for k in (BGL, SGL)]
    assert {uid for *_, uid in segmentation.get_source_image_uids()} == set(uids)
    pixels = segmentation.get_pixels_by_source_instance(
        uids, combine_segments=True, assert_missing_frames_are_empty=True,
        ignore_spatial_locations=False,
    )  # fmt: skip
    labels = np.load(folder / "labels.npy")
    for place, k in enumerate((BGL, SGL)):
        np.testing.assert_array_equal(pixels[place].T, labels[:, :, k])
    left = segmentation.get_segment_numbers(segment_label="Insula, left")
    (number,) = left
    columns = np.argwhere(pixels == number)[:, 2]
    assert columns.min() > 256  # the patient's left is to the right of the picture


def test_the_volume_is_exact_at_the_key_slices(written: tuple[DicomSource, Path]) -> None:
    source, folder = written
    affine = nib.load(folder / "regions.nii.gz").affine
    for k in (BGL, SGL):
        for c, r in ((0, 0), (511, 0), (0, 511)):
            np.testing.assert_allclose(
                affine @ (c, r, k, 1), source.affines[k] @ (c, r, 0, 1), atol=1e-3
            )
