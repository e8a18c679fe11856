"""Scans written as NIfTI volumes and read again."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.io.nifti.images import read_scan
from atlas_builder.io.nifti.volumes import volume_affine, write_scan


def make_scan(tilt_deg=0.0, steps=(5.0,) * 5, descending=False):
    tilt = np.radians(tilt_deg)
    affines = np.tile(np.eye(4), (len(steps) + 1, 1, 1))
    affines[:, :3, 0] = (-0.5, 0, 0)
    affines[:, :3, 1] = (0, -0.5 * np.cos(tilt), -0.5 * np.sin(tilt))
    affines[:, :3, 2] = (0, -np.sin(tilt), np.cos(tilt))
    affines[:, :3, 3] = (40.0, 50.0, -30.0)
    affines[:, 2, 3] += np.concatenate([[0.0], np.cumsum(steps)])
    data = np.random.default_rng(0).integers(-1024, 3071, (9, 7, len(affines)), dtype=np.int16)
    if descending:
        data, affines = data[:, :, ::-1], affines[::-1]
    return Scan(data, affines)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("tilt", [0.0, 18.5, -20.0])
def test_a_scan_comes_back_slice_by_slice(tmp_path, tilt, descending):
    scan = make_scan(tilt, descending=descending)
    write_scan(tmp_path / "scan.nii.gz", scan)
    again = read_scan(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(again.data, scan.data)
    np.testing.assert_allclose(again.affines, scan.affines, atol=1e-4)


def test_shear_is_in_the_sform_and_never_in_a_qform(tmp_path):
    for tilt, codes in ((0.0, (1, 1)), (12.0, (0, 1))):
        write_scan(tmp_path / "scan.nii", make_scan(tilt))
        header = nib.load(tmp_path / "scan.nii").header
        assert (int(header["qform_code"]), int(header["sform_code"])) == codes
        assert header.get_data_dtype() == np.int16


def test_uneven_or_turned_slices_are_refused(tmp_path):
    uneven = make_scan(steps=(4.0, 4.0, 7.0, 7.0))
    turned = make_scan()
    turned.affines[2, :3, 0] = (-0.499, 0.03, 0)
    for scan in (uneven, turned):
        assert volume_affine(scan.affines) is None
        with pytest.raises(InputError, match=r"unevenly.*write DICOM"):
            write_scan(tmp_path / "scan.nii.gz", scan)
    assert not list(tmp_path.iterdir())


def test_the_same_scan_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_scan(tmp_path / name / "scan.nii.gz", make_scan())
    first, second = (tmp_path / name / "scan.nii.gz" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
