import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
    RLELossless,
)

from atlas_builder.core.errors import InputError
from atlas_builder.io.dicom.scans import examine_dicom, read_dicom_scan, read_frames

PRIVATE_TEXTS = ("Doe", "Jane", "SECRET", "1950")


def refused(folder: Path, pattern: str) -> None:
    """The folder is refused in one line that quotes nothing of the patient."""
    with pytest.raises(InputError, match=pattern) as refusal:
        read_dicom_scan(folder)
    message = str(refusal.value)
    assert "\n" not in message
    assert not any(text in message for text in PRIVATE_TEXTS)


@pytest.mark.parametrize("tilt", [0, 18.5, -29.9])
@pytest.mark.parametrize("turn", [0, 35, 90, 180])
def test_every_pixel_is_where_the_scanner_put_it(
    made: ModuleType, ct_folder: Callable[..., Path], tilt: float, turn: float
) -> None:
    scan = read_dicom_scan(ct_folder(made.Geometry(tilt, turn)))
    assert scan.data.dtype == np.float32
    np.testing.assert_allclose(scan.data, made.field_on(scan), atol=0.51)
    # Feet to head, gaps as they are, positions along the table and not along the normal.
    np.testing.assert_allclose(np.diff(scan.affines[:, 2, 3]), np.diff(made.Geometry.heights))
    assert np.ptp(scan.affines[:, :2, 3], axis=0).max() < 1e-6
    to_left, to_back, normal = scan.affines[0, :3, :3].T
    assert to_left[0] < 0
    assert to_back[1] < 0
    assert normal[2] == pytest.approx(np.cos(np.radians(tilt)), abs=1e-6)
    if turn == 0:
        assert scan[0].spacing == pytest.approx((11.0, 13.0))


def test_some_slices_read_as_the_whole_does(ct_folder: Callable[..., Path]) -> None:
    folder = ct_folder()
    scan, part = read_dicom_scan(folder), read_frames(examine_dicom(folder), [4, 1])
    np.testing.assert_array_equal(part.data, scan.data[:, :, [4, 1]])
    np.testing.assert_array_equal(part.affines, scan.affines[[4, 1]])


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_uncompressed_transfer_syntaxes(made: ModuleType, tmp_path: Path, syntax: Any) -> None:
    for height in made.Geometry.heights:
        dataset = made.ct_slice(made.Geometry(), height)
        dataset.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
        made.save_dicom(dataset, tmp_path / f"{height}")
    scan = read_dicom_scan(tmp_path)
    np.testing.assert_allclose(scan.data, made.field_on(scan), atol=0.51)


def test_rle_is_decoded(made: ModuleType, tmp_path: Path) -> None:
    for height in made.Geometry.heights:
        dataset = made.ct_slice(made.Geometry(), height)
        dataset.compress(RLELossless)
        made.save_dicom(dataset, tmp_path / f"{height}")
    scan = read_dicom_scan(tmp_path)
    np.testing.assert_allclose(scan.data, made.field_on(scan), atol=0.51)


@pytest.mark.parametrize(
    ("syntax", "says"),
    [
        (JPEGLosslessSV1, "compressed as JPEG Lossless.*install .*pylibjpeg"),
        ("1.2.840.10008.1.2.4.100", "stored as MPEG2.*cannot be decoded; decompress it"),
    ],
)
def test_what_no_package_decodes_is_refused_by_name(
    made: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, syntax: str, says: str
) -> None:
    from pydicom.pixels.decoders import JPEGLosslessSV1Decoder  # noqa: PLC0415

    # As where the optional packages are absent, whatever is installed here.
    unavailable = {"pylibjpeg": ("pylibjpeg>=2.0", "pylibjpeg-libjpeg>=2.1")}
    monkeypatch.setattr(JPEGLosslessSV1Decoder, "_available", {})
    monkeypatch.setattr(JPEGLosslessSV1Decoder, "_unavailable", unavailable)
    dataset = made.ct_slice(made.Geometry(), 0.0)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    dataset["PixelData"].VR = "OB"
    made.save_dicom(dataset, tmp_path / "a.dcm")
    refused(tmp_path, f"a.dcm: {says}")


