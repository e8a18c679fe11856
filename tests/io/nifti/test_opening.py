"""Files of any ending, read as what they are; other formats, refused by their names."""

from __future__ import annotations

import gzip
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from atlas_builder import cli
from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.images import read_labels, read_scan, write_like
from atlas_builder.io.nifti.masks import read_lesion
from atlas_builder.io.nifti.storage import examine
from atlas_builder.io.source import open_scan

SHAPE = (20, 24, 6)


@pytest.fixture
def twin(made: ModuleType, tmp_path: Path) -> Path:
    """A scan of the field under the ending that suits it."""
    affine = np.diag([-2.0, -2.0, 5.0, 1.0])
    data = np.rint(made.field_at(made.positions_of(affine, SHAPE))).astype(np.int16)
    return made.save_nifti(tmp_path / "twin.nii", data, affine)


def _as_it_is(content: bytes) -> bytes:
    return content


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("ct.nii.gz", _as_it_is),
        ("ct.nii", gzip.compress),
        ("ct.NII", gzip.compress),
        ("CT.NII", _as_it_is),
        ("CT.NII.GZ", gzip.compress),
        ("ct", _as_it_is),
        ("ct.gz", gzip.compress),
        ("ct.img", _as_it_is),
        ("ct (1).nii.gz.download", gzip.compress),
        ("ct.mgz", gzip.compress),
    ],
)
def test_a_wrong_ending_does_not_matter(
    made: ModuleType, twin: Path, tmp_path: Path, name: str, packed: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "in" / name
    path.parent.mkdir()
    path.write_bytes(packed(twin.read_bytes()))
    expected = read_scan(twin)
    found = read_scan(path)
    np.testing.assert_array_equal(found.data, expected.data)
    np.testing.assert_array_equal(found.affines, expected.affines)
    np.testing.assert_allclose(found.data, made.field_on(found), atol=0.51)
    with open_scan(path) as source:
        np.testing.assert_array_equal(source.read([4, 1]).data, expected.data[:, :, [4, 1]])
    labels = np.zeros(SHAPE, np.uint8)
    labels[3, 4, 5] = 9
    write_like(tmp_path / "r.nii.gz", labels, examine(path))
    np.testing.assert_allclose(nib.load(tmp_path / "r.nii.gz").affine, nib.load(twin).affine)


def test_labels_and_lesions_of_a_wrong_ending(made: ModuleType, tmp_path: Path) -> None:
    data = np.zeros(SHAPE, np.uint8)
    data[5:9, 3, 2] = 1
    plain = made.save_nifti(tmp_path / "l.nii", data, np.diag([-2.0, -2.0, 5.0, 1.0]))
    wrong = Path(shutil.copy(plain, tmp_path / "wrong.nii.gz"))
    np.testing.assert_array_equal(read_labels(wrong).data, data)
    assert read_lesion(wrong).mask.sum() == 4


def test_a_file_of_a_wrong_ending_that_is_cut_is_refused(twin: Path, tmp_path: Path) -> None:
    content = twin.read_bytes()
    cut = {
        "a.nii.gz": content[:-50],
        "b.nii": gzip.compress(content)[:-50],
        "c.nii.gz": content[:300],
        "d.nii": gzip.compress(content[:-50]),
        "e.nii": gzip.compress(content)[:60],
    }
    for name, held in cut.items():
        (tmp_path / name).write_bytes(held)
        with pytest.raises(InputError, match=rf"{name}: .*(truncated|damaged)") as refusal:
            read_scan(tmp_path / name)
        assert "\n" not in str(refusal.value)


def _mgh(path: Path) -> None:
    nib.save(nib.MGHImage(np.zeros(SHAPE, np.float32), np.eye(4)), path)


def _gifti(path: Path) -> None:
    points = nib.gifti.GiftiDataArray(np.zeros((4, 3), np.float32), "NIFTI_INTENT_POINTSET")
    nib.save(nib.gifti.GiftiImage(darrays=[points]), path)


def _analyze(path: Path) -> None:
    nib.save(nib.Spm2AnalyzeImage(np.zeros(SHAPE, np.int16), np.eye(4)), path)


def _cifti(path: Path) -> None:
    scalars = nib.cifti2.ScalarAxis(["a"])
    models = nib.cifti2.BrainModelAxis.from_mask(np.ones((3, 3, 3)), affine=np.eye(4))
    data = np.zeros((1, 27), np.float32)
    nib.save(nib.Cifti2Image(data, (scalars, models)), path)


def _text(path: Path) -> None:
    path.write_text("no image of any kind\n" * 40)


FORMATS: list[tuple[str, Callable[[Path], Any], str]] = [
    ("a.mgz", _mgh, "a FreeSurfer MGH file"),
    ("a.mgh", _mgh, "a FreeSurfer MGH file"),
    ("a.surf.gii", _gifti, "a GIFTI file"),
    ("a.img", _analyze, "an SPM Analyze file"),
    ("a.dscalar.nii", _cifti, "a CIFTI-2 file"),
    ("b.gii", _text, "a GIFTI file"),
    ("b.mgz", _text, "a FreeSurfer MGH file|damaged"),
    ("b.mnc", _text, "a MINC file|not a NIfTI image"),
    ("b.PAR", _text, "a Philips PAR/REC file|not a NIfTI image"),
    ("b.HEAD", _text, "an AFNI file|not a NIfTI image"),
    ("b.BRIK", _text, "an AFNI file|not a NIfTI image"),
    ("b.trk", _text, "not a NIfTI image"),
    ("b.hdr", _text, "an Analyze file|not a NIfTI image"),
]


@pytest.mark.parametrize(("name", "write", "what"), FORMATS, ids=[name for name, *_ in FORMATS])
def test_another_format_is_refused_in_one_line_that_says_what_it_is(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    write: Callable[[Path], Any],
    what: str,
) -> None:
    path = tmp_path / name
    write(path)
    arguments = ["map-regions", str(path), "--age", "60", "--out", str(tmp_path / "map")]
    monkeypatch.setattr(sys, "argv", ["aspects-atlas", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    with pytest.raises(InputError, match=rf"{name}: ({what})") as refusal:
        examine(path)
    assert str(refusal.value) in err
    if "|" not in what and "file" in what:
        assert "convert it to NIfTI" in err
    assert not (tmp_path / "map").exists()
