"""Simulated series: valid for pydicom, for GDCM through SimpleITK, and for this package."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name
from pydicom.uid import CTImageStorage
from pydicom.valuerep import validate_value

from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.scans import read_dicom_scan
from atlas_builder.io.dicom.writing import SeriesDescription, write_dicom_series


def make_scan(tilt_deg=0.0, steps=(5.0,) * 5):
    tilt = np.radians(tilt_deg)
    affines = np.tile(np.eye(4), (len(steps) + 1, 1, 1))
    affines[:, :3, 0] = (-0.48828125, 0, 0)
    affines[:, :3, 1] = np.multiply(0.48828125, (0, -np.cos(tilt), -np.sin(tilt)))
    affines[:, :3, 2] = (0, -np.sin(tilt), np.cos(tilt))
    affines[:, :3, 3] = (40.123456, 50.654321, -330.1)
    affines[:, 2, 3] += np.concatenate([[0.0], np.cumsum(steps)])
    data = np.random.default_rng(0).integers(-1024, 3071, (24, 20, len(affines)), dtype=np.int16)
    data[:2] = -3024
    return Scan(data, affines)


def describe(count=6, **changes):
    values = {"identifier": "SIMULATED-1", "variant": "5 mm", "age": 7, "sex": "F", "kernel": "B"}
    return SeriesDescription(**values | {"thickness_mm": np.full(count, 5.0)} | changes)


@pytest.fixture
def series(tmp_path):
    scan = make_scan(18.5)
    paths = write_dicom_series(tmp_path / "dicom", scan, describe(tilt_deg=18.5, padding_hu=-3024))
    return scan, paths


def test_this_package_reads_back_the_same_scan(series):
    scan, paths = series
    again = read_dicom_scan(paths[0].parent)
    np.testing.assert_array_equal(again.data, scan.data)
    np.testing.assert_allclose(again.affines, scan.affines, atol=1e-6)


def test_uneven_and_descending_slices_come_back_in_order_of_position(tmp_path):
    scan = make_scan(steps=(4.0, 4.0, 5.5, 7.0, 7.0))
    thickness = np.array([4.0, 4, 4, 7, 7, 7])
    backwards = Scan(scan.data[:, :, ::-1], scan.affines[::-1])
    paths = write_dicom_series(tmp_path, backwards, describe(thickness_mm=thickness[::-1]))
    again = read_dicom_scan(tmp_path)
    np.testing.assert_array_equal(again.data, scan.data)
    np.testing.assert_allclose(again.affines, scan.affines, atol=1e-6)
    top = pydicom.dcmread(paths[0])
    assert (top.SliceThickness, top.InstanceNumber) == (7, 1)
    assert "SpacingBetweenSlices" not in top


def test_simpleitk_sees_the_same_values_at_the_same_places(tmp_path):
    scan = make_scan()
    write_dicom_series(tmp_path, scan, describe())
    reader = sitk.ImageSeriesReader()
    names = reader.GetGDCMSeriesFileNames(str(tmp_path))
    reader.SetFileNames(names)
    image = reader.Execute()
    assert image.GetSize() == (24, 20, 6)
    # Its axes are z, y, x; columns run along x.
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0), scan.data)
    for index in ((0, 0, 0), (23, 0, 5), (3, 19, 2)):
        place = image.TransformIndexToPhysicalPoint(index)
        ras = scan.affines[index[2]] @ [index[0], index[1], 0, 1]
        np.testing.assert_allclose(np.multiply(place, (-1, -1, 1)), ras[:3], atol=1e-5)


def test_simpleitk_reads_each_tilted_slice_in_its_place(series):
    scan, paths = series
    for index, path in enumerate(paths):
        image = sitk.ReadImage(str(path))
        place = np.multiply(image.TransformIndexToPhysicalPoint((5, 11, 0)), (-1, -1, 1))
        np.testing.assert_allclose(place, (scan.affines[index] @ [5, 11, 0, 1])[:3], atol=1e-5)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image)[0].T, scan.data[:, :, index])
        assert image.GetMetaData("0010|0010").strip() == "SIMULATED"


def test_headers_say_what_a_viewer_needs_and_name_nobody(series):
    _, paths = series
    files = [pydicom.dcmread(path) for path in paths]
    first = files[0]
    assert first.SOPClassUID == CTImageStorage
    assert first.PatientAge == "007Y"
    assert (first.PatientName, first.PatientSex, first.PatientBirthDate) == ("SIMULATED", "F", "")
    assert first.PatientIdentityRemoved == "YES"
    assert first.GantryDetectorTilt == 18.5
    assert (first.WindowCenter, first.WindowWidth) == (40, 80)
    # Stored padding, from which the rescale leads to -3024 HU.
    assert first.PixelPaddingValue + int(first.RescaleIntercept) == -3024
    assert first.SpacingBetweenSlices == pytest.approx(5.0 * np.cos(np.radians(18.5)))
    normal = np.cross(first.ImageOrientationPatient[:3], first.ImageOrientationPatient[3:])
    assert abs(normal[2]) == pytest.approx(np.cos(np.radians(18.5)))
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert len({file[keyword].value for file in files}) == 1
    assert len({file.SOPInstanceUID for file in files}) == len(files)
    assert [int(file.InstanceNumber) for file in files] == [1, 2, 3, 4, 5, 6]
    for file, path in zip(files, paths, strict=True):
        assert file.file_meta.MediaStorageSOPInstanceUID == file.SOPInstanceUID
        assert file.SOPInstanceUID.is_valid
        # Every value is one its type allows.
        for element in pydicom.dcmread(path):
            values = element.value if element.VM > 1 else [element.value]
            for value in values:
                # As text, which is what numbers of these types are in a file.
                text = str(value) if element.VR in ("DS", "IS", "PN", "UI") else value
                validate_value(element.VR, text, pydicom.config.RAISE)


def test_identifiers_come_from_the_subject_alone(tmp_path):
    scan = make_scan()
    folders = {}
    for name, identifier in (("a", "one"), ("b", "one"), ("c", "two")):
        folders[name] = write_dicom_series(tmp_path / name, scan, describe(identifier=identifier))
    first, again, other = ([path.read_bytes() for path in folders[name]] for name in "abc")
    assert first == again
    uids = [pydicom.dcmread(folders[name][0]).SeriesInstanceUID for name in "abc"]
    assert uids[0] == uids[1] != uids[2]
    assert first != other


def test_resampled_series_say_so(tmp_path):
    paths = write_dicom_series(tmp_path, make_scan(), describe(resampled=True))
    assert pydicom.dcmread(paths[0]).ImageType[0] == "DERIVED"
