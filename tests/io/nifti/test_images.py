import gzip
import itertools
import logging
import re
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import ants
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.images import (
    examine,
    read_labels,
    read_scan,
    read_slices,
    write_image,
    write_like,
)

ORDERS = [
    (axes, signs)
    for axes in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


def ras_affine(
    zooms: tuple[float, float, float], turn: float = 0.0, tilt: float = 0.0
) -> NDArray[np.float64]:
    """A head turned in the plane and sheared by a tilted gantry (degrees): the table moves along z.

    Columns of the result run right, front and up before the turn.
    """
    a, b = np.radians([turn, tilt])
    right = np.array([np.cos(a), np.sin(a), 0])
    front = np.array([-np.sin(a) * np.cos(b), np.cos(a) * np.cos(b), np.sin(b)])
    affine = np.eye(4)
    affine[:3, :3] = np.stack([right, front, [0, 0, 1]], axis=1) * zooms
    affine[:3, 3] = [-31.5, -42.25, 17.0]
    return affine


def stored_as(
    affine: NDArray[np.float64], shape: tuple[int, ...], order: tuple[Any, Any]
) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """The affine and shape of the same grid with its axes permuted and mirrored."""
    axes, signs = order
    change = np.zeros((4, 4))
    change[3, 3] = 1
    for stored, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        change[axis, stored] = sign
        if sign < 0:
            change[axis, 3] = shape[axis] - 1
    return affine @ change, tuple(shape[axis] for axis in axes)


@given(
    order=st.sampled_from(ORDERS),
    shape=st.tuples(*[st.integers(2, 6)] * 3),
    zooms=st.tuples(*[st.floats(0.3, 8.0)] * 3),
    turn=st.floats(-40, 40),
    tilt=st.floats(-29, 29),
    scaling=st.sampled_from([(1.0, 0.0), (1.0, -1024.0), (0.5, -1024.0), (2.0, 3.0), (-1.0, 9.0)]),
    dtype=st.sampled_from(["<i2", ">i2", "<i4", "<f4", ">f8"]),
    trailing=st.sampled_from([(), (1,), (1, 1)]),
)
def test_a_scan_reads_to_the_same_values_at_the_same_positions_however_stored(
    made: ModuleType,
    order: Any,
    shape: tuple[int, ...],
    zooms: tuple[float, float, float],
    turn: float,
    tilt: float,
    scaling: tuple[float, float],
    dtype: str,
    trailing: tuple[int, ...],
) -> None:
    affine, stored_shape = stored_as(ras_affine(zooms, turn, tilt), shape, order)
    slope, inter = scaling
    stored = np.rint((made.field_at(made.positions_of(affine, stored_shape)) - inter) / slope)
    with tempfile.TemporaryDirectory() as folder:
        path = made.save_nifti(
            Path(folder) / "ct.nii",
            stored.astype(dtype).reshape(stored_shape + trailing),
            affine,
            slope,
            inter,
        )
        scan = read_scan(path)
        last = read_slices(examine(path), [len(scan) - 1])
    assert scan.data.dtype == np.float32
    assert scan.data.shape == (shape[0], shape[1], shape[2])
    np.testing.assert_allclose(scan.data, made.field_on(scan), atol=abs(slope) / 2 + 0.01)
    to_left, to_back, normal = scan.affines[0, :3, :3].T
    assert to_left[0] < 0
    assert to_back[1] < 0
    np.testing.assert_allclose(normal @ np.stack([to_left, to_back], axis=1), 0, atol=1e-5)
    assert np.linalg.norm(normal) == pytest.approx(1)
    assert normal[2] > 0.8
    # The k-th slice is the k-th along the file's axial axis.
    upwards = order[1][order[0].index(2)]
    steps = np.diff(scan.affines[:, 2, 3])
    np.testing.assert_allclose(steps, upwards * zooms[2], rtol=1e-4)
    np.testing.assert_allclose(last.data[:, :, 0], scan.data[:, :, -1], rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(last.affines[0], scan.affines[-1])


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_values_go_back_to_the_files_own_grid(made: ModuleType, tmp_path: Path, order: Any) -> None:
    affine, stored_shape = stored_as(ras_affine((0.5, 0.6, 5), 10, 18.5), (3, 4, 5), order)
    stored = (np.arange(60) * 7 % 11).reshape(stored_shape).astype(np.uint8)
    path = made.save_nifti(tmp_path / "scan.nii", stored, affine)
    storage = examine(path)
    labels = read_labels(path)
    np.testing.assert_array_equal(storage.restore(labels.data), stored)
    write_like(tmp_path / "regions.nii", labels.data, storage)
    written, source = nib.load(tmp_path / "regions.nii"), nib.load(path)
    np.testing.assert_array_equal(np.asarray(written.dataobj), stored)
    assert written.get_data_dtype() == np.uint8
    for form in ("get_qform", "get_sform"):
        ours, our_code = getattr(written, form)(coded=True)
        theirs, their_code = getattr(source, form)(coded=True)
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        assert our_code == their_code


def test_a_two_dimensional_file_is_one_slice(made: ModuleType, tmp_path: Path) -> None:
    affine = np.diag([-0.5, -0.5, 1, 1.0])
    affine[:3, 3] = [2.0, 3.0, 40.0]
    stored = np.arange(30, dtype=np.uint8).reshape(5, 6)
    path = made.save_nifti(tmp_path / "slice.nii.gz", stored, affine)
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.data[:, :, 0], stored)
    np.testing.assert_allclose(scan.affines[0], affine)
    np.testing.assert_array_equal(examine(path).restore(scan.data), stored)


def test_lengths_in_metres_are_converted(made: ModuleType, tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((4, 5, 6), np.int16), np.diag([5e-4, 5e-4, 5e-3, 1]))
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "ct.nii")
    assert read_scan(tmp_path / "ct.nii")[0].spacing == pytest.approx((0.5, 0.5))