@given(
    slope=st.sampled_from([0.5, 1.0, 2.0]),
    intercepts=st.lists(st.integers(-2000, 500), min_size=6, max_size=6),
    kind=st.sampled_from([np.int16, np.uint16]),
    display=st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
)
def test_rescale_is_each_slices_own_and_display_changes_nothing(
    made: ModuleType,
    tmp_path_factory: pytest.TempPathFactory,
    slope: float,
    intercepts: list[int],
    kind: Any,
    display: str,
) -> None:
    folder = tmp_path_factory.mktemp("dicom")
    geometry = made.Geometry()
    for height, intercept in zip(geometry.heights, intercepts, strict=True):
        dataset = made.ct_slice(
            geometry,
            height,
            RescaleSlope=slope,
            RescaleIntercept=intercept - 4000,
            PhotometricInterpretation=display,
        )
        stored = np.rint((geometry.hu(height) - intercept + 4000) / slope)
        made.set_pixels(dataset, stored.astype(kind))
        made.save_dicom(dataset, folder / f"{height}.dcm")
    scan = read_dicom_scan(folder)
    np.testing.assert_allclose(scan.data, made.field_on(scan), atol=slope / 2 + 0.01)


def test_padding_below_air_is_kept_and_unsigned_padding_becomes_air(
    made: ModuleType, tmp_path: Path
) -> None:
    below = np.full((9, 7), 1064, np.int16)
    below[0, 0] = -2000
    above = np.full((9, 7), 1064, np.uint16)
    above[0, 0] = 63536
    bright = above.copy()
    bright[0, 0] = 9000  # metal, not padding
    for height, stored in enumerate((below, above, bright)):
        dataset = made.ct_slice(made.Geometry(), float(height))
        made.set_pixels(dataset, stored)
        dataset.PixelPaddingValue = -2000 if stored.dtype.kind == "i" else 63536
        made.save_dicom(dataset, tmp_path / f"{height}.dcm")
    scan = read_dicom_scan(tmp_path)
    assert scan.data[0, 0].tolist() == [-3024, -1000, 7976]
    assert (scan.data[1:] == 40).all()


def test_other_files_localizers_captures_and_smaller_series_are_passed_over(
    made: ModuleType, ct_folder: Callable[..., Path]
) -> None:
    folder = ct_folder()
    (folder / "readme.txt").write_text("not an image")
    (folder / "._000.dcm").write_bytes(b"AppleDouble")
    directory = made.ct_dataset(sop_class="1.2.840.10008.1.3.10")
    del directory.SeriesInstanceUID, directory.Modality
    made.save_dicom(directory, folder / "DICOMDIR")
    geometry = made.Geometry()
    for place in range(8):
        scout = made.ct_slice(geometry, float(place), series="1.2.1", number=1)
        scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        made.save_dicom(scout, folder / "1" / f"{place}.dcm")
        coronal = made.ct_slice(geometry, float(place), series="1.2.4", number=4)
        coronal.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        made.save_dicom(coronal, folder / "4" / f"{place}.dcm")
        derived = made.ct_slice(geometry, float(place), series="1.2.5", number=5)
        derived.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
        made.save_dicom(derived, folder / "5" / f"{place}.dcm")
        angiography = made.ct_slice(geometry, float(place), series="1.2.6", number=6)
        angiography.ContrastBolusAgent = "Iodine"
        made.save_dicom(angiography, folder / "6" / f"{place}.dcm")
        magnetic = made.ct_slice(geometry, float(place), series="1.2.7", number=7)
        magnetic.SOPClassUID, magnetic.Modality = "1.2.840.10008.5.1.4.1.1.4", "MR"
        made.save_dicom(magnetic, folder / "7" / f"{place}.dcm")
        capture = made.ct_dataset(sop_class="1.2.840.10008.5.1.4.1.1.7", series="1.2.8", number=8)
        made.set_pixels(capture, np.zeros((5, 5), np.int16))
        made.save_dicom(capture, folder / "8" / f"{place}.dcm")
    made.save_dicom(made.ct_slice(geometry, 1.0, series="1.2.9", number=9), folder / "9" / "a.dcm")
    series = examine_dicom(folder)
    assert series.number == "2"
    assert len(read_dicom_scan(folder)) == 6


def test_two_series_of_one_length_are_refused_by_number(ct_folder: Callable[..., Path]) -> None:
    folder = ct_folder()
    ct_folder(series="1.2.4", number=3)
    first = r'2 \("head", 6 slices of 3.98 mm, 23 mm in all\)'
    refused(folder, rf"could be meant: {first}; 3 .*; choose one with --series")


def test_a_slice_stored_twice_is_kept_once(ct_folder: Callable[..., Path]) -> None:
    folder = ct_folder()
    alone = read_dicom_scan(folder)
    shutil.copy(folder / "2" / "003.dcm", folder / "copy.dcm")
    np.testing.assert_array_equal(read_dicom_scan(folder).data, alone.data)
    codes = [remark.code for remark in examine_dicom(folder).remarks]
    assert codes == ["duplicate-slices", "gantry-tilt", "uneven-spacing"]


