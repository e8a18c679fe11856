"""A cohort of head CT is scored to its end, whatever becomes of one scan."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from atlas_builder.core.errors import InputError
from atlas_builder.registration.ants_library import RegistrationError
from atlas_builder.runtime.workers import Workers
from atlas_builder.workflows.ncct import cohort as run
from atlas_builder.workflows.ncct.cohort import left_out, score_ncct_cohort
from atlas_builder.workflows.ncct.score import NcctTask

NAMES = ("sub-a", "sub-b", "sub-c")


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    folder = tmp_path / "cohort"
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}_ct.nii.gz").write_bytes(b"a scan")
    (folder / "participants.tsv").write_text(
        "participant_id\tage\nsub-a\t60\nsub-b\tn/a\nsub-c\t70\n"
    )
    return folder


@contextmanager
def in_this_process(_: int) -> Iterator[Workers]:
    with ThreadPoolExecutor(1) as executor:
        yield Workers(executor, 1)


class Scorer:
    """Stands in for the scoring of a scan: notes whom it was given, and fails where it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ages: dict[str, float | None] = {}
        self.fails: dict[str, BaseException] = {}
        monkeypatch.setattr(run, "open_workers", in_this_process)

    def __call__(self, task: NcctTask, _: object) -> None:
        name = task.out.name
        self.ages[name] = task.age
        if name in self.fails:
            raise self.fails[name]
        task.out.mkdir(exist_ok=True)
        result = {"aspects_left": 9, "aspects_right": 10, "aspects": 9, "expected": {}, "flags": []}
        (task.out / "aspects.json").write_text(json.dumps(result))
        (task.out / "regions.tsv").write_text("region\nC\n")


@pytest.fixture
def scorer(monkeypatch: pytest.MonkeyPatch) -> Scorer:
    return Scorer(monkeypatch)


def rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / "scores.tsv").open() as table:
        return {row["participant_id"]: row for row in csv.DictReader(table, delimiter="\t")}


def test_who_has_no_age_is_scored_without_one(cohort, scorer, tmp_path) -> None:
    assert left_out(score_ncct_cohort(cohort, tmp_path / "out", score=scorer)) == []
    assert scorer.ages == {"sub-a": 60, "sub-b": None, "sub-c": 70}


def test_a_table_without_ages_will_do(cohort, scorer, tmp_path) -> None:
    (cohort / "participants.tsv").write_text("participant_id\nsub-a\nsub-c\n")
    score_ncct_cohort(cohort, tmp_path / "out", score=scorer)
    assert scorer.ages == {"sub-a": None, "sub-c": None}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InputError("no head is shown"), "no head is shown"),
        (
            RegistrationError("diverged"),
            "cannot be aligned with the atlas (diverged)",
        ),
        (MemoryError(), "too little memory"),
        (ValueError("odd\nshape"), "unexpected ValueError: odd shape; please report it"),
    ],
)
def test_one_scan_stops_no_other_and_is_named(cohort, scorer, tmp_path, error, reason) -> None:
    scorer.fails["sub-b"] = error
    (refused,) = left_out(score_ncct_cohort(cohort, tmp_path / "out", score=scorer))
    assert refused["participant_id"] == "sub-b"
    assert refused["reason"].startswith(reason)
    table = rows(tmp_path / "out")
    assert [table[name]["status"] for name in NAMES] == ["scored", "refused", "scored"]
    assert str(cohort) not in table["sub-b"]["reason"]


def test_a_run_that_was_stopped_goes_on(cohort, scorer, tmp_path) -> None:
    scorer.fails["sub-c"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        score_ncct_cohort(cohort, tmp_path / "out", score=scorer)
    assert not (tmp_path / "out" / "scores.tsv").exists()
    scorer.fails.clear()
    scorer.ages.clear()
    score_ncct_cohort(cohort, tmp_path / "out", score=scorer)
    assert set(scorer.ages) == {"sub-c"}  # the others were scored before
    assert set(rows(tmp_path / "out")) == set(NAMES)


def test_a_scan_whose_age_changes_is_scored_again(cohort, scorer, tmp_path) -> None:
    score_ncct_cohort(cohort, tmp_path / "out", score=scorer)
    table = cohort / "participants.tsv"
    table.write_text(table.read_text().replace("n/a", "81"))
    scorer.ages.clear()
    score_ncct_cohort(cohort, tmp_path / "out", score=scorer)
    assert scorer.ages == {"sub-b": 81}


def test_where_none_can_be_scored_the_first_are_named(cohort, scorer, tmp_path) -> None:
    scorer.fails = dict.fromkeys(NAMES, InputError("no head"))
    with pytest.raises(InputError, match=r"no scan can be scored \(sub-a: no head; sub-b: no head"):
        score_ncct_cohort(cohort, tmp_path / "out", score=scorer)