def test_the_qform_is_used_where_there_is_no_sform(made: ModuleType, tmp_path: Path) -> None:
    affine = ras_affine((0.5, 0.5, 5), turn=12)
    image = nib.Nifti1Image(np.zeros((4, 5, 6), np.int16), affine)
    image.set_qform(affine, 1)
    image.set_sform(None, 0)
    nib.save(image, tmp_path / "ct.nii")
    storage = examine(tmp_path / "ct.nii")
    np.testing.assert_allclose(storage.affine, affine, atol=1e-4)
    write_like(tmp_path / "out.nii", np.zeros((4, 5, 6), np.uint8), storage)
    assert nib.load(tmp_path / "out.nii").get_sform(coded=True) == (None, 0)


def test_padding_is_kept_and_a_trace_of_nan_becomes_the_smallest_value(
    made: ModuleType, tmp_path: Path
) -> None:
    data = np.full((200, 200, 2), 30.0, np.float32)
    data[0, 0] = -3024
    data[5, 6, 1] = np.nan
    scan = read_scan(made.save_nifti(tmp_path / "ct.nii", data, np.diag([-0.5, -0.5, 5, 1])))
    assert scan.data[5, 6, 1] == -3024
    assert np.isfinite(scan.data).all()
    data[:9] = np.inf
    path = made.save_nifti(tmp_path / "ct.nii", data, np.diag([-0.5, -0.5, 5, 1]))
    with pytest.raises(InputError, match="not finite"):
        read_scan(path)


