"""Commands load nibabel without what it would drag along, and break neither."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_nibabel_comes_without_pydicom_which_can_be_loaded_later() -> None:
    code = (
        "import sys; from atlas_builder.runtime.lean_imports import import_nibabel\n"
        "import_nibabel(); print('nibabel' in sys.modules, 'pydicom' in sys.modules)\n"
        "import pydicom; print(pydicom.Dataset().__class__.__name__)"
    )
    assert run(code).split() == ["True", "False", "Dataset"]


def test_where_pydicom_is_loaded_already_it_stays() -> None:
    code = (
        "import pydicom; from atlas_builder.runtime.lean_imports import import_nibabel\n"
        "import_nibabel(); import sys; print(sys.modules['pydicom'] is pydicom)"
    )
    assert run(code).split() == ["True"]


@pytest.mark.parametrize("command", ["map_regions", "locate_slices"])
def test_a_command_on_nifti_loads_no_dicom(command: str, tmp_path: object) -> None:
    """What is no head is refused after everything that reads it has been loaded."""
    code = f"""
import sys, numpy as np, runpy
from atlas_builder.runtime.lean_imports import import_nibabel
import_nibabel()
import nibabel as nib
path = {str(tmp_path)!r} + "/scan.nii"
nib.save(nib.Nifti1Image(np.zeros((16, 16, 4), np.int16), np.eye(4)), path)
from atlas_builder import cli
sys.argv = ["x", path] + (["--out", path + ".map"] if {command!r} == "map_regions" else [])
try:
    cli.{command}_main()
except SystemExit as leaving:
    print(leaving.code, "pydicom" in sys.modules, "matplotlib" in sys.modules)
"""
    assert run(code).split() == ["2", "False", "False"]
