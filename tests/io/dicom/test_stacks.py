"""One acquisition a stack: what an export puts under one series is told apart, by content."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from pydicom.uid import generate_uid

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.scans import examine_dicom, read_dicom_scan, read_frames

Write = Callable[..., None]
STEP = 5.0
COUNT = 12


@pytest.fixture
def write(made: ModuleType, tmp_path: Path) -> Write:
    """Write one pass over a head: slices of 5 mm, whose values are raised by a constant."""
    written = 0

    def write_pass(
        *,
        start: float = 0.0,
        step: float = STEP,
        count: int = COUNT,
        raised: float = 0.0,
        first_instance: int = 1,
        tilt: float = 0.0,
        **attributes: Any,
    ) -> None:
        nonlocal written
        geometry = made.Geometry(tilt_degrees=tilt)
        for place in range(count):
            height = start + place * step
            dataset = made.ct_slice(geometry, height, SliceThickness=STEP, **attributes)
            dataset.InstanceNumber = first_instance + place
            stored = np.rint(geometry.hu(height) + 1024 + raised).astype(np.int16)
            made.set_pixels(dataset, stored)
            # Names in no order that means anything.
            made.save_dicom(dataset, tmp_path / "dicom" / f"{(written * 7919) % 1009:04d}.dcm")
            written += 1

    return write_pass


def raised_by(made: ModuleType, scan: Scan) -> list[float]:
    """By how much each slice lies above the field that the first pass shows."""
    raised: list[float] = np.median(scan.data - made.field_on(scan), axis=(0, 1)).tolist()
    return raised


PASSES = {
    "acquisition number": ({"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}),
    "acquisition time": (
        {"AcquisitionDate": "20240105", "AcquisitionTime": "101500"},
        {"AcquisitionDate": "20240105", "AcquisitionTime": "102045.5"},
    ),
    "date and time in one": (
        {"AcquisitionDateTime": "20240105101500"},
        {"AcquisitionDateTime": "20240105102045"},
    ),
    "instance numbers": ({}, {"first_instance": 101}),
    "instance numbers that go on": ({}, {"first_instance": COUNT + 1}),
    "study": ({"StudyInstanceUID": "1.2.7"}, {"StudyInstanceUID": "1.2.8"}),
    "frame of reference": ({"FrameOfReferenceUID": "1.2.7"}, {"FrameOfReferenceUID": "1.2.8"}),
}


def test_two_passes_with_a_time_a_slice_are_two_stacks(write: Write, tmp_path: Path) -> None:
    for minute, start in ((15, 0.0), (20, 2.5)):
        for place in range(COUNT):
            write(
                start=start + place * STEP,
                count=1,
                first_instance=place + 1,
                AcquisitionDate="20240105",
                AcquisitionTime=f"10{minute}{place:02d}",
            )
    with pytest.raises(InputError, match="several series could be meant"):
        examine_dicom(tmp_path / "dicom")
    assert len(examine_dicom(tmp_path / "dicom", "2/2").frames) == COUNT


@pytest.mark.parametrize("offset", [STEP / 2, 1.0, 0.0], ids=["half", "fifth", "same"])
@pytest.mark.parametrize("told_by", PASSES)
def test_two_passes_are_two_stacks(
    made: ModuleType, write: Write, tmp_path: Path, told_by: str, offset: float
) -> None:
    first, second = PASSES[told_by]
    write(**first)
    write(start=offset, raised=40.0, **second)
    with pytest.raises(InputError, match="several series could be meant") as refused:
        examine_dicom(tmp_path / "dicom")
    message = str(refused.value)
    assert "2/1 (" in message
    assert "2/2 (" in message
    assert "12 slices of 5 mm, 55 mm in all" in message
    assert "Doe" not in message
    assert "Jane" not in message
    if "time" in told_by:
        assert "2024-01-05 10:15:00" in message
        assert "2024-01-05 10:20:45" in message
    for wanted, expected in (("2/1", 0.0), ("2/2", 40.0), ("1.2.3/2", 40.0)):
        series = examine_dicom(tmp_path / "dicom", wanted)
        scan = read_frames(series, range(len(series.frames)))
        assert raised_by(made, scan) == pytest.approx([expected] * COUNT, abs=1)
        assert not series.remarks


def test_the_plain_one_of_two_passes_is_taken(
    made: ModuleType, write: Write, tmp_path: Path
) -> None:
    write(AcquisitionNumber=1)
    write(start=2.5, raised=40.0, AcquisitionNumber=2, ContrastBolusAgent="Iomeron")
    scan = read_dicom_scan(tmp_path / "dicom")
    assert raised_by(made, scan) == pytest.approx([0.0] * COUNT, abs=1)
    codes = [remark.code for remark in examine_dicom(tmp_path / "dicom").remarks]
    assert codes == ["acquisition-chosen"]


def test_a_head_scanned_in_parts_is_one_stack(
    made: ModuleType, write: Write, tmp_path: Path
) -> None:
    """Each part has a number of its own, and the vertex begins a little below the base's end."""
    write(AcquisitionNumber=3, count=6, AcquisitionTime="101500")
    write(AcquisitionNumber=4, count=6, start=26.0, AcquisitionTime="101530", first_instance=7)
    scan = read_dicom_scan(tmp_path / "dicom")
    assert len(scan) == 12
    assert raised_by(made, scan) == pytest.approx([0.0] * 12, abs=1)


