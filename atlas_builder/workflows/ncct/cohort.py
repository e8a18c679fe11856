"""A cohort of head CT scored: in parallel, each scan's folder by itself, resumable."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from aspects_scorer.ncct.methods import DEFAULT_METHOD
from atlas_builder import __version__
from atlas_builder.cohorts.participants import Refusal, first_reasons, read_participants
from atlas_builder.core.errors import InputError
from atlas_builder.registration.ants_library import RegistrationError
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.runtime.tsv import NOT_AVAILABLE, write_tsv
from atlas_builder.runtime.workers import open_workers
from atlas_builder.workflows.ncct.files import RESULT, TABLE, NcctCase, check_folder
from atlas_builder.workflows.ncct.score import NcctTask, score_task
from atlas_builder.workflows.region_routes import DEFAULT_ROUTE

SCORES = "scores.tsv"
REGIONS = "regions.tsv"

ScoreTask: TypeAlias = Callable[[NcctTask, Executor | None], NcctCase]
"""Scores one scan, see `score_task`."""

_SCORES_COLUMNS = (
    "participant_id",
    "aspects_left",
    "aspects_right",
    "aspects",
    "expected_left",
    "expected_right",
    "method",
    "rule",
    "status",
    "reason",
    "flags",
)


@dataclass(frozen=True)
class Outcome:
    """What became of a scan.

    Attributes
    ----------
    participant_id : str
        Whose.
    refused : str or None
        Why it could not be scored.
    """

    participant_id: str
    refused: str | None = None


def score_ncct_cohort(
    cohort: Path,
    out: Path,
    *,
    method: str = DEFAULT_METHOD,
    rule: str = "barber",
    atlas: str | Path | None = None,
    regions: str = DEFAULT_ROUTE,
    ending: str = "ct",
    score: ScoreTask = score_task,
    jobs: int = 1,
    restart: bool = False,
    progress: Progress = no_progress,
) -> list[Outcome]:
    """Score every scan of a cohort.

    A scan that was scored before in the same folder by the same method, rule, atlas and version is
    not scored again, so a run that was killed goes on. One that cannot be scored is recorded with
    the reason and stops no other. The numbers are the same for any number of jobs.

    Parameters
    ----------
    cohort : Path
        A folder with ``participants.tsv`` and a scan a participant, see
        `atlas_builder.cohorts.labelled_scans`; rows of every split. Those without an age are
        scored as `score_ncct` scores a scan without one.
    out : Path
        Gets a folder a scan, ``scores.tsv`` and ``regions.tsv``.
    method, rule, atlas, regions
        As `score_ncct` takes them.
    ending : str
        Of the scans' names: ``ct`` for ``sub-XX_ct.nii.gz``; DICOM folders are CT.
    score : callable
        Scores one scan; can be pickled.
    jobs : int
        Processes at once.
    restart : bool
        Score all again.
    progress : callable
        Told the stage, how many scans are done and how many there are.

    Returns
    -------
    list of Outcome
        In the table's order, those who have no scan last.

    Raises
    ------
    InputError
        The cohort's table cannot be used, or no scan can be scored.
    """
    participants, refusals = read_participants(Path(cohort), None, None)
    out.mkdir(parents=True, exist_ok=True)
    settings = {
        "method": method,
        "rule": rule,
        "atlas": None if atlas is None else str(atlas),
        "regions": regions,
        "ending": ending,
        "version": __version__,
    }
    scans, absent = [], []
    for one in participants:
        scan = _scan_of(one.folder, ending)
        if scan is None:
            absent.append(Refusal(one.participant_id, "no scan in its folder"))
        else:
            scans.append((one, scan))
    tasks = [
        _Task(
            one.participant_id,
            NcctTask(
                scan,
                out / one.participant_id,
                _known(one.age),
                method,
                rule,
                atlas,
                regions=regions,
            ),
            settings,
            restart,
            score,
        )
        for one, scan in scans
    ]
    stage = "Scoring"
    progress(stage, 0, len(tasks))
    outcomes = []
    with open_workers(jobs) as workers:
        for number, outcome in enumerate(workers.in_order(_score, tasks), start=1):
            outcomes.append(outcome)
            progress(stage, number, len(tasks))
    outcomes += [Outcome(r.participant_id, r.reason) for r in (*refusals, *absent)]
    if all(outcome.refused for outcome in outcomes):
        # Tables of an earlier run would say that these were scored.
        for name in (SCORES, REGIONS):
            (out / name).unlink(missing_ok=True)
        refused = [Refusal(one.participant_id, one.refused or "") for one in outcomes]
        reasons = first_reasons(refused) or "the table is empty"
        raise InputError(f"{cohort}: no scan can be scored ({reasons})")
    _write_tables(out, outcomes, method, rule)
    return outcomes


@dataclass(frozen=True)
class _Task:
    participant_id: str
    scan: NcctTask
    settings: dict[str, str | None]
    restart: bool
    score: ScoreTask


def _scan_of(folder: Path, ending: str) -> Path | None:
    """Return a participant's scan."""
    places = [folder / f"{folder.name}_{ending}.nii.gz"]
    if ending == "ct":
        places.append(folder / "dicom")
    return next((path for path in places if path.exists()), None)


