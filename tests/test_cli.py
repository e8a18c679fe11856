"""The commands: what they print and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from atlas_builder.catalogue.atlas import read_atlas
from atlas_builder.cli import main_group
from atlas_builder.core.anatomy import regions_of


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    code = "from atlas_builder.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


def assert_refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    for word in words:
        assert word in line


def test_help_names_the_commands_and_loads_nothing_slow() -> None:
    code = (
        "import sys; from atlas_builder.cli import main\n"
        "status = None\n"
        "try: main()\n"
        "except SystemExit as end: status = end.code\n"
        "slow = {'ants', 'torch', 'matplotlib', 'scipy', 'nibabel'} & set(sys.modules)\n"
        "sys.exit(status or (f'loaded {slow}' if slow else 0))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    for command in main_group.commands:
        assert command in result.stdout


def test_every_command_is_installed_under_its_own_name() -> None:
    installed = {entry.name: entry for entry in entry_points(group="console_scripts")}
    for command in main_group.commands.keys() - {"serve"}:  # a name that others have, too
        assert callable(installed[command].load())


@pytest.mark.slow
def test_building_without_a_cohort_simulates_one_and_says_so(tmp_path: Path) -> None:
    options = ["--subjects", "3", "--iterations", "1", "--jobs", "2"]
    result = run("build-atlas", "--age-group", "50-69", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    cohorts = Path(os.environ["ASPECTS_ATLAS_CACHE"]) / "simulated-cohorts"
    (cohort,) = cohorts.iterdir()
    assert f"No cohort given: building from 3 simulated heads in {cohort}" in result.stderr
    atlas = read_atlas(tmp_path / "atlas_50_69")
    assert atlas.simulated
    for level, content in atlas.levels.items():
        assert set(np.unique(content.labels)) == {0, *regions_of(level)}
    again = run("build-atlas", "--age-group", "50-69", *options, cwd=tmp_path)
    assert "Already built" in again.stdout
    assert_refused(
        run("build-atlas", "--age-group", "50-69", "--cohort", str(cohort), *options),
        "--subjects",
        "--cohort",
    )


@pytest.mark.parametrize("text", ["69", "69-50", "fifty-sixty", "50-"])
def test_an_age_group_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    assert_refused(run("build-atlas", "--age-group", text, cwd=tmp_path), text, "50-69")


def test_a_cohort_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    missing = run(
        "build-atlas", "--age-group", "50-69", "--cohort", str(tmp_path / "no"), cwd=tmp_path
    )
    assert_refused(missing, str(tmp_path / "no"))
    (tmp_path / "empty").mkdir()
    empty = run(
        "build-atlas", "--age-group", "50-69", "--cohort", str(tmp_path / "empty"), cwd=tmp_path
    )
    assert_refused(empty, "participants.tsv")


def test_an_unknown_option_is_bad_usage() -> None:
    assert run("build-atlas", "--ages", "50-69").returncode == 2


def test_entropy_prints_a_row_a_file(tmp_path: Path) -> None:
    names = []
    for levels in (2, 4):
        image = np.tile(np.arange(levels, dtype=np.int16), (8, 8))[..., np.newaxis]
        names.append(str(tmp_path / f"levels {levels}.nii.gz"))
        nib.save(nib.Nifti1Image(image, np.diag([-0.5, -0.5, 5, 1])), names[-1])
    result = run("atlas-entropy", *names)
    assert result.returncode == 0, result.stderr
    _, two, four = result.stdout.splitlines()
    assert (two.split()[-1], four.split()[-1]) == ("1.000", "2.000")
    assert two.startswith(names[0])


def test_entropy_refuses_what_is_no_image(tmp_path: Path) -> None:
    bad = tmp_path / "notes.nii.gz"
    bad.write_text("no image", encoding="utf-8")
    assert_refused(run("atlas-entropy", str(bad)), str(bad))
