"""A cohort of small masks cut from the atlas: scored, written, resumed, left out by name."""

from __future__ import annotations

import csv
import json
from contextlib import contextmanager

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from aspects_scorer.dwi.scored_lesion import score_lesion, standard_atlas
from aspects_scorer.severity import cohort_scoring
from atlas_builder.commands.score_aspects import score_aspects_command
from atlas_builder.core.anatomy import Region, map_value
from atlas_builder.core.aspects import AspectsRule
from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.masks import read_lesion
from atlas_builder.metrics import thresholds
from atlas_builder.reporting.base.sections import Section
from atlas_builder.runtime.resumption import read_record
from atlas_builder.workflows import score_cohort as cohort
from atlas_builder.workflows.score_cohort import RECORD, CohortSettings, score_cohort

# Regions that each patient's lesion fills, and the NIHSS; None where it is not known.
PATIENTS = {
    "sub-1": (("left", "M1"), 3),
    "sub-2": (("left", "C", "L", "I", "M5"), 12),
    "sub-3": (("right", "M4"), 5),
    "sub-10": (("right", "L", "M2", "M3", "M5", "M6"), 21),
    "sub-11": (("left", "C"), 9),
    "sub-12": (("right", "M6"), 1),
    "sub-13": ((), 0),
    "sub-14": (("left", "IC", "M2"), None),
}


def save_mask(path, side=None, *regions: str) -> None:
    """Write a mask of whole regions on the smallest part of the atlas's grid that holds them."""
    atlas = standard_atlas()
    values = [map_value(Region[name], side) for name in regions]
    mask = np.isin(atlas.labels, values) if values else np.zeros((20, 20, 20), bool)
    first = np.argwhere(mask).min(axis=0) - 2 if values else np.full(3, 60)
    last = np.argwhere(mask).max(axis=0) + 3 if values else first + 20
    affine = atlas.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ first
    box = tuple(slice(a, b) for a, b in zip(first, last, strict=True)) if values else ...
    nib.save(nib.Nifti1Image(mask[box].astype(np.uint8), affine), path)


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("masks")
    for name, (lesion, _) in PATIENTS.items():
        save_mask(folder / f"{name}_space-MNI152_lesion_mask.nii.gz", *lesion)
    return folder


@pytest.fixture
def lesions(masks, tmp_path):
    folder = tmp_path / "lesions"
    folder.mkdir()
    for path in masks.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "participants.tsv"
    rows = [f"{name}\t{'n/a' if nihss is None else nihss}" for name, (_, nihss) in PATIENTS.items()]
    path.write_text("\n".join(["participant_id\tnihss", *rows, "sub-20\t7"]) + "\n")
    return path


@pytest.fixture(autouse=True)
def calls(monkeypatch, here):
    """Score in this process, and note whose mask is scored."""
    scored: list[str] = []
    score_task = cohort_scoring.score_task

    def noted(task):
        scored.append(task.participant_id)
        return score_task(task)

    @contextmanager
    def workers(jobs):
        yield here

    monkeypatch.setattr(cohort, "open_workers", workers)
    monkeypatch.setattr(cohort_scoring, "score_task", noted)
    monkeypatch.setattr(thresholds, "RESAMPLES", 20)
    return scored


@pytest.fixture
def no_page(monkeypatch):
    """Leave out the page, which takes longest, and keep what would be on it."""
    shown: dict[str, Section] = {}

    def keep(out, title, facts, sections, *_, **__):
        shown.update((section.name, section) for section in sections)
        return []

    monkeypatch.setattr(cohort, "write_validation_report", keep)
    return shown