def _score(task: _Task) -> Outcome:
    """Score a scan unless that was done; in a worker."""
    made_from = task.scan.out.with_name(f".{task.participant_id}.json")
    inputs = {**task.settings, "age": task.scan.age, "scan": _state_of(task.scan.path)}
    if not task.restart and _stored(made_from) == inputs and (task.scan.out / RESULT).exists():
        return Outcome(task.participant_id)
    made_from.unlink(missing_ok=True)
    try:
        task.score(task.scan, None)
    except InputError as error:
        return _refused(task, str(error))
    except RegistrationError as error:
        return _refused(
            task, f"cannot be aligned with the atlas ({error}); check that it is a head"
        )
    except MemoryError:
        return _refused(task, "too little memory for this scan; give fewer --jobs")
    except Exception as error:  # one scan never stops the others
        return _refused(task, f"unexpected {type(error).__name__}: {error}; please report it")
    made_from.write_text(json.dumps(inputs), "utf-8")
    return Outcome(task.participant_id)


def _refused(task: _Task, reason: str) -> Outcome:
    _remove_earlier(task.scan.out)
    # The message names the scan's place, which is of this computer, and may have several lines.
    told = " ".join(reason.removeprefix(f"{task.scan.path}: ").split())
    return Outcome(task.participant_id, told.replace(f"{task.scan.path.parent}/", ""))


def _known(age: float) -> float | None:
    return None if math.isnan(age) else age


def _remove_earlier(folder: Path) -> None:
    """Remove the score of a scan that is refused now: it is of another scan, or by other rules."""
    if not (folder / RESULT).exists():
        return
    try:
        check_folder(folder)
    except InputError:  # other files lie in it: only what says that it is a score goes
        (folder / RESULT).unlink()
        return
    shutil.rmtree(folder)


def _state_of(path: Path) -> list[list[object]]:
    """Return size and time of change of a scan's files."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def _stored(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _write_tables(out: Path, outcomes: list[Outcome], method: str, rule: str) -> None:
    scores, regions = [], []
    header: list[str] = []
    for outcome in outcomes:
        if outcome.refused is not None:
            empty = [NOT_AVAILABLE] * 5
            scores.append(
                [outcome.participant_id, *empty, method, rule, "refused", outcome.refused, "n/a"]
            )
            continue
        folder = out / outcome.participant_id
        result = json.loads((folder / RESULT).read_text("utf-8"))
        expected = result["expected"]
        flags = ",".join(dict.fromkeys(flag["code"] for flag in result["flags"]))
        scores.append(
            [
                outcome.participant_id,
                *(str(result[name]) for name in ("aspects_left", "aspects_right", "aspects")),
                *(str(expected.get(side, NOT_AVAILABLE)) for side in ("left", "right")),
                method,
                rule,
                "scored",
                NOT_AVAILABLE,
                flags or NOT_AVAILABLE,
            ]
        )
        for number, row in enumerate(_rows_of(folder / TABLE)):
            header = header or row
            if number:
                regions.append([outcome.participant_id, *row])
    write_tsv(out / SCORES, _SCORES_COLUMNS, scores)
    write_tsv(out / REGIONS, ["participant_id", *header], regions)


def _rows_of(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as table:
        yield from csv.reader(table, delimiter="\t")


def left_out(outcomes: list[Outcome]) -> list[dict[str, str]]:
    """Return who could not be scored and why.

    Parameters
    ----------
    outcomes : list of Outcome
        Of a cohort.
    """
    return [
        {"participant_id": one.participant_id, "reason": one.refused}
        for one in outcomes
        if one.refused is not None
    ]
