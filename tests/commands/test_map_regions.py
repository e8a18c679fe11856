"""The command ``map-regions``: what it needs, prints and leaves behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from atlas_builder.commands.map_regions import map_regions_command
from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.images import write_volume


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Two slices without a head."""
    path = tmp_path / "scan.nii.gz"
    write_volume(path, np.full((64, 64, 2), -1000, np.int16), np.diag([-1.0, -1, 20, 1]))
    return path


def run(*arguments: object) -> None:
    map_regions_command.main([str(a) for a in arguments], standalone_mode=False)


def test_help_loads_nothing_slow() -> None:
    program = (
        "import sys; from atlas_builder.commands.map_regions import map_regions_command as c;"
        "c.main(['--help'], standalone_mode=False);"
        "print([m for m in ('ants', 'numpy', 'scipy', 'nibabel', 'pydicom') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "--allow-nearest-age" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_scan_that_is_not_there(tmp_path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        run(tmp_path / "gone.nii", "--out", tmp_path / "map")


def test_a_localizer_that_cannot_be_read_is_refused(scan, tmp_path) -> None:
    network = tmp_path / "localizer.onnx"
    network.touch()
    with pytest.raises(InputError, match=r"localizer\.onnx: cannot be read as the model"):
        run(scan, "--age", 60, "--localizer", network, "--out", tmp_path / "map")
    with pytest.raises(InputError, match="--sgl-slice is given without --bgl-slice"):
        run(scan, "--age", 60, "--sgl-slice", 1, "--out", tmp_path / "map")
    assert not (tmp_path / "map").exists()


@pytest.mark.parametrize("age", ["-1", "131", "nan"])
def test_an_impossible_age(scan, tmp_path, age) -> None:
    with pytest.raises(InputError, match="not an age in years"):
        run(scan, "--age", age, "--bgl-slice", 0, "--sgl-slice", 1, "--out", tmp_path / "map")


def test_an_out_folder_with_other_files_is_refused_before_any_work(scan, tmp_path) -> None:
    with pytest.raises(InputError, match=r"holds other files than a map \(scan\.nii\.gz\)"):
        run(scan, "--age", 60, "--bgl-slice", 0, "--sgl-slice", 1, "--out", tmp_path)