def test_different_slices_at_one_position_are_refused(
    made: ModuleType, ct_folder: Callable[..., Path]
) -> None:
    folder = ct_folder()
    other = made.ct_slice(made.Geometry(), 8.4, RescaleIntercept=-1023)
    made.save_dicom(other, folder / "2" / "later.dcm")
    refused(folder, "at the same position; leave one scan")


def _without(keyword: str) -> Callable[[Dataset], None]:
    return lambda dataset: delattr(dataset, keyword)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: setattr(d, "Rows", 5000), "1 frames of 7 x 5000 pixels are no head CT"),
        (lambda d: setattr(d, "NumberOfFrames", 10**9), "1000000000 frames of 7 x 9 pixels"),
        (_without("RescaleIntercept"), "no rescale slope and intercept"),
        (_without("Rows"), "damaged or truncated"),
        (_without("PixelData"), "damaged or truncated"),
    ],
)
def test_a_slice_that_cannot_be_read_is_refused_by_file(
    made: ModuleType, ct_folder: Callable[..., Path], change: Any, says: str
) -> None:
    folder = ct_folder()
    odd = made.ct_slice(made.Geometry(), 30.0)
    change(odd)
    made.save_dicom(odd, folder / "odd.dcm")
    with pytest.raises(InputError, match=says) as refusal:
        read_dicom_scan(folder)
    assert "odd.dcm: " in str(refusal.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: setattr(d, "ImageOrientationPatient", [1, 0, 0, 1, 0, 0]),
        lambda d: setattr(d, "PixelSpacing", [0, 0]),
        _without("PixelSpacing"),
        _without("ImagePositionPatient"),
    ],
)
def test_slices_that_all_lie_nowhere_are_refused(
    made: ModuleType, tmp_path: Path, change: Any
) -> None:
    for height in (0.0, 5.0):
        dataset = made.ct_slice(made.Geometry(), height)
        change(dataset)
        made.save_dicom(dataset, tmp_path / f"{height}.dcm")
    refused(tmp_path, r"0.0.dcm: does not say where its slice lies; export the series again")


@given(share=st.floats(0.01, 1, exclude_max=True))
def test_a_slice_cut_anywhere_is_refused_by_file(
    made: ModuleType, tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    folder = tmp_path_factory.mktemp("dicom")
    for height in (0.0, 5.0):
        path = made.save_dicom(made.ct_slice(made.Geometry(), height), folder / f"{height}.dcm")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(folder, r"5.0.dcm: .*damaged")


@given(place=st.integers(132, 600), value=st.integers(0, 255))
def test_a_damaged_header_never_escapes_as_another_error(
    made: ModuleType, tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    folder = tmp_path_factory.mktemp("dicom")
    path = made.save_dicom(made.ct_slice(made.Geometry(), 0.0), folder / "a.dcm")
    content = bytearray(path.read_bytes())
    content[place] = value
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert np.isfinite(read_dicom_scan(folder).data).all()


def test_folders_without_a_head_ct_are_refused(
    made: ModuleType, ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    refused(tmp_path / "nowhere", "no such folder")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "holds no CT slices")
    refused(ct_folder(made.Geometry(tilt_degrees=40)), "no axial CT series")


def test_a_file_named_as_dicom_that_is_none_is_refused(ct_folder: Callable[..., Path]) -> None:
    folder = ct_folder()
    (folder / "029.dcm").write_bytes(b"a report")
    refused(folder, "029.dcm: named as DICOM but is not, or damaged")


@pytest.mark.parametrize("shared", [True, False])
def test_an_enhanced_multiframe_file_reads_as_its_slices_would(
    made: ModuleType, tmp_path: Path, shared: bool
) -> None:
    made.save_dicom(made.enhanced(shared), tmp_path / "enhanced.dcm")
    scan = read_dicom_scan(tmp_path)
    np.testing.assert_allclose(np.diff(scan.affines[:, 2, 3]), np.diff(made.Geometry.heights))
    np.testing.assert_allclose(scan.data, made.field_on(scan), atol=0.26)


def test_an_enhanced_file_without_positions_is_refused(made: ModuleType, tmp_path: Path) -> None:
    dataset = made.enhanced(shared=True)
    del dataset.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence
    made.save_dicom(dataset, tmp_path / "enhanced.dcm")
    refused(tmp_path, "enhanced.dcm: does not say where its slice lies")
