"""``simulate-cohort`` from the shell to the files."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from atlas_builder.cohorts.labelled_scans import read_labelled_slices, read_participants
from atlas_builder.commands.simulate_cohort import simulate_cohort_command
from atlas_builder.core.anatomy import LEVELS, AgeGroup
from atlas_builder.preprocessing.key_slice import make_key_slice


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """One subject of the real phantom."""
    out = tmp_path_factory.mktemp("simulated") / "cohort"
    arguments = "--age-group 70-89 --subjects 1 --seed 3 --thickness 7 --infarcts 1 --dwi --jobs 1"
    result = CliRunner().invoke(
        simulate_cohort_command, [*arguments.split(), "--out", str(out)], catch_exceptions=False
    )
    return out, result


@pytest.mark.slow
def test_it_says_what_it_did(simulated):
    out, result = simulated
    assert result.exit_code == 0
    assert f"Simulated 1 subjects, 1 in all: {out}" in result.output
    assert "Simulating: 1 done" in result.output


@pytest.mark.slow
def test_the_phantom_passes_for_a_head_ct(simulated):
    """Every step from a scan to a key slice takes it: skull, brain, midline, plausibility."""
    out, _ = simulated
    participants, refusals = read_participants(out, AgeGroup(70, 89), "build")
    assert not refusals
    slices = read_labelled_slices(participants[0], "expert")
    for level in LEVELS:
        ct, labels = slices[level].ct, slices[level].labels.data
        assert ct.data.shape == (512, 512)
        assert 15 < np.median(ct.data[labels > 0]) < 45
        key = make_key_slice(ct)
        assert np.count_nonzero(key.brain) * 0.25 > 8000  # mm2


@pytest.mark.slow
def test_the_sidecar_holds_the_truth(simulated):
    out, _ = simulated
    name = "sub-7089s001"
    truth = json.loads((out / name / f"{name}.json").read_text())
    assert truth["simulated"] is True
    assert 70 <= truth["age"] <= 89
    assert truth["acquisition"]["thickness_mm"] == 7
    assert truth["infarct"]["volume_ml"] > 0
    assert truth["infarct"]["aspects"] < 10
    for ending in ("dwi", "desc-b0_dwi", "adc", "space-dwi_desc-lesion_mask", "desc-lesion_mask"):
        assert (out / name / f"{name}_{ending}.nii.gz").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--age-group"),
        (["--age-group", "50"], "write it as FIRST-LAST"),
        (["--age-group", "50-69", "--thickness", "9"], "2<=x<=7"),
        (["--age-group", "50-69", "--infarcts", "2"], "0<=x<=1"),
        (["--age-group", "50-69", "--format", "nrrd"], "nifti"),
        (["--age-group", "50-69", "--matrix", "300"], "256"),
        (["--age-group", "50-69", "--lesion-part", "test"], "give the lesions with --lesions"),
        (["--age-group", "50-69", "--lesions", "nowhere"], "does not exist"),
    ],
)
def test_wrong_usage_is_refused(tmp_path, arguments, complaint):
    result = CliRunner().invoke(simulate_cohort_command, [*arguments, "--out", str(tmp_path / "c")])
    assert result.exit_code == 2
    assert complaint in result.output
    assert not (tmp_path / "c").exists()


def test_help_loads_nothing_slow():
    code = (
        "import sys\n"
        "from atlas_builder.commands.simulate_cohort import simulate_cohort_command as command\n"
        "command.main(['--help'], standalone_mode=False)\n"
        "slow = {'numpy', 'scipy', 'nibabel', 'pydicom', 'ants'} & set(sys.modules)\n"
        "sys.exit(f'loaded {slow}' if slow else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--thickness" in done.stdout
