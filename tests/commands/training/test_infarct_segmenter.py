"""``train-infarct-segmenter`` from the shell to the files."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from pictures import coloured, picture_of

from aspects_scorer.dwi.segmentation.training.scan_cache import ScanPlan
from aspects_scorer.dwi.segmentation.training.tissue_scans import TissueScan, write_tissue_scan
from atlas_builder.commands.training.infarct_segmenter import train_infarct_segmenter_command
from atlas_builder.core.errors import InputError
from head_phantom.infarct.lesion_shapes import Part

SEED, PERSONS = 5, 2


def small_scan():
    """A ball of grey matter with an infarct in it."""
    shape, spacing = (40, 44, 12), np.array([3.0, 3.0, 5.0])
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    inside = x**2 + y**2 + (1.8 * z) ** 2 < 50**2
    infarct = (x - 20) ** 2 + y**2 + z**2 < 12**2
    nothing = np.zeros(shape, np.uint8)
    grey = 255 * inside.astype(np.uint8)
    lesions = 255 * infarct.astype(np.uint8)[None]
    air, pile_up = nothing, nothing + np.uint8(100)
    return TissueScan(spacing, grey, *[nothing] * 5, air, pile_up, nothing, lesions)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Lesion masks by name only, and an output folder whose scans are there already."""
    root = tmp_path_factory.mktemp("train")
    lesions, out = root / "lesions", root / "out"
    lesions.mkdir()
    for number in range(60):
        (lesions / f"sub-{number}_mask.nii.gz").touch()
    plan = ScanPlan(lesions, out / "scans", SEED, PERSONS)
    plan.folder.mkdir(parents=True)
    for part in (Part.TRAINING, Part.VALIDATION):
        for task in plan.tasks(part):
            write_tissue_scan(task.file, small_scan())
    return lesions, out


def run(folders, *more):
    lesions, out = folders
    arguments = f"--persons {PERSONS} --seed {SEED} --steps 2 --batch 1 --validate-every 1 --jobs 1"
    return CliRunner().invoke(
        train_infarct_segmenter_command,
        [*arguments.split(), "--lesions", str(lesions), "--out", str(out), *more],
        catch_exceptions=False,
    )


@pytest.mark.slow
def test_it_trains_reports_and_tells_how(folders):
    _, out = folders
    result = run(folders)
    assert result.exit_code == 0
    assert f"Weights: {out / 'infarct-unet.onnx'}" in result.output
    assert "step 2 of 2" in result.output
    description = json.loads((out / "infarct-unet.json").read_text())
    assert [record["step"] for record in description["history"]] == [1, 2]
    assert f"--seed {SEED}" in description["command"]
    assert str(out) not in description["command"]
    parts = {name: {*members} for name, members in description["participants"].items()}
    assert not parts["test"] & (parts["training"] | parts["validation"])
    assert "Infarct segmentation" in (out / "report.html").read_text()
    # The curves of loss and Dice, of two colours, beside each other.
    picture = picture_of(out / "figures" / "training.png")
    assert coloured(picture[:, : picture.shape[1] // 2], "#1f5f99").sum() > 50
    assert coloured(picture[:, picture.shape[1] // 2 :], "#b4641e").sum() > 50

    weights = (out / "infarct-unet.onnx").read_bytes()
    assert run(folders).exit_code == 0
    assert (out / "infarct-unet.onnx").read_bytes() == weights
    assert run(folders, "--restart").exit_code == 0
    assert (out / "infarct-unet.onnx").read_bytes() == weights


def test_a_folder_without_lesions_is_refused(tmp_path):
    with pytest.raises(InputError, match="no lesion masks"):
        run((tmp_path, tmp_path / "out"))


def test_help_loads_nothing_slow():
    code = (
        "import sys\n"
        "from atlas_builder.commands.training.infarct_segmenter import "
        "train_infarct_segmenter_command as command\n"
        "try:\n    command.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'monai', 'scipy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