@pytest.mark.parametrize("numbered", [True, False], ids=["a number each", "no number"])
def test_slices_taken_one_by_one_are_one_stack(
    write: Write, tmp_path: Path, numbered: bool
) -> None:
    for place in range(COUNT):
        attributes = {"AcquisitionNumber": place + 1} if numbered else {}
        time = f"1015{place:02d}"
        write(
            start=place * STEP,
            count=1,
            first_instance=place + 1,
            AcquisitionTime=time,
            **attributes,
        )
    assert len(examine_dicom(tmp_path / "dicom").frames) == COUNT


def test_odd_and_even_slices_taken_in_turn_are_one_stack(write: Write, tmp_path: Path) -> None:
    write(step=2 * STEP, count=6, AcquisitionNumber=1)
    write(step=2 * STEP, count=6, start=STEP, AcquisitionNumber=2, first_instance=7)
    assert len(examine_dicom(tmp_path / "dicom").frames) == COUNT


def test_a_frame_of_reference_a_slice_tells_nothing(write: Write, tmp_path: Path) -> None:
    for place in range(COUNT):
        write(start=place * STEP, count=1, FrameOfReferenceUID=generate_uid())
    assert len(examine_dicom(tmp_path / "dicom").frames) == COUNT


@pytest.mark.parametrize(
    ("odd", "count"),
    [({"tilt": 80.0}, 1), ({"Columns": 5, "Rows": 9}, 2), ({"PixelSpacing": [12.0, 10.0]}, 3)],
    ids=["another orientation", "another matrix", "another field of view"],
)
def test_odd_images_are_set_aside_and_counted(
    made: ModuleType, write: Write, tmp_path: Path, odd: dict[str, Any], count: int
) -> None:
    write()
    for place in range(count):
        dataset = made.ct_slice(made.Geometry(odd.get("tilt", 0.0)), 11.0 + place)
        for keyword, value in odd.items():
            if keyword == "Columns":
                made.set_pixels(dataset, np.zeros((odd["Rows"], value), np.int16))
            elif keyword == "PixelSpacing":
                dataset.PixelSpacing = value
        made.save_dicom(dataset, tmp_path / "dicom" / f"odd{place}.dcm")
    series = examine_dicom(tmp_path / "dicom")
    scan = read_frames(series, range(len(series.frames)))
    assert raised_by(made, scan) == pytest.approx([0.0] * COUNT, abs=1)
    (remark,) = series.remarks
    assert remark.code == "slices-set-aside"
    assert remark.reason.startswith(f"{count} images of series 2 were set aside")


def test_a_page_without_a_position_is_set_aside(
    made: ModuleType, write: Write, tmp_path: Path
) -> None:
    write()
    page = made.ct_slice(made.Geometry(0.0), 0.0)
    del page.ImagePositionPatient
    made.save_dicom(page, tmp_path / "dicom" / "dose.dcm")
    series = examine_dicom(tmp_path / "dicom")
    assert len(series.frames) == COUNT
    assert [remark.reason for remark in series.remarks] == [
        "1 images of series 2 were set aside: 1 without a position"
    ]


@pytest.mark.parametrize("suffix", ["", ".dcm"])
def test_files_without_a_preamble_are_read(
    made: ModuleType, write: Write, tmp_path: Path, suffix: str
) -> None:
    write()
    clean = read_dicom_scan(tmp_path / "dicom")
    for number, file in enumerate(sorted((tmp_path / "dicom").iterdir())):
        content = file.read_bytes()
        file.unlink()
        # The data set alone, from the group of the SOP class on, as old archives hold it.
        start = content.index(b"\x08\x00\x08\x00")
        (tmp_path / "dicom" / f"IM{number:04d}{suffix}").write_bytes(content[start:])
    scan = read_dicom_scan(tmp_path / "dicom")
    assert (scan.data == clean.data).all()
    assert np.allclose(scan.affines, clean.affines)


