"""What is no NIfTI file is recognised by its content, and the message says how to convert it."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pytest

from aspects_scorer.dwi.file_format import refuse_other_formats
from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.images import write_volume


def folder(path):
    path.mkdir()


def zipped(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.dcm", b"x")


def tarred(path):
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("b1000.nii"), io.BytesIO(b""))


def dicom(path):
    path.write_bytes(bytes(128) + b"DICM" + bytes(400))


def freesurfer(path):
    path.write_bytes(gzip.compress(b"\0\0\0\1" + bytes(300)))


@pytest.mark.parametrize(
    ("made", "name", "words"),
    [
        (folder, "DWI", "DWI: a folder, .* dcm2niix"),
        (zipped, "dwi.nii", r"dwi\.nii: a zip archive, .* unpack it, .* dcm2niix"),
        (tarred, "dwi.tar.gz", r"dwi\.tar\.gz: a tar archive, .* unpack it, .* dcm2niix"),
        (dicom, "1.dcm", r"1\.dcm: a DICOM file, .* dcm2niix"),
        (freesurfer, "dwi.mgz", r"dwi\.mgz: a FreeSurfer volume, .* mri_convert"),
    ],
)
def test_other_formats_are_refused_with_the_remedy(tmp_path, made, name, words):
    made(tmp_path / name)
    with pytest.raises(InputError, match=words) as refused:
        refuse_other_formats(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_nifti_and_what_only_its_reader_can_judge_pass(tmp_path):
    for name in ("b1000.nii", "b1000.nii.gz"):
        write_volume(tmp_path / name, np.ones((9, 9, 9), np.float32), np.eye(4))
        refuse_other_formats(tmp_path / name)
    (tmp_path / "damaged.nii.gz").write_bytes(b"\x1f\x8bgarbage")
    (tmp_path / "empty.nii").write_bytes(b"")
    for name in ("damaged.nii.gz", "empty.nii", "gone.nii"):
        refuse_other_formats(tmp_path / name)
