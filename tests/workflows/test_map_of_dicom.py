"""Maps of DICOM series whose headers are odd, beside those of the series as it should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name
from segmentations import positions_in_file

from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.writing import SeriesDescription, write_dicom_series
from atlas_builder.io.source import open_scan
from atlas_builder.workflows import map_files as outputs
from atlas_builder.workflows.map_files import write_map

YAMADA = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B "
Mapped = Callable[..., tuple[Path, list[str]]]


def tilted(scan: Scan, degrees: float) -> Scan:
    """The scan with its slices turned about the line from left to right, moved along z."""
    tilt = np.radians(degrees)
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    affines = scan.affines.copy()
    affines[:, :3, :3] = turn @ affines[:, :3, :3]
    return Scan(np.rint(scan.data).astype(np.int16), affines)


@pytest.fixture
def mapped(drawn, region_map, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapped:
    """Write the drawn head as DICOM, change its headers, and write its map."""
    monkeypatch.setattr(outputs, "_draw", lambda path, _: path.touch())
    monkeypatch.setattr(outputs, "_report", lambda path, *_: path.touch())

    def run(
        name: str, degrees: float, edit: Callable[[pydicom.Dataset, int], None] | None = None
    ) -> tuple[Path, list[str]]:
        scan, folder = tilted(drawn.scan, degrees), tmp_path / f"{name}-dicom"
        thickness = np.full(len(scan), 10.0)
        description = SeriesDescription("sub-01", "a", 60, "F", thickness, "H30s", degrees)
        for place, path in enumerate(write_dicom_series(folder, scan, description)):
            dataset = pydicom.dcmread(path)
            if edit is not None:
                edit(dataset, place)
                dataset.set_original_encoding(False, True, dataset._character_set)
            dataset.save_as(path)
        with open_scan(folder) as source, ThreadPoolExecutor(1) as executor:
            write_map(tmp_path / name, region_map, source, source.read(), executor, {})
        notes = json.loads((tmp_path / name / "mapping.json").read_text())["notes"]
        return tmp_path / name, notes

    return run


def set_stored(dataset: pydicom.Dataset, keyword: str, kind: str, value: bytes) -> None:
    tag = pydicom.tag.Tag(keyword)
    element = (tag, kind, len(value), value, 0, False, True)
    dataset[tag] = pydicom.dataelem.RawDataElement(*element)


def odd(dataset: pydicom.Dataset, place: int) -> None:
    """Headers as they come: Japanese, with a word for a weight and rounding in the directions."""
    set_stored(dataset, "SpecificCharacterSet", "CS", b"\\ISO 2022 IR 87")
    set_stored(dataset, "PatientName", "PN", YAMADA)
    set_stored(dataset, "PatientWeight", "DS", b"abc ")
    set_stored(dataset, "StudyDate", "DA", b"99999999")
    del dataset.AccessionNumber
    noise = np.random.default_rng(place).normal(0, 1e-5, 6)
    cosines = np.array(dataset.ImageOrientationPatient, float) + noise
    dataset.ImageOrientationPatient = [f"{value:.7f}" for value in cosines]


def no_identity(dataset: pydicom.Dataset, _: int) -> None:
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"


def itk_positions(path: Path) -> dict[int, Any]:
    """Where each label's voxels lie, by ITK."""
    image = sitk.ReadImage(str(path))
    values = sitk.GetArrayFromImage(image).T
    return {
        int(value): np.array(
            [
                image.TransformIndexToPhysicalPoint([int(i) for i in index])
                for index in np.argwhere(values == value)
            ]
        )
        * [-1, -1, 1]
        for value in np.unique(values[values > 0])
    }


@pytest.mark.parametrize("degrees", [0.0, 15.0])
def test_odd_headers_give_the_segmentation_of_the_clean_twin(
    mapped: Mapped, capfd: pytest.CaptureFixture[str], degrees: float
) -> None:
    clean, clean_notes = mapped("clean", degrees)
    capfd.readouterr()
    found, notes = mapped("odd", degrees, odd)
    assert notes == clean_notes
    assert capfd.readouterr() == ("", "")
    expected = positions_in_file(clean / "regions.seg.dcm")
    written = positions_in_file(found / "regions.seg.dcm")
    assert written.keys() == expected.keys()
    for name, positions in expected.items():
        np.testing.assert_allclose(written[name], positions, atol=0.02)
    assert str(pydicom.dcmread(found / "regions.seg.dcm").PatientName) == "Yamada^Tarou=山田^太郎"


def test_slices_of_one_identifier_give_none_and_a_note(mapped: Mapped) -> None:
    folder, notes = mapped("same", 0.0, no_identity)
    assert not (folder / "regions.seg.dcm").exists()
    (note,) = notes
    assert note.startswith("no DICOM SEG: SOPInstanceUID is the same for several slices")


@pytest.mark.parametrize(("degrees", "file"), [(0.3, "regions"), (15.0, "regions_upright")])
def test_the_regions_lie_where_the_segmentation_puts_them(
    mapped: Mapped, region_map, degrees: float, file: str
) -> None:
    folder, notes = mapped("map", degrees)
    assert bool(notes) == (file == "regions_upright")
    assert (folder / "image_upright.nii.gz").exists() == bool(notes)
    found = itk_positions(folder / f"{file}.nii.gz")
    segmented = positions_in_file(folder / "regions.seg.dcm")
    assert len(found) == len(segmented) == 20
    for measure in region_map.measures:
        value = int(measure.region) + (10 if measure.side == "right" else 0)
        starts = (f"{measure.region.name} (", measure.region.full_name.capitalize())
        (name,) = [n for n in segmented if n.startswith(starts) and n.endswith(measure.side)]
        assert len(found[value]) == len(segmented[name])
        off = found[value].mean(axis=0) - segmented[name].mean(axis=0)
        assert np.linalg.norm(off) <= (0.25 if file == "regions" else 0.5**0.5) * 0.9
    if notes:
        assert nib.load(folder / "image_upright.nii.gz").shape[2] == 3