@pytest.mark.parametrize("slope", [1.0, 2.0])
def test_unsigned_padding_becomes_air(made: ModuleType, tmp_path: Path, slope: float) -> None:
    affine = np.diag([-0.5, -0.5, 5, 1])
    twin = np.random.default_rng(0).integers(0, 3000, (40, 30, 4)).astype(np.uint16)
    padded = twin.copy()
    twin[:6], padded[:6] = 0, 62512
    expected = read_scan(made.save_nifti(tmp_path / "twin.nii", twin, affine, slope, -1024)).data
    path = made.save_nifti(tmp_path / "ct.nii", padded, affine, slope, -1024)
    np.testing.assert_array_equal(read_scan(path).data, expected)
    some = read_slices(examine(path), [3, 0]).data
    np.testing.assert_array_equal(some, expected[:, :, [3, 0]])
    assert expected.max() < 30000  # metal on the extended scale stays


@pytest.mark.parametrize(
    ("stored", "slope"),
    [
        (np.arange(11, dtype=np.uint8), 1),
        (np.arange(11, dtype=np.float32) + 4e-4, 1),
        (np.arange(11, dtype=np.int16) * 20, 0.05),
    ],
)
def test_labels_are_whole_numbers_however_stored(
    made: ModuleType, tmp_path: Path, stored: NDArray[Any], slope: float
) -> None:
    stored = np.append(stored, 0).astype(stored.dtype).reshape(3, 4, 1)
    labels = read_labels(made.save_nifti(tmp_path / "l.nii", stored, np.eye(4), slope))
    assert labels.data.dtype == np.uint8
    assert sorted(labels.data.flat) == [0, *range(11)]


@pytest.mark.parametrize("value", [-1, 11, 2.5, 300, 1e30, np.nan])
def test_an_impossible_label_is_named(made: ModuleType, tmp_path: Path, value: float) -> None:
    stored = np.zeros((4, 4, 2), np.float32)
    stored[1, 2, 1] = value
    path = made.save_nifti(tmp_path / "labels.nii.gz", stored, np.eye(4))
    with pytest.raises(InputError, match=re.escape(f": holds the value {value:g} (1 ")):
        read_labels(path)


def _image(shape: tuple[int, ...] = (8, 9, 4), dtype: Any = np.int16) -> nib.Nifti1Image:
    rng = np.random.default_rng(0)
    data = rng.integers(0, 99, shape).astype(dtype)
    return nib.Nifti1Image(data, np.diag([-0.5, -0.5, 5, 1]), dtype=data.dtype)


def _write(path: Path, image: Any) -> Path:
    nib.save(image, path)
    return path


def _edited(path: Path, image: Any, offset: int, value: Any) -> Path:
    """An uncompressed file with some bytes of its header overwritten."""
    content = bytearray(_write(path, image).read_bytes())
    patch = np.asarray(value).tobytes()
    content[offset : offset + len(patch)] = patch
    path.write_bytes(content)
    return path


