"""Pictures of slices as a DICOM series, read back at the places of their source."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from atlas_builder.io.dicom.results.captures import write_captures
from atlas_builder.io.dicom.scans import DicomSeries, examine_dicom

VALIDATOR = shutil.which("dciodvfy")
IDENTIFIED = {"StudyInstanceUID": generate_uid(), "FrameOfReferenceUID": generate_uid()}


def pictures_of(series: DicomSeries) -> dict[int, np.ndarray]:
    """A red first pixel and a blue last one on grey, on the slices 1 and 4."""
    pictures = {}
    for index in (1, 4):
        picture = np.full((*series.slice_shape, 3), 10 * index, np.uint8)
        picture[0, 0] = (255, 0, 0)
        picture[-1, -1] = (0, 0, 255)
        pictures[index] = picture
    return pictures


def position(dataset: pydicom.Dataset, colour: tuple[int, ...]) -> np.ndarray:
    ((row, column),) = np.argwhere((dataset.pixel_array == colour).all(axis=2))
    cosines = np.array(dataset.ImageOrientationPatient, float)
    down, along = map(float, dataset.PixelSpacing)
    origin = np.array(dataset.ImagePositionPatient, float)
    return (origin + column * along * cosines[:3] + row * down * cosines[3:]) * [-1, -1, 1]


@pytest.mark.parametrize(("tilt", "turn"), [(18.5, 0), (0, 90), (-12, 180)])
def test_pixels_lie_where_their_slice_has_them(
    made: ModuleType, ct_folder: Callable[..., Path], tmp_path: Path, tilt: float, turn: float
) -> None:
    series = examine_dicom(ct_folder(made.Geometry(tilt, turn), **IDENTIFIED))
    assert write_captures(tmp_path / "drawn", pictures_of(series), series.frames) is None
    first, second = (pydicom.dcmread(tmp_path / "drawn" / f"000{n}.dcm") for n in (1, 2))
    columns, rows = series.slice_shape
    for dataset, index in ((first, 1), (second, 4)):
        affine = series.affines[index]
        expected = affine[:3, 3]
        np.testing.assert_allclose(position(dataset, (255, 0, 0)), expected, atol=1e-4)
        expected = (affine @ [columns - 1, rows - 1, 0, 1])[:3]
        np.testing.assert_allclose(position(dataset, (0, 0, 255)), expected, atol=1e-4)
        source = pydicom.dcmread(series.frames[index].path)
        assert dataset.StudyInstanceUID == source.StudyInstanceUID
        assert dataset.FrameOfReferenceUID == source.FrameOfReferenceUID
        assert dataset.PatientName == source.PatientName
        (named,) = dataset.SourceImageSequence
        assert named.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert first.SeriesInstanceUID == second.SeriesInstanceUID != source.SeriesInstanceUID


def test_a_multiframe_source_is_named_by_frame(made: ModuleType, tmp_path: Path) -> None:
    dataset = made.enhanced(shared=True)
    for keyword, value in IDENTIFIED.items():
        setattr(dataset, keyword, value)
    made.save_dicom(dataset, tmp_path / "dicom" / "enhanced.dcm")
    series = examine_dicom(tmp_path / "dicom")
    assert write_captures(tmp_path / "drawn", pictures_of(series), series.frames) is None
    drawn = pydicom.dcmread(tmp_path / "drawn" / "0002.dcm")
    expected = series.affines[4][:3, 3]
    np.testing.assert_allclose(position(drawn, (255, 0, 0)), expected, atol=1e-4)
    (named,) = drawn.SourceImageSequence
    assert named.ReferencedFrameNumber == series.frames[4].index + 1


def test_sources_that_cannot_be_named_get_none_and_a_reason(
    ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    series = examine_dicom(ct_folder(StudyInstanceUID=IDENTIFIED["StudyInstanceUID"]))
    reason = write_captures(tmp_path / "drawn", pictures_of(series), series.frames)
    assert reason == "no DICOM overlay: the source lacks FrameOfReferenceUID"
    assert not (tmp_path / "drawn").exists()


@pytest.mark.skipif(VALIDATOR is None, reason="dciodvfy is not here: apt-get install dicom3tools")
def test_the_standard_s_checker_finds_no_error(
    ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    assert VALIDATOR is not None
    series = examine_dicom(ct_folder(**IDENTIFIED, PatientSex="F"))
    write_captures(tmp_path / "drawn", pictures_of(series), series.frames)
    path = tmp_path / "drawn" / "0001.dcm"
    ended = subprocess.run([VALIDATOR, path], capture_output=True, text=True, check=False)
    assert "SCImage" in ended.stderr + ended.stdout
    assert "Error" not in ended.stderr + ended.stdout