def rows_of(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def contents(out) -> dict[str, bytes]:
    """What a run wrote, but for the record, which says how long it took."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != "cohort.json"
    }


@pytest.mark.usefixtures("no_page")
def test_the_scores_of_a_cohort(lesions, table, tmp_path):
    out = tmp_path / "out"
    assert score_cohort(lesions, out, participants=table)
    rows = rows_of(out / "scores.tsv")
    assert list(rows[0]) == [
        "participant_id",
        "aspects_left",
        "aspects_right",
        "aspects",
        "aspects_any_deep_lesion",
        "core_volume_ml",
        "flags",
    ]
    assert [row["participant_id"] for row in rows] == list(PATIENTS)
    by_name = {row["participant_id"]: row for row in rows}
    assert [by_name["sub-1"][f"aspects{end}"] for end in ("_left", "_right", "")] == [
        "9",
        "10",
        "9",
    ]
    assert by_name["sub-10"]["aspects_right"] == by_name["sub-10"]["aspects"] == "5"
    assert by_name["sub-13"]["aspects"] == "10"
    assert by_name["sub-13"]["flags"] == "empty-lesion"
    assert "volume-in-mni-space" in by_name["sub-1"]["flags"].split(",")
    for row in rows:
        path = lesions / f"{row['participant_id']}_space-MNI152_lesion_mask.nii.gz"
        alone = score_lesion(read_lesion(path))
        assert int(row["aspects"]) == alone.score.aspects
        assert float(row["core_volume_ml"]) == pytest.approx(alone.core_volume_ml, abs=5e-4)


@pytest.mark.usefixtures("no_page")
def test_every_region_is_kept(lesions, table, tmp_path):
    score_cohort(lesions, tmp_path / "out", participants=table)
    rows = rows_of(tmp_path / "out" / "regions.tsv")
    assert len(rows) == 20 * len(PATIENTS)
    lost = {
        (row["participant_id"], row["side"], row["region"])
        for row in rows
        if row["loses_point"] == "yes"
    }
    assert {region for name, side, region in lost if (name, side) == ("sub-10", "right")} == {
        "L",
        "M2",
        "M3",
        "M5",
        "M6",
    }
    filled = {
        row["region"]: float(row["fraction"]) for row in rows if row["participant_id"] == "sub-1"
    }
    assert filled["M1"] == 0  # the right one comes last
    whole = next(r for r in rows if (r["participant_id"], r["region"]) == ("sub-1", "M1"))
    assert float(whole["fraction"]) == pytest.approx(1)


def test_who_was_used_and_who_was_not(lesions, table, tmp_path, no_page):
    save_mask(lesions / "sub-99_lesion.nii.gz", "left", "M3")  # not in the table
    (lesions / "sub-2_space-MNI152_lesion_mask.nii.gz").write_bytes(b"no image")
    out = tmp_path / "out"
    score_cohort(lesions, out, participants=table)
    by_name = {row["participant_id"]: row for row in rows_of(out / "subjects.tsv")}
    assert by_name["sub-10"]["severity"] == "severe"
    assert by_name["sub-14"]["nihss"] == by_name["sub-14"]["severity"] == "n/a"
    assert by_name["sub-99"]["scored"] == "yes"
    assert by_name["sub-20"] | {"scored": "no", "reason": "no lesion mask"} == by_name["sub-20"]
    assert by_name["sub-2"]["scored"] == "no"
    assert by_name["sub-2"]["reason"].startswith("sub-2_space-MNI152_lesion_mask.nii.gz: ")
    record = read_record(out / RECORD)
    assert record["scored"] == len(PATIENTS)  # one more, one less
    assert record["with_nihss"] == 6
    assert {entry["participant_id"] for entry in record["left_out"]} == {"sub-2", "sub-20"}
    assert "2 of 8 scored participants have none" in no_page["roc"].text


def test_the_analysis_is_on_the_page_and_in_files(lesions, table, tmp_path):
    out = tmp_path / "out"
    score_cohort(lesions, out, participants=table)
    record = read_record(out / RECORD)
    assert "table3_roc" in record["tables"]
    with (out / "tables" / "table3_roc.csv").open() as file:
        aspects = next(csv.DictReader(file))
    # Positive: 12, 21 and 9, scored 6, 5 and 9; negative: 3, 5, 1, 0, scored 9, 9, 9, 10.
    assert float(aspects["AUC"]) == pytest.approx((4 + 4 + 1 + 3 * 0.5) / 12)
    assert aspects["n"] == "7"
    page = (out / "report.html").read_text("utf-8")
    assert "sub-20" in page
    assert str(lesions) not in page
    assert "<script" not in page
    assert set(record["sha256"]) == set(contents(out)) - {
        name for name in contents(out) if name.startswith(".scores/")
    }


@pytest.mark.usefixtures("no_page")
def test_a_finished_cohort_is_left_alone(lesions, table, tmp_path, calls):
    out = tmp_path / "out"
    assert score_cohort(lesions, out, participants=table)
    before = contents(out)
    calls.clear()
    assert not score_cohort(lesions, out, participants=table)
    assert contents(out) == before
    assert calls == []
    assert score_cohort(lesions, out, participants=table, restart=True)
    assert calls == list(PATIENTS)
    assert contents(out) == before


@pytest.mark.usefixtures("no_page")
def test_a_changed_mask_is_scored_again_and_no_other(lesions, table, tmp_path, calls):
    out = tmp_path / "out"
    score_cohort(lesions, out, participants=table)
    calls.clear()
    save_mask(lesions / "sub-3_space-MNI152_lesion_mask.nii.gz", "right", "M4", "M5", "M6")
    assert score_cohort(lesions, out, participants=table)
    assert calls == ["sub-3"]
    assert rows_of(out / "scores.tsv")[2]["aspects"] == "7"


@pytest.mark.usefixtures("no_page")
def test_a_changed_rule_scores_everyone_again(lesions, table, tmp_path, calls):
    out = tmp_path / "out"
    score_cohort(lesions, out, participants=table)
    calls.clear()
    score_cohort(
        lesions,
        out,
        participants=table,
        settings=CohortSettings(rule=AspectsRule(deep_from_ml=50.0)),
    )
    assert calls == list(PATIENTS)
    assert rows_of(out / "scores.tsv")[4]["aspects"] == "10"  # the caudate


@pytest.mark.usefixtures("no_page")
def test_a_changed_table_scores_nobody_again(lesions, table, tmp_path, calls):
    out = tmp_path / "out"
    score_cohort(lesions, out, participants=table)
    calls.clear()
    table.write_text(table.read_text().replace("sub-14\tn/a", "sub-14\t11"))
    assert score_cohort(lesions, out, participants=table)
    assert calls == []
    assert read_record(out / RECORD)["with_nihss"] == 8


@pytest.mark.usefixtures("no_page")
def test_an_interrupted_run_goes_on(lesions, table, tmp_path, calls, monkeypatch):
    score_cohort(lesions, tmp_path / "whole", participants=table)
    calls.clear()
    noted = cohort_scoring.score_task

    def interrupted(task):
        if task.participant_id == "sub-11":
            raise KeyboardInterrupt
        return noted(task)

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(cohort_scoring, "score_task", interrupted)
        with pytest.raises(KeyboardInterrupt):
            score_cohort(lesions, out, participants=table)
    assert not (out / "cohort.json").exists()
    done = [path.stem for path in (out / ".scores").iterdir()]
    assert 0 < len(done) < len(PATIENTS)
    half = out / ".scores" / f"{done[0]}.json"
    half.write_text(half.read_text()[:50])  # a damaged file is no result
    calls.clear()
    assert score_cohort(lesions, out, participants=table)
    assert set(calls) == set(PATIENTS) - set(done[1:])
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.usefixtures("no_page")
def test_without_a_table_there_are_scores_alone(lesions, tmp_path):
    out = tmp_path / "out"
    score_cohort(lesions, out)
    assert len(rows_of(out / "scores.tsv")) == len(PATIENTS)
    record = read_record(out / RECORD)
    assert record["tables"] == []
    assert any("No column of NIHSS" in line for line in record["findings"])


@pytest.mark.usefixtures("no_page")
def test_too_few_patients_of_one_kind(lesions, table, tmp_path):
    table.write_text("participant_id\tnihss\nsub-1\t3\nsub-2\t4\nsub-3\t5\nsub-10\t21\n")
    out = tmp_path / "out"
    score_cohort(lesions, out, participants=table)
    assert len(rows_of(out / "scores.tsv")) == len(PATIENTS)
    assert any(
        "1 with NIHSS ≥ 8 and 3 below" in line for line in read_record(out / RECORD)["findings"]
    )


def test_readers_are_compared(lesions, table, tmp_path, no_page):
    readers = tmp_path / "readers.tsv"
    lines = [f"{name}\t{10 - max(len(lesion) - 1, 0)}" for name, (lesion, _) in PATIENTS.items()]
    readers.write_text("\n".join(["participant_id\tsenior", *lines]) + "\n")
    score_cohort(lesions, tmp_path / "out", participants=table, readers=readers)
    section = no_page["readers"]
    row = dict(zip(section.tables[0].columns, section.tables[0].rows[0], strict=True))
    assert (row["sources"], row["n"]) == ("automated – senior", 8)
    # The software takes more points only where a region reaches into its neighbour.
    assert row["ICC(A,1)"] > 0.9
    assert [figure.name for figure in section.figures] == ["bland_altman"]


def test_what_cannot_be_a_cohort_is_refused(lesions, table, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        score_cohort(lesions, tmp_path / "file", participants=table)
    for path in lesions.iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"no lesion can be scored; left out: sub-1: .* 5 more"):
        score_cohort(lesions, tmp_path / "out", participants=table)
    assert not (tmp_path / "out" / "cohort.json").exists()


@pytest.mark.usefixtures("no_page")
def test_the_record_says_what_decided_the_numbers(lesions, table, tmp_path):
    out = tmp_path / "out"
    score_cohort(
        lesions,
        out,
        participants=table,
        settings=CohortSettings(rule=AspectsRule(cortical_from_share=0.5)),
    )
    inputs = json.loads((out / "cohort.json").read_text())["inputs"]
    assert inputs["settings"]["rule"]["cortical_from_share"] == 0.5
    assert set(inputs["lesions"]) == set(PATIENTS)
    assert {"aspects-atlas", "numpy", "scikit-learn"} <= set(inputs["versions"])


def run(*arguments):
    return CliRunner().invoke(score_aspects_command, [str(argument) for argument in arguments])


def test_fewer_patients_leave_no_analysis_of_the_earlier_ones(lesions, table, tmp_path):
    out, few = tmp_path / "out", tmp_path / "few.tsv"
    score_cohort(lesions, out, participants=table)
    assert any((out / "tables").iterdir())
    few.write_text("participant_id\tnihss\nsub-1\t3\nsub-3\t5\n")
    score_cohort(lesions, out, participants=few)
    kept = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    kept = {name for name in kept if not name.startswith(".scores/")}
    assert kept == {*read_record(out / RECORD)["sha256"], "cohort.json"}


def test_files_of_somebody_else_are_not_overwritten(lesions, table, tmp_path):
    own = tmp_path / "out"
    own.mkdir()
    (own / "scores.tsv").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files than a cohort's scores \(scores\.tsv"):
        score_cohort(lesions, own, participants=table)
    assert (own / "scores.tsv").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_named(lesions, table):
    with pytest.raises(InputError, match=r"cannot be (used|written)"):
        score_cohort(lesions, table / "inside", participants=table)


@pytest.mark.usefixtures("no_page")
def test_the_command(lesions, table, tmp_path):
    out = tmp_path / "out"
    arguments = ("--lesions", lesions, "--participants", table, "--out", out, "--jobs", 1)
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    assert "Left out sub-20: no lesion mask" in done.stderr
    assert "8 lesions scored, 7 with NIHSS" in done.stdout
    assert "8 lesions already scored" in run(*arguments).stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lesions", "a", "--lesion", "b"], "give --lesions for a cohort, or --lesion"),
        (["--lesion", "b", "--participants", "c"], "needs --lesions DIR"),
        (["--lesions", "none"], "none: no such folder"),
        (["--lesion", "b", "--registration", "syn"], "--registration needs --dwi"),
        (["--lesions", "a", "--registration", "syn"], "--registration needs --dwi"),
        (["--lesion", "b", "--restart"], "--restart needs --lesions"),
        (["--dwi", "b", "--jobs", "2"], "--jobs needs --lesions"),
        (["--lesions", "none", "--participants", "c.tsv"], "c.tsv: no such file"),
    ],
)
def test_what_the_command_refuses(tmp_path, options, message):
    refused = run(*options, "--out", tmp_path / "out")
    assert isinstance(refused.exception, InputError)
    assert message in str(refused.exception)
    assert not (tmp_path / "out").exists()
