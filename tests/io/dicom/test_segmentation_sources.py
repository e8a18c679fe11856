"""DICOM SEG over sources whose headers are odd: like the clean twin's, or none and a reason.

The headers are those of a series that is fit, changed as they are met in practice.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import generate_uid
from segmentations import positions_in_file, region_map

from atlas_builder.io.dicom.frames import Frame
from atlas_builder.io.dicom.scans import DicomSeries, examine_dicom
from atlas_builder.io.dicom.segmentation import write_segmentation

IDENTIFIED = {"StudyInstanceUID": generate_uid(), "FrameOfReferenceUID": generate_uid()}
Edit = Callable[[Dataset, int], None]


def stored(keyword: str, kind: str, value: bytes) -> Edit:
    """Put bytes into every header as they are."""

    def edit(dataset: Dataset, _: int) -> None:
        value_even = value + b" " * (len(value) % 2)
        tag = Tag(keyword)
        dataset[tag] = RawDataElement(tag, kind, len(value_even), value_even, 0, False, True)

    return edit


def changed(series: DicomSeries, *edits: Edit) -> None:
    """Change the files of a series, in the order of its slices."""
    for place, frame in enumerate(series.frames):
        dataset = pydicom.dcmread(frame.path)
        for edit in edits:
            edit(dataset, place)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # What is in the file is in this character set: nothing is to be encoded again.
            dataset.set_original_encoding(False, True, dataset._character_set)
            dataset.save_as(frame.path)


def contents(series: DicomSeries) -> list[str]:
    return [hashlib.sha256(frame.path.read_bytes()).hexdigest() for frame in series.frames]


def segmented(
    series: DicomSeries, path: Path, capfd: pytest.CaptureFixture[str]
) -> dict[str, np.ndarray]:
    """Write a segmentation, in silence and without touching the source, and read where it lies."""
    before = contents(series)
    assert write_segmentation(path, region_map(series), series.frames) is None
    assert capfd.readouterr() == ("", "")
    assert contents(series) == before
    return positions_in_file(path)


@pytest.fixture
def series(ct_folder: Callable[..., Path]) -> DicomSeries:
    return examine_dicom(ct_folder(**IDENTIFIED))


@pytest.fixture
def clean(
    series: DicomSeries, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> dict[str, np.ndarray]:
    """Where the regions lie in the segmentation of the series as it is."""
    return segmented(series, tmp_path / "clean.dcm", capfd)


def same_places(found: dict[str, Any], clean: dict[str, Any], atol: float = 1e-4) -> None:
    assert found.keys() == clean.keys()
    for name, positions in clean.items():
        np.testing.assert_allclose(found[name], positions, atol=atol)


YAMADA = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
HONG = (
    b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"
)


@pytest.mark.parametrize(
    ("character_set", "stored_name", "name"),
    [
        (b"\\ISO 2022 IR 87", YAMADA, "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (b"\\ISO 2022 IR 149", HONG, "Hong^Gildong=洪^吉洞=홍^길동"),
        (b"ISO_IR 13\\ISO 2022 IR 87", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        (b"ISO 2022 IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
        (b"ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
        (b"GB18030", "Wang^XiaoDong=王^小东".encode("gb18030"), "Wang^XiaoDong=王^小东"),
        (b"ISO_IR 192", "Люкceмбypг".encode(), "Люкceмбypг"),
        (b"", b"Doe^Jane", "Doe^Jane"),
    ],
)
def test_a_name_in_any_character_set(
    series: DicomSeries,
    clean: Any,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    character_set: bytes,
    stored_name: bytes,
    name: str,
) -> None:
    changed(
        series,
        stored("SpecificCharacterSet", "CS", character_set),
        stored("PatientName", "PN", stored_name),
    )
    same_places(segmented(series, tmp_path / "a.dcm", capfd), clean)
    written = pydicom.dcmread(tmp_path / "a.dcm")
    assert written.SpecificCharacterSet == "ISO_IR 192"
    assert str(written.PatientName) == name
    assert hd.seg.segread(tmp_path / "a.dcm").number_of_segments == 20
    assert written.PatientID == "SECRET-42"


@pytest.mark.parametrize(
    ("keyword", "kind", "value"),
    [
        ("PatientWeight", "DS", b"abc"),
        ("PatientWeight", "DS", b"71,5"),
        ("PatientWeight", "DS", b"nan"),
        ("PatientSize", "DS", b"about 170"),
        ("PatientAge", "AS", b"unknown"),
        ("StudyDate", "DA", b"yesterday"),
        ("StudyDate", "DA", b"20201341"),
        ("StudyTime", "TM", b"noon"),
        ("PatientBirthDate", "DA", b"1950"),
        ("PatientSex", "CS", b"female"),
        ("PatientSex", "CS", b"W"),
        ("NumberOfPatientRelatedStudies", "IS", b"many"),
        ("SliceThickness", "DS", b"thick"),
        ("SliceThickness", "DS", b""),
        ("SpacingBetweenSlices", "DS", b"5 mm"),
        ("SpacingBetweenSlices", "DS", b"-5"),
        ("InstanceNumber", "IS", b"first"),
        ("LossyImageCompressionRatio", "DS", b"ten to one"),
        ("AccessionNumber", "SH", b"a number that is longer than allowed"),
        ("SpecificCharacterSet", "CS", b"klingon"),
        ("WindowCenter", "DS", b"40\\brain"),
    ],
)
def test_a_word_in_a_typed_field_does_not_matter(
    series: DicomSeries,
    clean: Any,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    keyword: str,
    kind: str,
    value: bytes,
) -> None:
    changed(series, stored(keyword, kind, value))
    same_places(segmented(series, tmp_path / "a.dcm", capfd), clean)
    written = pydicom.dcmread(tmp_path / "a.dcm")
    assert str(written.PatientName) == "Doe^Jane"
    if keyword in {"StudyDate", "StudyTime", "PatientBirthDate", "PatientSex"}:
        assert keyword in written  # must be there, if only empty
        assert not written[keyword].value
    elif keyword in {"PatientWeight", "PatientSize", "PatientAge"}:
        assert keyword not in written


def test_text_that_cannot_be_decoded_is_left_out(
    series: DicomSeries, clean: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    changed(
        series,
        stored("SpecificCharacterSet", "CS", b"ISO_IR 192"),
        stored("PatientComments", "LT", b"h\xf4pital"),
        stored("ReferringPhysicianName", "PN", b"J\xe9r\xf4me"),
        stored("PatientAddress", "LO", b"\x1b$)C\xfb\xf3"),
    )
    same_places(segmented(series, tmp_path / "a.dcm", capfd), clean)
    written = pydicom.dcmread(tmp_path / "a.dcm")
    assert "PatientComments" not in written
    assert "PatientAddress" not in written
    assert not written.ReferringPhysicianName
    assert str(written.PatientName) == "Doe^Jane"


def test_dates_as_before_dicom_are_kept(
    series: DicomSeries, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    changed(
        series, stored("StudyDate", "DA", b"1999.12.31"), stored("StudyTime", "TM", b"23:59:01")
    )
    segmented(series, tmp_path / "a.dcm", capfd)
    written = pydicom.dcmread(tmp_path / "a.dcm")
    assert (written.StudyDate, written.StudyTime) == ("19991231", "235901")


@pytest.mark.parametrize("there", ["empty", "absent"])
def test_attributes_that_may_be_empty(
    series: DicomSeries,
    clean: Any,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    there: str,
) -> None:
    keywords = {
        "AccessionNumber": "SH",
        "Manufacturer": "LO",
        "PatientBirthDate": "DA",
        "PatientID": "LO",
        "PatientName": "PN",
        "PatientSex": "CS",
        "PositionReferenceIndicator": "LO",
        "ReferringPhysicianName": "PN",
        "SpecificCharacterSet": "CS",
        "StudyDate": "DA",
        "StudyID": "SH",
        "StudyTime": "TM",
    }

    def edit(dataset: Dataset, _: int) -> None:
        for keyword, kind in keywords.items():
            if there == "empty":
                stored(keyword, kind, b"")(dataset, 0)
            elif keyword in dataset:
                del dataset[keyword]

    changed(series, edit)
    same_places(segmented(series, tmp_path / "a.dcm", capfd), clean)


def test_orientations_that_differ_by_rounding(
    series: DicomSeries, clean: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(5)

    def edit(dataset: Dataset, _: int) -> None:
        noisy = np.array(dataset.ImageOrientationPatient, float) + rng.normal(0, 1e-5, 6)
        dataset.ImageOrientationPatient = [f"{value:.8f}" for value in noisy]

    changed(series, edit)
    again = examine_dicom(series.frames[0].path.parent)
    # 1e-5 over the slice's 125 mm.
    same_places(segmented(again, tmp_path / "a.dcm", capfd), clean, atol=0.01)
    written = pydicom.dcmread(tmp_path / "a.dcm")
    shared = written.SharedFunctionalGroupsSequence[0]
    cosines = np.reshape(
        np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float), (2, 3)
    )
    np.testing.assert_allclose(cosines @ cosines.T, np.eye(2), atol=1e-8)


def test_a_frame_of_reference_that_differs_in_a_slice(
    series: DicomSeries, clean: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def edit(dataset: Dataset, place: int) -> None:
        if place == 1:  # one of the two that regions are on
            dataset.FrameOfReferenceUID = generate_uid()

    changed(series, edit)
    same_places(segmented(series, tmp_path / "a.dcm", capfd), clean)
    written = pydicom.dcmread(tmp_path / "a.dcm")
    assert written.FrameOfReferenceUID == IDENTIFIED["FrameOfReferenceUID"]


def test_a_frame_of_reference_that_the_key_slices_alone_lack(
    series: DicomSeries, clean: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def edit(dataset: Dataset, place: int) -> None:
        if place in {1, 4}:
            del dataset.FrameOfReferenceUID

    changed(series, edit)
    same_places(segmented(series, tmp_path / "a.dcm", capfd), clean)
    written = pydicom.dcmread(tmp_path / "a.dcm")
    assert written.FrameOfReferenceUID == IDENTIFIED["FrameOfReferenceUID"]


def test_text_in_sequences_is_as_readable(
    series: DicomSeries, clean: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def edit(dataset: Dataset, _: int) -> None:
        stored("SpecificCharacterSet", "CS", b"\\ISO 2022 IR 87")(dataset, 0)
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator = "1", "99LOCAL"
        stored("CodeMeaning", "LO", b"\x1b$B;3ED\x1b(B")(item, 0)
        stored("PatientWeight", "DS", b"abc")(item, 0)
        item.set_original_encoding(False, True, dataset._character_set)
        dataset.ProcedureCodeSequence = [item]

    changed(series, edit)
    same_places(segmented(series, tmp_path / "a.dcm", capfd), clean)
    (item,) = pydicom.dcmread(tmp_path / "a.dcm").ProcedureCodeSequence
    assert item.CodeMeaning == "山田"
    assert "PatientWeight" not in item
    assert "SpecificCharacterSet" not in item


def test_references_lead_to_the_slices(series: DicomSeries, clean: Any, tmp_path: Path) -> None:
    written = pydicom.dcmread(tmp_path / "clean.dcm")
    (referenced,) = written.ReferencedSeriesSequence
    uids = [item.ReferencedSOPInstanceUID for item in referenced.ReferencedInstanceSequence]
    assert uids == [pydicom.dcmread(series.frames[k].path).SOPInstanceUID for k in (1, 4)]


def _same_instance(dataset: Dataset, _: int) -> None:
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"


def _turned(dataset: Dataset, place: int) -> None:
    if place == 4:
        dataset.ImageOrientationPatient = [1, 0, 0, 0, *np.round([np.cos(0.2), -np.sin(0.2)], 8)]


def _stretched(dataset: Dataset, place: int) -> None:
    if place == 4:
        dataset.PixelSpacing = [14.0, 11.0]


def _other_study(dataset: Dataset, place: int) -> None:
    dataset.StudyInstanceUID = f"1.2.{place}"


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (_same_instance, "SOPInstanceUID is the same for several slices, so that it identifies"),
        (_turned, "ImageOrientationPatient differs between the key slices by more than rounding"),
        (_stretched, "PixelSpacing differs between the key slices by more than rounding"),
        (_other_study, "StudyInstanceUID differs between the key slices"),
        (stored("FrameOfReferenceUID", "UI", b"head"), "FrameOfReferenceUID is no unique id"),
        (stored("StudyInstanceUID", "UI", b""), "the source lacks StudyInstanceUID"),
    ],
)
def test_sources_that_cannot_be_referred_to_get_none_and_the_attribute_s_name(
    series: DicomSeries,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    edit: Edit,
    reason: str,
) -> None:
    changed(series, edit)
    frames: list[Frame] = []
    for frame in series.frames:
        frames += examine_dicom_frames(frame.path)
    note = write_segmentation(tmp_path / "a.dcm", region_map(series), frames)
    assert note is not None
    assert note.startswith("no DICOM SEG: ")
    assert reason in note
    assert not (tmp_path / "a.dcm").exists()
    assert capfd.readouterr() == ("", "")


def examine_dicom_frames(path: Path) -> list[Frame]:
    from atlas_builder.io.dicom.frames import CtFile, examine_file  # noqa: PLC0415

    found = examine_file(path)
    assert isinstance(found, CtFile)
    return list(found.frames)


def test_a_multiframe_source_with_an_orientation_a_frame(
    made: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    places = []
    for shared in (True, False):
        dataset = made.enhanced(shared=shared)
        for keyword, uid in IDENTIFIED.items():
            setattr(dataset, keyword, uid)
        folder = tmp_path / f"{shared}"
        made.save_dicom(dataset, folder / "enhanced.dcm")
        places.append(segmented(examine_dicom(folder), tmp_path / f"{shared}.dcm", capfd))
    same_places(*places)


def test_the_libraries_loggers_are_as_they_were(series: DicomSeries, clean: Any) -> None:
    library = logging.getLogger("highdicom")
    assert library.propagate
    assert not library.handlers
    assert not logging.getLogger("pydicom").disabled
