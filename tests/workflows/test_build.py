"""Building as users ask for it: the atlas folder, and what happens when they ask again.

The registrations come from the finished work of the shared build, which `build_atlas` goes on with.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from in_process import in_process

from atlas_builder.catalogue.atlas import METADATA, read_atlas, read_metadata
from atlas_builder.construction.build import BuildSettings
from atlas_builder.core.anatomy import LEVELS, AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.key_slice import key_slice_affine
from atlas_builder.workflows import build as building
from atlas_builder.workflows.build import WORK, build_atlas

SETTINGS = BuildSettings(AgeGroup(50, 69), iterations=2)


@pytest.fixture
def out(copied, tmp_path):
    """An atlas folder in which a build was interrupted just before its end."""
    folder = tmp_path / "atlas"
    folder.mkdir()
    shutil.move(copied.work, folder / WORK)
    return folder


@pytest.fixture(scope="module")
def finished(shaped_cohort, built, tmp_path_factory):
    """A finished atlas; not to be changed."""
    folder = tmp_path_factory.mktemp("finished") / "atlas"
    shutil.copytree(built.jobs["BGL"].folder.parent, folder / WORK)
    with in_process(building):
        assert build_atlas(shaped_cohort, folder, SETTINGS) is True
    return folder


def rows_of(folder):
    with (folder / "subjects.tsv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_the_atlas_is_what_was_estimated(finished, built):
    atlas = read_atlas(finished)
    assert atlas.age_group == SETTINGS.age_group
    for level in LEVELS:
        found, expected = atlas.levels[level], built.results[level]
        np.testing.assert_array_equal(found.image, np.rint(expected.image))
        np.testing.assert_array_equal(found.labels, expected.labels)
        np.testing.assert_allclose(found.affine, key_slice_affine())
        votes = nib.load(finished / f"{level}_probseg_50_69.nii.gz").get_fdata()
        np.testing.assert_array_equal(np.moveaxis(votes[:, :, 0], -1, 0), expected.probabilities)


def test_the_folder_holds_what_is_promised_and_no_work(finished):
    names = {path.name for path in finished.iterdir()}
    assert names >= {METADATA, "subjects.tsv", "report.html", "figures"}
    assert WORK not in names
    assert not [name for name in names if name.startswith(".")]


def test_metadata_says_how_it_was_built(finished, built):
    metadata = read_metadata(finished)
    assert metadata is not None
    assert metadata["age_group"] == "50-69"
    assert metadata["simulated"] is False
    assert metadata["participants"] == ["sub-01", "sub-02", "sub-03", "sub-04"]
    assert metadata["left_out"] == []
    settings = metadata["inputs"]["settings"]
    assert settings["iterations"] == 2
    assert settings["metric"] == "mi"
    assert settings["registration"]["seed"] == 1
    assert set(metadata["inputs"]["versions"]) >= {"aspects-atlas", "antspyx", "numpy", "scipy"}
    for level in LEVELS:
        entropies = [record["entropy"] for record in metadata["iterations"][level]]
        assert entropies == [record.entropy for record in built.results[level].records]


def test_every_file_has_its_checksum(finished):
    metadata = json.loads((finished / METADATA).read_text())
    files = {p.relative_to(finished).as_posix() for p in finished.rglob("*") if p.is_file()}
    assert set(metadata["sha256"]) == files - {METADATA}
    for name, checksum in metadata["sha256"].items():
        assert hashlib.sha256((finished / name).read_bytes()).hexdigest() == checksum


def test_subjects_are_listed_with_their_figures(finished, built):
    rows = rows_of(finished)
    assert [row["participant_id"] for row in rows] == ["sub-01", "sub-02", "sub-03", "sub-04"]
    for row, participant in zip(rows, built.participants, strict=True):
        name = participant.participant_id
        assert float(row["age"]) == participant.age
        assert (row["used"], row["reason"], row["sex"]) == ("yes", "n/a", "n/a")
        for level, result in built.results.items():
            assert float(row[f"{level}_dice"]) == pytest.approx(result.dice[name], rel=1e-3)
            assert float(row[f"{level}_correlation"]) == pytest.approx(
                result.correlation[name], rel=1e-3
            )
            assert float(row[f"{level}_angle_deg"]) == pytest.approx(
                built.notes[name].quality[f"{level}_angle_deg"], rel=1e-3
            )


def test_those_left_out_are_listed_with_the_reason(copied, out):
    table = copied.cohort / "participants.tsv"
    table.write_text(table.read_text() + "sub-05\t60\nsub-06\t12\n")
    # As if the work had been done with this table.
    inputs = building.describe_inputs(copied.cohort, SETTINGS)
    (out / WORK / "inputs.json").write_text(json.dumps(inputs))
    with in_process(building):
        assert build_atlas(copied.cohort, out, SETTINGS) is True
    rows = {row["participant_id"]: row for row in rows_of(out)}
    assert {name for name, row in rows.items() if row["used"] == "no"} == {"sub-05", "sub-06"}
    assert "no such folder" in rows["sub-05"]["reason"]
    assert "outside 50-69" in rows["sub-06"]["reason"]
    assert rows["sub-05"]["BGL_dice"] == "n/a"
    left_out = read_metadata(out)["left_out"]
    assert {entry["participant_id"] for entry in left_out} == {"sub-05", "sub-06"}


def test_the_same_again_does_nothing(shaped_cohort, finished):
    before = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in finished.rglob("*")}
    assert build_atlas(shaped_cohort, finished, SETTINGS) is False
    assert {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in finished.rglob("*")} == before


def test_images_and_report_repeat_byte_for_byte(finished, copied, out):
    assert build_atlas(copied.cohort, out, SETTINGS, jobs=2) is True
    for path in finished.rglob("*"):
        if path.is_file() and path.name != METADATA:
            assert (out / path.relative_to(finished)).read_bytes() == path.read_bytes(), path


@pytest.mark.parametrize("change", [{"iterations": 3}, {"age_group": AgeGroup(30, 69)}])
def test_another_atlas_is_not_written_over_one(shaped_cohort, finished, change):
    before = (finished / METADATA).read_bytes()
    with pytest.raises(InputError, match=r"holds an atlas of other .*--restart to replace it$"):
        build_atlas(shaped_cohort, finished, replace(SETTINGS, **change))
    assert (finished / METADATA).read_bytes() == before


def test_restarting_removes_the_files_of_another_age_group(
    finished, shaped_cohort, tmp_path, monkeypatch
):
    folder = tmp_path / "atlas"
    shutil.copytree(finished, folder)
    own = folder / "notes.txt"
    own.write_text("kept")

    def stop(*_args, **_options):
        raise InputError("stopped")

    monkeypatch.setattr(building, "estimate_atlas", stop)
    with pytest.raises(InputError, match="stopped"):
        build_atlas(
            shaped_cohort, folder, replace(SETTINGS, age_group=AgeGroup(40, 79)), restart=True
        )
    assert [path for path in folder.rglob("*") if path.is_file()] == [own]


def test_restarting_forgets_finished_and_unfinished_work(
    shaped_cohort, finished, tmp_path, monkeypatch
):
    folder = tmp_path / "atlas"
    shutil.copytree(finished, folder)
    (folder / WORK).mkdir()
    (folder / WORK / "left.npz").write_bytes(b"")

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "estimate_atlas", stop)
    with pytest.raises(KeyboardInterrupt):
        build_atlas(shaped_cohort, folder, SETTINGS, restart=True)
    assert not (folder / METADATA).exists()
    assert not (folder / WORK / "left.npz").exists()


def test_an_interrupted_report_leaves_no_finished_atlas(copied, out, monkeypatch):
    """``atlas.json`` comes last; the work stays, so the next run ends quickly."""

    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(building, "write_build_report", stop)
        with in_process(building), pytest.raises(KeyboardInterrupt):
            build_atlas(copied.cohort, out, SETTINGS)
    with pytest.raises(InputError, match=r"no atlas\.json"):
        read_atlas(out)
    assert len(list((out / WORK).glob("*GL/template-2.npz"))) == 2


def test_folders_that_cannot_be_used_are_refused(shaped_cohort, tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such folder"):
        build_atlas(tmp_path / "nowhere", tmp_path / "atlas", SETTINGS)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file: is a file"):
        build_atlas(shaped_cohort, tmp_path / "file", SETTINGS)
    with pytest.raises(InputError, match=r"participants.tsv: no such file"):
        build_atlas(tmp_path, tmp_path / "atlas", SETTINGS)