def _cut(path: Path, image: Any, share: float) -> Path:
    content = _write(path, image).read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def _flipped_bit(path: Path, image: Any) -> Path:
    content = bytearray(_write(path, image).read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    return path


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _without_forms(path: Path) -> Path:
    image = _image()
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    return _write(path, image)


def _with_forms_that_disagree(path: Path) -> Path:
    image = _image()
    image.set_sform(np.diag([-0.5, -0.5, 5, 1]), 1)
    image.set_qform(np.diag([0.5, -0.5, 5, 1]), 1)
    return _write(path, image)


def _with_affine(path: Path, columns: Any) -> Path:
    image = _image()
    image.set_sform(np.vstack([np.c_[np.array(columns, float).T, [0, 0, 0]], [0, 0, 0, 1]]), 1)
    image.set_qform(None, 0)
    return _write(path, image)


RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
DAMAGED = {
    "missing": lambda p: p,
    "a folder": lambda p: p.mkdir() or p,
    "empty": lambda p: _bytes(p, b""),
    "text": lambda p: _bytes(p, b"participant_id\tage\n" * 40),
    "gz of text": lambda p: _bytes(p.with_suffix(".nii.gz"), gzip.compress(b"text" * 200)),
    "not gz": lambda p: _bytes(p.with_suffix(".nii.gz"), b"no gzip" * 99),
    "gz garbage": lambda p: _bytes(p.with_suffix(".nii.gz"), b"\x1f\x8b\x08" + b"\x07" * 900),
    "cut header": lambda p: _cut(p, _image(), 0.3),
    "cut voxels": lambda p: _cut(p, _image(), 0.99),
    "cut gz": lambda p: _cut(p.with_suffix(".nii.gz"), _image((64, 64, 9)), 0.5),
    "cut gz near its end": lambda p: _cut(p.with_suffix(".nii.gz"), _image((64, 64, 9)), 0.9999),
    "damaged gz": lambda p: _flipped_bit(p.with_suffix(".nii.gz"), _image((64, 64, 9))),
    "terabytes": lambda p: _edited(p, _image(), 42, np.int16([32000, 32000, 32000])),
    "gigabytes": lambda p: _edited(p, _image(), 42, np.int16([1000, 1000, 1000])),
    "negative dimension": lambda p: _edited(p, _image(), 42, np.int16([-8])),
    "no dimension": lambda p: _edited(p, _image(), 42, np.int16([0])),
    "unknown type": lambda p: _edited(p, _image(), 70, np.int16([77])),
    "not a number in the affine": lambda p: _edited(p, _image(), 280, np.float32([np.nan])),
    "nothing about left and right": _without_forms,
    "forms that disagree": _with_forms_that_disagree,
    "flat": lambda p: _with_affine(p, [[1, 0, 0], [1, 0.01, 0], [0, 0, 1]]),
    "no extent": lambda p: _with_affine(p, [[0, 0, 0], [0, 1, 0], [0, 0, 1]]),
    "metres taken for mm": lambda p: _with_affine(p, np.diag([5e-4, 5e-4, 5e-3])),
    "4-D": lambda p: _write(p, _image((8, 9, 4, 2))),
    "1-D": lambda p: _write(p, _image((8,))),
    "sagittal slice": lambda p: _write(p, _image((1, 9, 8))),
    "colour": lambda p: _write(p, nib.Nifti1Image(np.zeros((8, 9, 4), RGB), np.eye(4))),
    "complex": lambda p: _write(p, _image(dtype=np.complex64)),
    "another format": lambda p: _write(
        p.with_suffix(".mgz"), nib.MGHImage(np.zeros((8, 9, 4), np.float32), np.eye(4))
    ),
}


@pytest.mark.parametrize("read", [read_scan, read_labels, lambda p: read_slices(examine(p), [0])])
@pytest.mark.parametrize("damage", DAMAGED.values(), ids=list(DAMAGED))
def test_what_cannot_be_read_is_refused_in_one_line_that_names_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], damage: Any, read: Any
) -> None:
    path = damage(tmp_path / "ct.nii")
    with pytest.raises(InputError) as refusal:
        read(path)
    message = str(refusal.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) > len(f"{path}: ") + 20
    assert capfd.readouterr() == ("", "")
    assert not logging.getLogger("nibabel.global").disabled


def test_left_and_right_unknown_says_how_to_mend_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"says nothing about left and right.*dcm2niix"):
        read_scan(_without_forms(tmp_path / "ct.nii"))


@pytest.mark.parametrize("signs", [(-1, -1, 1), (1, 1, -1), (-1, 1, -1), (-1, 1, 1), (-1, -1, -1)])
def test_a_qform_and_an_sform_that_disagree_are_refused(
    tmp_path: Path, signs: tuple[int, int, int]
) -> None:
    image = _image()
    image.set_sform(np.diag([3.0, 3, 5, 1]), 1)
    image.set_qform(np.diag([3.0 * signs[0], 3 * signs[1], 5 * signs[2], 1]), 1)
    with pytest.raises(InputError, match="qform and sform disagree about left and right"):
        examine(_write(tmp_path / "ct.nii", image))


