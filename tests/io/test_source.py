"""The one door: whatever a scan is stored as, its slices and its labels are where they belong."""

import contextlib
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import gdcm
import nibabel as nib
import numpy as np
import pydicom
import pydicom.pixels.decoders as pydicom_decoders
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_builder.core.errors import InputError
from atlas_builder.io.archive import unpacked_dicom
from atlas_builder.io.nifti.images import read_scan
from atlas_builder.io.source import DicomSource, NiftiSource, open_scan

PRIVATE_TEXTS = ("Doe", "Jane", "SECRET", "1950")


def refused(path: Path, says: str, series: str | None = None) -> None:
    with pytest.raises(InputError, match=says) as refusal, open_scan(path, series) as source:
        source.read()
    message = str(refusal.value)
    assert "\n" not in message
    assert not any(text in message for text in PRIVATE_TEXTS)


def zipped(folder: Path, path: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for place, member in enumerate(sorted(folder.rglob("*.dcm"))):
            file.write(member, f"{prefix}IM{place}")
    return path


def labels_like(source: Any) -> Any:
    labels = np.zeros(source.shape, np.uint8)
    labels[1, 2, 1], labels[3, 4, 1], labels[2, 5, 4] = 3, 13, 8
    return labels


@pytest.mark.parametrize("axes", [("L", "P", "S"), ("R", "A", "S"), ("S", "R", "P")])
def test_a_nifti_file(made: ModuleType, tmp_path: Path, axes: tuple[str, ...]) -> None:
    shape, affine = (7, 9, 6), np.diag([11.0, 13.0, 5.0, 1.0])
    data = made.field_at(made.positions_of(affine, shape)).astype(np.float32)
    image = nib.Nifti1Image(data, affine)
    turned = image.as_reoriented(
        nib.orientations.ornt_transform(
            nib.io_orientation(affine), nib.orientations.axcodes2ornt(axes)
        )
    )
    path = made.save_nifti(tmp_path / "a.nii.gz", np.asarray(turned.dataobj), turned.affine)
    with open_scan(path) as source:
        assert isinstance(source, NiftiSource)
        assert (source.kind, source.age, source.series) == ("NIfTI", None, None)
        assert source.shape == (7, 9, 6)
        assert source.remarks == ()
        np.testing.assert_array_equal(source.read().data, read_scan(path).data)
        part = source.read([4, 1])
        np.testing.assert_allclose(part.data, made.field_on(part), rtol=1e-5)
        labels = labels_like(source)
        assert source.write_labels(tmp_path / "r.nii.gz", labels, (1, 4)) is None
    written = nib.load(tmp_path / "r.nii.gz")
    assert written.shape == turned.shape
    np.testing.assert_allclose(written.affine, turned.affine)
    np.testing.assert_array_equal(read_scan(tmp_path / "r.nii.gz").data, labels)
    refused(path, "a.nii.gz: no DICOM; leave out --series", series="2")


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_dicom_in_a_folder_and_in_a_zip(
    made: ModuleType, ct_folder: Callable[..., Path], tmp_path: Path, form: str
) -> None:
    folder = ct_folder(PatientAge="063Y")
    path = folder if form == "folder" else zipped(folder, tmp_path / "scan.zip", "a/b/")
    with open_scan(path) as source:
        assert isinstance(source, DicomSource)
        assert (source.kind, source.age, source.series) == ("DICOM", 63, "2")
        assert source.path == path
        assert [remark.code for remark in source.remarks] == ["gantry-tilt", "uneven-spacing"]
        scan = source.read()
        np.testing.assert_allclose(scan.data, made.field_on(scan), atol=0.51)
        assert source.shape == scan.data.shape
        np.testing.assert_array_equal(source.read([4]).data[:, :, 0], scan.data[:, :, 4])
        labels = labels_like(source)
        note = source.write_labels(tmp_path / "r.nii.gz", labels, (1, 4))
    assert note is not None
    assert "exact at slices 1 and 4 only" in note
    written = nib.load(tmp_path / "r.nii.gz")
    data = np.asarray(written.dataobj)
    np.testing.assert_array_equal(data, labels)
    for c, r, k in np.argwhere(labels):
        expected = scan.affines[k] @ (c, r, 0, 1)
        np.testing.assert_allclose(written.affine @ (c, r, k, 1), expected, atol=1e-4)
    assert int(written.header["qform_code"]) == 0  # a qform cannot be sheared


def test_nothing_is_left_of_an_unpacked_archive(
    ct_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile  # noqa: PLC0415

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = zipped(ct_folder(), tmp_path / "scan.zip")
    with open_scan(path) as source:
        assert len(list((tmp_path / "temporary").rglob("*"))) == 7
        source.read([0])
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_upright_even_series_gets_an_orthogonal_affine(made: ModuleType, tmp_path: Path) -> None:
    for height in range(6):
        dataset = made.ct_slice(made.Geometry(0), 5.0 * height)
        made.save_dicom(dataset, tmp_path / "dicom" / f"{height}.dcm")
    with open_scan(tmp_path / "dicom") as source:
        assert source.remarks == ()
        assert source.write_labels(tmp_path / "r.nii.gz", labels_like(source), (1, 4)) is None
        affines = source.affines
    image = nib.load(tmp_path / "r.nii.gz")
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-5)
    np.testing.assert_allclose(image.affine @ (1, 2, 5, 1), affines[5] @ (1, 2, 0, 1), atol=1e-5)


def test_a_multiframe_file_is_a_scan_and_a_single_slice_is_not(
    made: ModuleType, ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    path = made.save_dicom(made.enhanced(shared=True), tmp_path / "enhanced")
    with open_scan(path) as source:
        scan = source.read()
    np.testing.assert_allclose(scan.data, made.field_on(scan), atol=0.26)
    refused(ct_folder() / "2" / "000.dcm", "one slice of a DICOM series; give the folder")


def test_paths_that_are_no_scan_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nothing", "no such file")
    refused(tmp_path / ("long" * 100), "cannot be read")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "holds no CT slices in DICOM")
    (tmp_path / "a.nii.gz").write_bytes(b"nothing of the kind")
    refused(tmp_path / "a.nii.gz", "not a NIfTI image")


def test_a_damaged_member_is_named_as_in_the_archive(
    ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = ct_folder()
    damaged = folder / "2" / "003.dcm"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    refused(zipped(folder, tmp_path / "scan.zip"), r"scan.zip: IM3: damaged or truncated")


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        ({"height": 8.4, "RescaleIntercept": -1023}, "a different slice than .*/scan.zip: IM"),
    ],
)
def test_two_members_that_disagree_are_both_named_as_in_the_archive(
    made: ModuleType, ct_folder: Callable[..., Path], tmp_path: Path, odd: Any, says: str
) -> None:
    folder = ct_folder()
    made.save_dicom(made.ct_slice(made.Geometry(), **odd), folder / "2" / "odd.dcm")
    refused(zipped(folder, tmp_path / "scan.zip"), rf"scan.zip: IM\d: .*{says}\d ")


