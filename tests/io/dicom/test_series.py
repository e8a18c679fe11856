"""Which series is taken of an export that holds several."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from atlas_builder.core.errors import InputError
from atlas_builder.io.dicom.attributes import age_of, has_contrast, is_head, is_sharp, patient_key
from atlas_builder.io.dicom.scans import examine_dicom

Write = Callable[..., None]


@pytest.fixture
def write(made: ModuleType, tmp_path: Path) -> Write:
    """Write a series of evenly spaced upright slices."""

    def write_series(number: int, count: int = 24, spacing: float = 5.0, **attributes: Any) -> None:
        for place in range(count):
            dataset = made.ct_slice(
                made.Geometry(tilt_degrees=0),
                place * spacing,
                series=f"1.2.{number}",
                number=number,
                **attributes,
            )
            made.save_dicom(dataset, tmp_path / str(number) / f"{place}.dcm")

    return write_series


def chosen(folder: Path) -> str:
    return examine_dicom(folder).number


@pytest.mark.parametrize(
    "other",
    [
        {"SeriesDescription": "CTA 1mm", "count": 60},
        {"SeriesDescription": "Head C+ 5.0", "count": 30},
        {"ContrastBolusAgent": "Iodine", "count": 30},
        {"ConvolutionKernel": "H60s"},
        {"ConvolutionKernel": ["Hr64h", "3"]},
        {"ConvolutionKernel": "FC81"},
        {"ConvolutionKernel": "BONEPLUS"},
        {"ConvolutionKernel": "YD"},
        {"SeriesDescription": "Knochen 5.0"},
        {"WindowWidth": "3000", "WindowCenter": "600"},
        {"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "MPR"], "count": 60},
        {"BodyPartExamined": "CSPINE", "SeriesDescription": "spine", "count": 60},
        {"spacing": 0.7, "count": 170},
        {"spacing": 3.0, "count": 40},
        {"count": 4},
    ],
    ids=str,
)
def test_the_plain_axial_brain_series_is_taken(
    write: Write, tmp_path: Path, other: dict[str, Any]
) -> None:
    write(7, ConvolutionKernel="H31s", BodyPartExamined="HEAD")
    write(3, **({"BodyPartExamined": "HEAD"} | other))
    series = examine_dicom(tmp_path)
    assert series.number == "7"
    assert [remark.code for remark in series.remarks] == ["series-chosen"]
    assert "series 7 (24 slices of 5 mm) was taken of 2" in series.remarks[0].reason


def test_a_wish_overrides_the_rules(write: Write, tmp_path: Path) -> None:
    write(7)
    write(3, count=6, ConvolutionKernel="H60s")
    for wish in ("3", " 3 ", "1.2.3"):
        series = examine_dicom(tmp_path, wish)
        assert series.number == "3"
        assert [remark.code for remark in series.remarks] == ["bone-kernel"]
    listed = r'no axial CT series 4; there are: 3 \("head", 6 slices.*; 7 \("head", 24 slices'
    with pytest.raises(InputError, match=listed):
        examine_dicom(tmp_path, "4")


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"ContrastBolusAgent": "Iodine"}, "contrast"),
        ({"ConvolutionKernel": "H60s"}, "bone-kernel"),
        ({"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED"]}, "reformatted"),
    ],
)
def test_an_only_series_that_is_no_plain_ct_is_remarked_on(
    write: Write, tmp_path: Path, attributes: dict[str, Any], code: str
) -> None:
    write(7, ConvolutionKernel="H31s", ContrastBolusAgent="NONE", WindowWidth=["80", "4000"])
    assert examine_dicom(tmp_path).remarks == ()
    shutil.rmtree(tmp_path / "7")
    write(3, count=6, **attributes)
    for wish in (None, "3"):
        remarks = examine_dicom(tmp_path, wish).remarks
        assert [remark.code for remark in remarks] == [code]


def test_a_folder_that_cannot_be_read_is_named(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(7)
    write(8)
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path) == tmp_path / "8":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"/8: cannot be read \(Permission denied\); check access"):
        examine_dicom(tmp_path)


def test_files_that_cannot_be_looked_at_are_refused(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **_: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    write(7)
    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(InputError, match=r"cannot be read \(Permission denied\); check access"):
        examine_dicom(tmp_path)


def test_what_the_rules_cannot_tell_apart_is_left_to_the_user_without_naming_the_patient(
    write: Write, tmp_path: Path
) -> None:
    write(2)
    write(12, count=23)
    write(13, ConvolutionKernel="H60s")
    with pytest.raises(InputError) as refused:
        examine_dicom(tmp_path)
    message = str(refused.value)
    assert 'several series could be meant: 12 ("head", 23 slices of 5 mm' in message
    assert '; 2 ("head", 24 slices of 5 mm' in message
    assert "--series NUMBER" in message
    assert not any(text in message for text in ("Doe", "Jane", "SECRET", "1950"))


def test_one_number_given_to_two_series_needs_the_uid(
    made: ModuleType, write: Write, tmp_path: Path
) -> None:
    write(2)
    for place in range(24):
        again = made.ct_slice(made.Geometry(0), place * 5.0, series="1.2.99", number=2)
        made.save_dicom(again, tmp_path / "again" / f"{place}.dcm")
    with pytest.raises(
        InputError, match=r"have the number 2: .*\[1.2.99\].*; give the Series Instance"
    ):
        examine_dicom(tmp_path, "2")
    assert len(examine_dicom(tmp_path, "1.2.99").frames) == 24


def test_files_of_two_patients_are_refused(write: Write, tmp_path: Path) -> None:
    write(2, count=3)
    write(3, count=3, PatientID="OTHER-1")
    with pytest.raises(InputError, match="DICOM files of 2 patients") as refused:
        examine_dicom(tmp_path)
    assert "SECRET" not in str(refused.value)
    with pytest.raises(InputError, match="2 patients"):
        examine_dicom(tmp_path, "2")


def test_the_age_is_taken_where_the_files_agree(write: Write, tmp_path: Path) -> None:
    write(2, PatientAge="063Y")
    write(3, count=3, PatientAge="050Y")
    assert examine_dicom(tmp_path).age == 63
    (tmp_path / "2" / "0.dcm").unlink()
    assert examine_dicom(tmp_path, "2").age == 63


def test_ages_that_differ_within_a_series_are_none(
    made: ModuleType, write: Write, tmp_path: Path
) -> None:
    write(2, count=3, PatientAge="063Y")
    odd = made.ct_slice(made.Geometry(0), 20.0, series="1.2.2", PatientAge="036Y")
    made.save_dicom(odd, tmp_path / "odd.dcm")
    assert examine_dicom(tmp_path).age is None


def header(**attributes: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("063Y", 63),
        ("018M", 1.5),
        ("026W", 26 * 7 / 365.25),
        ("010D", 10 / 365.25),
        ("000Y", None),
        ("", None),
    ],
)
def test_ages(text: str, age: float | None) -> None:
    assert age_of(header(PatientAge=text)) == (None if age is None else pytest.approx(age))


@given(st.text("0123456789YMWD .", max_size=6))
def test_no_text_in_place_of_an_age_is_taken_for_one_it_is_not(text: str) -> None:
    age = age_of({"PatientAge": text})
    assert age is None or 0 <= age < 1000


def test_the_birth_date_is_never_used() -> None:
    assert age_of(header(PatientBirthDate="19500102", StudyDate="20200102")) is None


@pytest.mark.parametrize(
    ("description", "contrast"),
    [
        ("Head w/o contrast", False),
        ("NCCT 5mm", False),
        ("Kopf nativ", False),
        ("Posterior fossa", False),
        ("CT ANGIO", True),
        ("Brain +C", True),
        ("CTP 4D", True),
    ],
)
def test_descriptions_of_contrast(description: str, contrast: bool) -> None:
    assert has_contrast(header(SeriesDescription=description)) == contrast


@pytest.mark.parametrize(
    ("agent", "contrast"),
    [
        ("WITHOUT", False),
        ("Non Contrast", False),
        ("NON-CON", False),
        ("No IV contrast", False),
        ("N/A", False),
        ("none", False),
        ("0", False),
        ("-", False),
        ("w/o", False),
        ("sin contraste", False),
        ("Non-ionic contrast", True),
        ("NONIONIC 350", True),
        ("Omnipaque 300", True),
        ("100 CC IV", True),
    ],
)
def test_agents_of_contrast(agent: str, contrast: bool) -> None:
    assert has_contrast(header(ContrastBolusAgent=agent)) == contrast


@pytest.mark.parametrize(
    ("width", "sharp"),
    [("80", False), (["80", "4000"], False), ("3000", True), (["3000", "80"], True)],
)
def test_the_window_shown_first_tells_what_a_series_is_for(width: Any, sharp: bool) -> None:
    assert is_sharp(header(WindowWidth=width)) == sharp


@pytest.mark.parametrize(
    ("kernel", "sharp"),
    [("H31s", False), ("Hr38h", False), ("FC26", False), ("STANDARD", False), ("UB", False),
     ("J70h", True), ("FC30", True), ("EDGE", True), ("STD+", False), ("", False)],
)  # fmt: skip
def test_kernels(kernel: str, sharp: bool) -> None:
    assert is_sharp(header(ConvolutionKernel=kernel)) == sharp


def test_heads_are_known_by_body_part_or_description() -> None:
    assert is_head(header(BodyPartExamined="HEAD"))
    assert is_head(header(SeriesDescription="Schaedel 4.8"))
    assert not is_head(header(BodyPartExamined="CHEST", SeriesDescription="Thorax"))


def test_a_patients_key_tells_patients_apart_and_names_none() -> None:
    one = patient_key(header(PatientID="A1", PatientName="Doe^Jane"))
    assert one == patient_key(header(PatientID="a1 ", PatientName="DOE^J"))
    assert one != patient_key(header(PatientID="A2", PatientName="Doe^Jane"))
    by_name = patient_key(header(PatientID="", PatientName="Doe^Jane"))
    assert by_name == patient_key(header(PatientName="DOE^JANE^^"))
    assert patient_key(header()) == ""
    assert "DOE" not in by_name.upper()
