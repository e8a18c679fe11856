"""Validation as users ask for it: what lies in the folder, and what happens when they ask again."""

from __future__ import annotations

import csv
import hashlib
import json

import numpy as np
import pytest
from in_process import in_process

from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.validation.selection import ValidationSettings, atlas_for
from atlas_builder.workflows import validate
from atlas_builder.workflows import validate_ages as ages
from atlas_builder.workflows.validate import validate_atlas
from atlas_builder.workflows.validate_ages import validate_ages
from atlas_builder.workflows.validation_files import write_agreement

SETTINGS = ValidationSettings(("expert", "rater1", "rater2"))


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def finished(rated_cohort, atlas_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("validation") / "out"
    with in_process(validate):
        assert validate_atlas(atlas_folder, rated_cohort, out, SETTINGS)
    return out


@pytest.mark.slow
def test_everyone_is_measured_or_named(finished):
    subjects = {row["participant_id"]: row for row in rows_of(finished / "subjects.tsv")}
    used = [name for name, row in subjects.items() if row["used"] == "yes"]
    assert used == ["sub-01", "sub-02"]
    assert [subjects[name]["ischaemic"] for name in used] == ["yes", "no"]
    assert "rater-rater2_labels" in subjects["sub-03"]["reason"]
    assert "no atlas for age 20, only for 50-69" in subjects["sub-05"]["reason"]
    assert "no such folder" in subjects["sub-06"]["reason"]
    assert "sub-04" not in subjects  # of another split
    record = json.loads((finished / "validation.json").read_text())
    assert record["participants"] == used
    assert len(record["left_out"]) == 3


@pytest.mark.slow
def test_rows_are_tidy_and_complete(finished):
    rows = rows_of(finished / "dsc.tsv")
    assert len(rows) == 2 * 10 * 3 * 6
    keys = {
        tuple(row[key] for key in ("participant_id", "region", "side", "first", "second"))
        for row in rows
    }
    assert len(keys) == len(rows)
    atlas = [
        float(row["dsc"])
        for row in rows
        if (row["first"], row["second"], row["side"]) == ("atlas", "expert", "both")
    ]
    assert len(atlas) == 20
    assert np.mean(atlas) > 0.9
    subjects = {row["participant_id"]: row for row in rows_of(finished / "subjects.tsv")}
    of_first = np.mean(atlas[:10])
    assert float(subjects["sub-01"]["mean_dsc_atlas_expert"]) == pytest.approx(of_first, abs=1e-5)


@pytest.mark.slow
def test_every_file_is_there_and_is_what_the_record_says(finished):
    record = json.loads((finished / "validation.json").read_text())
    present = {
        path.relative_to(finished).as_posix()
        for path in finished.rglob("*")
        if path.is_file() and path.name != "validation.json"
    }
    assert present == set(record["sha256"])
    for name, checksum in record["sha256"].items():
        assert hashlib.sha256((finished / name).read_bytes()).hexdigest() == checksum
    for figure in ("figure8_violins", "figure9_differences_BGL", "figure9_differences_SGL"):
        assert {f"figures/{figure}.png", f"figures/{figure}.svg"} <= present
    for table in ("table3_agreement", "table_reference", "table_test_all", "table_ischaemia"):
        assert {f"tables/{table}.{suffix}" for suffix in ("csv", "md", "tex")} <= present
    assert not (finished / ".validation").exists()


@pytest.mark.slow
def test_the_report_names_who_was_left_out_and_why_tests_were_withheld(finished):
    page = (finished / "report.html").read_text("utf-8")
    assert "Tests withheld: 2 participants, fewer than 6." in page
    assert "no atlas for age 20" in page
    assert "Healthy and ischaemic participants" in page


@pytest.mark.slow
def test_a_second_run_does_nothing(finished, rated_cohort, atlas_folder):
    before = (finished / "validation.json").stat().st_mtime_ns
    assert validate_atlas(atlas_folder, rated_cohort, finished, SETTINGS) is False
    assert (finished / "validation.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="--restart"):
        validate_atlas(atlas_folder, rated_cohort, finished, ValidationSettings(("expert",)))


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_bits(
    finished, rated_cohort, atlas_folder, tmp_path, monkeypatch
):
    """Stopped when all was mapped but nothing written; then the mapping must not be needed."""
    out = tmp_path / "out"

    def stop(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(validate, "write_agreement", stop)
        with pytest.raises(KeyboardInterrupt):
            validate_atlas(atlas_folder, rated_cohort, out, SETTINGS, jobs=2)
    assert not (out / "validation.json").exists()
    kept = sorted((out / ".validation" / "participants").iterdir())
    assert [path.stem for path in kept] == ["sub-01", "sub-02"]
    before = [path.stat().st_mtime_ns for path in kept]

    def look(scores, path):
        assert [one.stat().st_mtime_ns for one in kept] == before
        return write_agreement(scores, path)

    monkeypatch.setattr(validate, "write_agreement", look)
    with in_process(validate):
        assert validate_atlas(atlas_folder, rated_cohort, out, SETTINGS)
    records = [json.loads((folder / "validation.json").read_text()) for folder in (finished, out)]
    assert records[0]["sha256"] == records[1]["sha256"]
    assert records[0]["inputs"] == records[1]["inputs"]


def test_unusable_input_is_refused(rated_cohort, atlas_folder, tmp_path):
    for folder, match in (
        (tmp_path / "missing", "no such folder"),
        (tmp_path, "participants.tsv"),
    ):
        with pytest.raises(InputError, match=match):
            validate_atlas(atlas_folder, folder, tmp_path / "out", SETTINGS)
    with pytest.raises(InputError, match="once"):
        validate_atlas(
            atlas_folder, rated_cohort, tmp_path / "out", ValidationSettings(("expert", "expert"))
        )
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        validate_atlas(atlas_folder, rated_cohort, tmp_path / "file", SETTINGS)


def test_each_age_gets_the_narrowest_atlas(atlas_folder):
    groups = {AgeGroup(0, 100): "all", AgeGroup(50, 69): "own", AgeGroup(40, 80): "wide"}
    assert atlas_for(groups, 55) == "own"
    assert atlas_for(groups, 45) == "wide"
    with pytest.raises(InputError, match="no atlas for age 120"):
        atlas_for(groups, 120)
    assert atlas_for({AgeGroup(10, 29): "young", AgeGroup(50, 69): "old"}, 45, allow_nearest=True)


@pytest.fixture(scope="module")
def by_age(tmp_path_factory, writing, rated_cohort):
    """Two atlases of different width, and a cohort of each width."""
    folder = tmp_path_factory.mktemp("ages")
    for group, wide in ((AgeGroup(10, 29), 0.94), (AgeGroup(50, 69), 1.06)):
        writing.atlas(folder / "atlases" / group.stem, group, wide)
        place = folder / "cohorts" / group.stem
        writing.participant(place, "sub-01", {"expert": 0.0}, group.first, wide)
        writing.table(place, f"participant_id age\nsub-01 {group.first + 5}\nsub-02 99\n")
    out = folder / "out"
    with in_process(ages):
        assert validate_ages(folder / "atlases", folder / "cohorts", out, ValidationSettings())
    return folder


@pytest.mark.slow
def test_every_atlas_meets_every_group(by_age):
    rows = rows_of(by_age / "out" / "dsc.tsv")
    assert {row["participant_id"] for row in rows} == {"10_29/sub-01", "50_69/sub-01"}
    assert {row["first"] for row in rows} == {"10-29", "50-69"}
    subjects = {row["participant_id"]: row for row in rows_of(by_age / "out" / "subjects.tsv")}
    assert subjects["50_69/sub-01"]["age_group"] == "50-69"
    assert "no such folder" in subjects["10_29/sub-02"]["reason"]
    files = {path.name for path in (by_age / "out").rglob("*") if path.is_file()}
    assert {"table4_ages.csv", "table4_tests.tex", "table4_heat_map.svg", "report.html"} <= files
    text = (by_age / "out" / "tables" / "table4_ages.csv").read_text("utf-8")
    table = list(csv.reader(text.splitlines()))
    assert table[0][:4] == ["participants aged", "n", "atlas 10-29 mean", "atlas 10-29 SD"]
    assert [row[:2] for row in table[1:]] == [["10-29", "1"], ["50-69", "1"]]
    assert min(float(table[1][2]), float(table[2][4])) > 0.9


@pytest.mark.slow
def test_one_atlas_is_not_several(by_age, atlas_folder, tmp_path):
    with pytest.raises(InputError, match="holds one age group's atlas"):
        validate_ages(atlas_folder, by_age / "cohorts", tmp_path / "out", ValidationSettings())
    with pytest.raises(InputError, match=r"no participants\.tsv"):
        validate_ages(
            by_age / "atlases", by_age / "atlases", tmp_path / "out", ValidationSettings()
        )
