"""The commands ``validate-atlas`` and ``atlas-entropy``: what they need and print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from atlas_builder.catalogue.atlas import AtlasLevel, write_level, write_metadata
from atlas_builder.commands.atlas_entropy import atlas_entropy_command
from atlas_builder.commands.validate_atlas import validate_atlas_command
from atlas_builder.core.anatomy import LEVELS, AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.images import write_image


def validate(*arguments: object) -> None:
    validate_atlas_command.main([str(a) for a in arguments], standalone_mode=False)


def entropy(*arguments: object) -> None:
    atlas_entropy_command.main([str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def atlas(tmp_path: Path) -> Path:
    """A folder whose BGL has two grey levels and whose SGL has four; halves of the picture each."""
    folder = tmp_path / "stripes"
    folder.mkdir()
    files = []
    for level, count in zip(LEVELS, (2, 4), strict=True):
        image = np.tile(np.arange(count, dtype=np.float32), (8, 8 // count))
        content = AtlasLevel(image, np.zeros((8, 8), np.uint8), np.diag([-1.0, -1, 1, 1]))
        files += write_level(folder, level, AgeGroup(50, 69), content)
    write_metadata(folder, {"age_group": "50-69", "name": "stripes"}, files)
    return folder


@pytest.mark.parametrize("name", ["validate_atlas", "atlas_entropy"])
def test_help_loads_nothing_slow(name) -> None:
    program = (
        f"import sys; from atlas_builder.commands.{name} import {name}_command as c;"
        "c.main(['--help'], standalone_mode=False);"
        "print([m for m in ('ants', 'numpy', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "--atlas" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--atlas", "a"],
        ["--cohort", "c"],
        ["--atlas", "a", "--cohorts", "c"],
        ["--atlas", "a", "--cohort", "c", "--cohorts", "d"],
        ["--atlases", "a", "--cohort", "c"],
    ],
)
def test_one_atlas_and_one_cohort_or_several_of_both(arguments, tmp_path) -> None:
    with pytest.raises(InputError, match="--atlas with --cohort, or --atlases with --cohorts"):
        validate(*arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_not_there_is_named(atlas, tmp_path) -> None:
    with pytest.raises(InputError, match="no-atlas: neither a folder nor an atlas known by name"):
        validate("--atlas", "no-atlas", "--cohort", tmp_path, "--out", tmp_path / "out")
    with pytest.raises(InputError, match=r"gone: no such folder"):
        validate("--atlas", atlas, "--cohort", tmp_path / "gone", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_rater_cannot_be_named_like_the_atlas(atlas, tmp_path) -> None:
    (tmp_path / "participants.tsv").write_text("participant_id\tage\n")
    arguments = ["--atlas", atlas, "--cohort", tmp_path, "--out", tmp_path / "out"]
    with pytest.raises(InputError, match="none 'atlas'"):
        validate(*arguments, "--raters", "atlas, expert")


def test_entropies_of_an_atlas_and_of_a_file(atlas, tmp_path, capsys) -> None:
    file = tmp_path / "four.nii.gz"
    write_image(file, np.tile(np.arange(4, dtype=np.int16), (4, 2)), np.diag([-1.0, -1, 1, 1]))
    entropy(atlas, file, "--out", tmp_path / "tables")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["image", "entropy_bits"],
        ["stripes", "50-69", "BGL", "1.000"],
        ["stripes", "50-69", "SGL", "2.000"],
        [str(file), "2.000"],
    ]
    table = (tmp_path / "tables" / "table2_entropy.csv").read_text("utf-8").splitlines()
    # Without the background, 0, one and three levels are left.
    assert table == [
        'image,BGL,SGL,whole file,"BGL, brain only","SGL, brain only"',
        "stripes 50-69,1,2,n/a,0,1.58496",
        "four.nii.gz,n/a,n/a,2,n/a,n/a",
    ]


def test_entropy_of_a_volume_is_that_of_the_file_unless_an_atlas_says_where_to_cut(
    atlas, tmp_path, capsys
) -> None:
    from atlas_builder.io.nifti.images import write_volume  # noqa: PLC0415

    file = tmp_path / "volume.nii.gz"
    data = np.tile(np.arange(2, dtype=np.int16), (6, 6, 4))
    write_volume(file, data, np.diag([-1.0, -1, 4, 1]))
    entropy(file)
    assert capsys.readouterr().out.splitlines()[1].split()[-1] == "1.000"
    with pytest.raises(InputError, match=r"volume\.nii\.gz: "):
        entropy(file, "--atlas", atlas)


def test_entropy_names_what_it_cannot_find(tmp_path) -> None:
    with pytest.raises(InputError, match=r"gone\.nii\.gz"):
        entropy(tmp_path / "gone.nii.gz")
    with pytest.raises(InputError, match="neither a folder nor an atlas known by name"):
        entropy(tmp_path / "gone")