@given(tilt=st.floats(-30, 30), turn=st.floats(-20, 20))
def test_an_sform_sheared_like_a_gantry_agrees_with_its_qform(tilt: float, turn: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        upright = ras_affine((0.5, 0.5, 5), turn, tilt)
        sheared = upright.copy()
        sheared[:3, 2] = [0, 0, 5]
        image = _image()
        image.set_sform(sheared, 1)
        image.set_qform(upright, 1)
        path = _write(Path(folder) / "ct.nii", image)
        np.testing.assert_allclose(examine(path).affine, sheared, atol=1e-4)


def test_a_file_without_access_is_refused(
    made: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    path = _write(tmp_path / "ct.nii", _image())
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"ct.nii: cannot be read \(Permission denied\)"):
        read_scan(path)


@given(turn=st.floats(-30, 30), tilt=st.floats(-25, 25), height=st.floats(-100, 100))
def test_a_written_slice_lies_where_it_should_for_every_reader(
    made: ModuleType, turn: float, tilt: float, height: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rotated = ras_affine((0.5, 0.75, 1), turn, tilt)
        rotated[2, 3] = height
        affine = rotated @ np.diag([-1, -1, 1, 1])
        affine[:3, 2] = np.cross(affine[:3, 0], affine[:3, 1]) / (0.5 * 0.75)
        data = np.arange(12, dtype=np.int16).reshape(3, 4)
        path = Path(folder) / "slice.nii.gz"
        write_image(path, data, affine)
        scan = read_scan(path)
        np.testing.assert_array_equal(scan.data[:, :, 0], data)
        np.testing.assert_allclose(scan.affines[0], affine, atol=1e-4)
        expected = made.positions_of(affine, (3, 4, 1))[2, 1, 0]
        image = nib.load(path)
        assert image.shape == (3, 4, 1)
        assert int(image.header["qform_code"]) == int(image.header["sform_code"]) == 1
        np.testing.assert_allclose(image.affine @ [2, 1, 0, 1], [*expected, 1], atol=1e-3)
        qform_position = image.get_qform() @ [2, 1, 0, 1]
        np.testing.assert_allclose(qform_position, [*expected, 1], atol=1e-3)
        lps_to_ras = np.array([-1, -1, 1])
        itk = sitk.ReadImage(str(path))
        assert itk.GetPixel(2, 1, 0) == data[2, 1]
        np.testing.assert_allclose(
            itk.TransformIndexToPhysicalPoint((2, 1, 0)) * lps_to_ras, expected, atol=1e-3
        )
        seen = ants.image_read(str(path), dimension=3)
        assert seen[2, 1, 0] == data[2, 1]
        position = ants.transform_index_to_physical_point(seen, (2, 1, 0))
        np.testing.assert_allclose(np.array(position) * lps_to_ras, expected, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_a_written_slice_keeps_its_type_and_repeats_byte_for_byte(
    tmp_path: Path, dtype: Any
) -> None:
    data = np.arange(24).reshape(3, 4, 2).astype(dtype)
    for name in ("a.nii.gz", "b.nii.gz"):
        write_image(tmp_path / name, data, np.diag([-0.5, -0.5, 1, 1]))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    image = nib.load(tmp_path / "a.nii.gz")
    assert image.get_data_dtype() == dtype
    assert image.shape == (3, 4, 1, 2)
    np.testing.assert_array_equal(np.asarray(image.dataobj)[:, :, 0], data)


def test_what_follows_the_voxels_is_not_unpacked_to_its_end(
    made: ModuleType, tmp_path: Path
) -> None:
    data = np.ones((4, 5, 6), np.int16)
    path = made.save_nifti(tmp_path / "a.nii.gz", data, np.diag([2.0, 2.0, 5.0, 1.0]))
    behind = bytearray(gzip.compress(bytes(32 << 20), 1))
    behind[-8] ^= 1  # a checksum that only unpacking to the end would find wrong
    path.write_bytes(path.read_bytes() + behind)
    np.testing.assert_array_equal(read_scan(path).data, 1)