def test_empty_files_are_counted_and_named(write: Write, tmp_path: Path) -> None:
    write()
    for file in sorted((tmp_path / "dicom").iterdir())[:2]:
        file.write_bytes(b"")
    (tmp_path / "dicom" / "README.txt").write_text("of the archive")
    (remark,) = [
        remark
        for remark in examine_dicom(tmp_path / "dicom").remarks
        if remark.code == "files-not-read"
    ]
    assert remark.reason.startswith("2 files: ")
    assert remark.reason.count("(empty)") == 2


@pytest.mark.parametrize(
    "attributes",
    [
        {"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "VNC"]},
        {"SeriesDescription": "Virtual non-contrast 5.0"},
        {"SeriesDescription": "Head MonoE 70keV"},
        {"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "CT_SOM7 SPP", "IODINE"]},
    ],
    ids=str,
)
def test_computed_images_are_flagged_and_come_second(
    write: Write, tmp_path: Path, attributes: dict[str, Any]
) -> None:
    write(number=9, series="1.2.9", **attributes)
    assert [r.code for r in examine_dicom(tmp_path / "dicom").remarks] == ["computed-image"]
    write(number=4, series="1.2.4")
    assert examine_dicom(tmp_path / "dicom").number == "4"


def test_loss_is_flagged(write: Write, tmp_path: Path) -> None:
    write(LossyImageCompression="01")
    assert [r.code for r in examine_dicom(tmp_path / "dicom").remarks] == ["lossy"]


@pytest.mark.parametrize(
    ("keyword", "stored"),
    [("PixelSpacing", b"13,0\\11,0 "), ("RescaleIntercept", b"-1024,0 ")],
)
def test_decimal_commas_are_read(
    made: ModuleType, write: Write, tmp_path: Path, keyword: str, stored: bytes
) -> None:
    write()
    clean = read_dicom_scan(tmp_path / "dicom")
    for file in (tmp_path / "dicom").iterdir():
        file.write_bytes(_with(file.read_bytes(), keyword, stored))
    scan = read_dicom_scan(tmp_path / "dicom")
    assert (scan.data == clean.data).all()
    assert np.allclose(scan.affines, clean.affines)


def _with(content: bytes, keyword: str, stored: bytes) -> bytes:
    """Replace the value of an element of explicit little endian."""
    tag = {"PixelSpacing": b"\x28\x00\x30\x00", "RescaleIntercept": b"\x28\x00\x52\x10"}[keyword]
    at = content.index(tag + b"DS")
    length = int.from_bytes(content[at + 6 : at + 8], "little")
    head = content[: at + 6] + len(stored).to_bytes(2, "little") + stored
    return head + content[at + 8 + length :]


@pytest.mark.parametrize("missing", ["SeriesInstanceUID", "TransferSyntaxUID", "SOPClassUID"])
def test_a_whole_file_without_an_identifier_is_read(
    made: ModuleType, write: Write, tmp_path: Path, missing: str
) -> None:
    write()
    clean = read_dicom_scan(tmp_path / "dicom")
    tag = {
        "SeriesInstanceUID": b"\x20\x00\x0e\x00UI",
        "TransferSyntaxUID": b"\x02\x00\x10\x00UI",
        "SOPClassUID": b"\x08\x00\x16\x00UI",
    }[missing]
    for file in (tmp_path / "dicom").iterdir():
        content = file.read_bytes()
        at = content.index(tag)
        length = 8 + int.from_bytes(content[at + 6 : at + 8], "little")
        content = content[:at] + content[at + length :]
        if missing == "TransferSyntaxUID":  # the group's length must still be right
            group = int.from_bytes(content[140:144], "little") - length
            content = content[:140] + group.to_bytes(4, "little") + content[144:]
        file.write_bytes(content)
    assert (read_dicom_scan(tmp_path / "dicom").data == clean.data).all()


def test_pictures_of_a_scan_are_refused_with_the_remedy(
    made: ModuleType, write: Write, tmp_path: Path
) -> None:
    write(SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    with pytest.raises(InputError, match=r"12 secondary captures.*export the original series"):
        examine_dicom(tmp_path / "dicom")


def test_a_copy_of_every_file_changes_nothing(
    made: ModuleType, write: Write, tmp_path: Path
) -> None:
    write()
    clean = read_dicom_scan(tmp_path / "dicom")
    shutil.copytree(tmp_path / "dicom", tmp_path / "dicom" / "again")
    series = examine_dicom(tmp_path / "dicom")
    assert [remark.code for remark in series.remarks] == ["duplicate-slices"]
    assert (read_frames(series, range(COUNT)).data == clean.data).all()