def test_an_archive_of_files_without_preambles_is_read(
    ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = ct_folder()
    with open_scan(folder) as source:
        clean = source.read().data
    for file in folder.rglob("*.dcm"):
        content = file.read_bytes()
        file.write_bytes(content[content.index(b"\x08\x00\x08\x00") :])
    with open_scan(zipped(folder, tmp_path / "scan.zip")) as source:
        np.testing.assert_array_equal(source.read().data, clean)


def test_an_empty_member_of_an_archive_is_counted(
    ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = ct_folder()
    sorted(folder.rglob("*.dcm"))[0].write_bytes(b"")
    with open_scan(zipped(folder, tmp_path / "scan.zip")) as source:
        (reason,) = [r.reason for r in source.remarks if r.code == "files-not-read"]
    assert reason.startswith("1 file: ")


def test_a_tar_archive_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "scan.tar.gz").write_bytes(b"\x1f\x8b")
    refused(tmp_path / "scan.tar.gz", "a tar archive; unpack it and give the folder")


def test_a_damaged_lzma_archive_is_refused(ct_folder: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    member = sorted(ct_folder().rglob("*.dcm"))[0]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        file.write(member, "IM0")
    content = bytearray(path.read_bytes())
    properties = content.index(b"IM0") + len(b"IM0") + 4
    content[properties] = 0xFF
    path.write_bytes(content)
    refused(path, "a.zip: damaged or truncated archive")


def test_members_named_to_lead_elsewhere_lead_nowhere(
    ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = ct_folder()
    path = tmp_path / "in" / "scan.zip"
    path.parent.mkdir()
    names = ["../../up", "/tmp/absolute", "C:\\windows", "a/../../../b", "nul\x00", "x" * 300]
    with zipfile.ZipFile(path, "w") as file:
        for name, member in zip(names, sorted(folder.rglob("*.dcm")), strict=True):
            file.writestr(zipfile.ZipInfo(name), member.read_bytes())
        file.writestr("__MACOSX/a/._IM0", b"AppleDouble")
        file.writestr("readme.txt", b"hello")
    before = sorted(tmp_path.rglob("*"))
    with open_scan(path) as source:
        assert source.shape[2] == 6
    assert sorted(tmp_path.rglob("*")) == before


def test_archives_that_unpack_to_too_much_are_refused(
    ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    path = zipped(ct_folder(), tmp_path / "scan.zip")
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("big", bytes(128) + b"DICM" + bytes(30 << 20))
    assert bomb.stat().st_size < 100_000
    # The sizes that an archive states are not believed: here all of them are 0.
    content = bytearray(bomb.read_bytes())
    central = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, central + 24, 0)
    lying = tmp_path / "lying.zip"
    lying.write_bytes(content)
    few = {"most_bytes": 8 << 20}
    too_much = {bomb: r"bomb\.zip: unpacks to more than 0 GiB", lying: r"lying\.zip: "}
    for one, complaint in too_much.items():
        with pytest.raises(InputError, match=complaint), unpacked_dicom(one, **few):
            pass
    with unpacked_dicom(path, **few) as folder:
        assert len(list(folder.iterdir())) == 6
    complaint = r"scan\.zip: holds more than 5 files"
    with pytest.raises(InputError, match=complaint), unpacked_dicom(path, most_files=5):
        pass


def test_archives_without_dicom_and_encrypted_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w"):
        pass
    refused(path, "a.zip: holds no DICOM files")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.nii", b"hello")
    refused(path, "a.zip: holds no DICOM files")
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(signature) + flags] |= 1
    path.write_bytes(content)
    refused(path, "a.zip: encrypted; unpack it")


@given(data=st.data())
def test_a_damaged_archive_never_escapes_as_another_error(
    archived: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(archived)
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(4, len(content) - 1))]
    else:
        content[data.draw(st.integers(4, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    path.write_bytes(content)
    with contextlib.suppress(InputError), open_scan(path) as source:
        assert np.isfinite(source.read().data).all()


@pytest.fixture(scope="module")
def archived(made: ModuleType) -> bytes:
    """A zip archive of two slices."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for height in (0.0, 5.0):
            slice_file = io.BytesIO()
            dataset = made.ct_slice(made.Geometry(), height)
            pydicom.dcmwrite(slice_file, dataset, enforce_file_format=True)
            file.writestr(f"IM{height:.0f}", slice_file.getvalue())
    return content.getvalue()


@pytest.fixture
def core_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the decoders that are installed with this software."""
    for value in vars(pydicom_decoders).values():
        if hasattr(value, "_available"):
            kept = {k: v for k, v in value._available.items() if k != "pylibjpeg"}
            monkeypatch.setattr(value, "_available", kept)


@pytest.mark.usefixtures("core_decoders")
@pytest.mark.parametrize("kind", [np.int16, np.uint16])
@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize(
    ("syntax", "ending"),
    [
        (gdcm.TransferSyntax.JPEGLosslessProcess14, "4.57"),
        (gdcm.TransferSyntax.JPEGLosslessProcess14_1, "4.70"),
        (gdcm.TransferSyntax.JPEGLSLossless, "4.80"),
        (gdcm.TransferSyntax.JPEGLSNearLossless, "4.81"),
        (gdcm.TransferSyntax.JPEG2000Lossless, "4.90"),
        (gdcm.TransferSyntax.JPEG2000, "4.91"),
        (gdcm.TransferSyntax.RLELossless, "2.5"),
    ],
)
def test_compressed_transfer_syntaxes(
    made: ModuleType, tmp_path: Path, syntax: int, ending: str, bits: int, kind: Any
) -> None:
    lowest = -1024 if kind == np.int16 else 0
    rng = np.random.default_rng(4)
    values = [rng.integers(lowest, 1025, (40, 32)).astype(kind) for _ in range(2)]
    for place, stored in enumerate(values):
        dataset = made.ct_slice(made.Geometry(0), 5.0 * place, RescaleIntercept=-lowest - 1024)
        dataset.BitsStored, dataset.HighBit = bits, bits - 1
        made.set_pixels(dataset, stored)
        raw = made.save_dicom(dataset, tmp_path / "raw.dcm")
        compress(raw, tmp_path / "dicom" / f"{place}.dcm", syntax)
    written = pydicom.dcmread(tmp_path / "dicom" / "0.dcm")
    assert written.file_meta.TransferSyntaxUID == f"1.2.840.10008.1.2.{ending.removeprefix('2.')}"
    with open_scan(tmp_path / "dicom") as source:
        hu = source.read().data
    expected = np.stack([stored.T.astype(float) - lowest - 1024 for stored in values], axis=2)
    np.testing.assert_array_equal(hu, expected)


def compress(raw: Path, path: Path, syntax: int) -> None:
    path.parent.mkdir(exist_ok=True)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(raw))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
