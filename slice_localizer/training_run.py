"""Training as users ask for it: persons or a cohort in, weights and a report out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from atlas_builder.errors import InputError
from atlas_builder.io.cohort import Refusal, read_participants
from atlas_builder.progress import Progress, no_progress
from atlas_builder.validation.conditions import read_splits
from slice_localizer.calibrating import calibrate
from slice_localizer.calibration import Calibration
from slice_localizer.cohort_exams import EVERY_AGE, CohortExams, KeptScan, keep_scans
from slice_localizer.cross_validation import cross_validate, split_folds
from slice_localizer.persons import keep_persons
from slice_localizer.simulated import SimulatedExams
from slice_localizer.starting_point import Start
from slice_localizer.training import CURVE, DrawExam, Plan, train
from slice_localizer.training_folder import WEIGHTS, claim, settings_of, versions
from slice_localizer.training_report import write_folds_report, write_training_report
from slice_localizer.weights import Trained, write_weights

WATCHED_PERSONS = 8
_WATCHED_EXAMS = 24
_HELD_OUT = 8  # one scan of so many where the cohort names none for validation


@dataclass(frozen=True)
class Machine:
    """Where a training runs.

    Attributes
    ----------
    device : torch.device
        For the network.
    jobs : int
        Processes that prepare scans and persons, and threads that train on a CPU.
    loaders : int
        Processes that draw exams.
    """

    device: torch.device
    jobs: int = 1
    loaders: int = 1


@dataclass(frozen=True)
class _Task:
    """What a training learns from, and what it is watched and calibrated on."""

    drawn: DrawExam
    watched: DrawExam
    described: Mapping[str, Any]
    refusals: Sequence[Refusal] = ()


def train_on_persons(
    out: Path,
    persons: int,
    plan: Plan,
    machine: Machine,
    *,
    start: Start | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Train on scans rendered from simulated persons.

    Parameters
    ----------
    out : Path
        Gets the checkpoint, the weights and the report; the persons are kept beside it, in a
        folder ``persons`` that several trainings may share.
    persons : int
        How many to learn from; `WATCHED_PERSONS` more are only watched.
    plan : Plan
        What to do; its seed is also that of the persons.
    machine : Machine
        Where.
    start : Start, optional
        The network to go on from, that which the plan names.
    progress : callable
        Told the stage, how much of it is done and how much there is.

    Returns
    -------
    Path
        The weights, for `slice_localizer.weights.read_weights`.

    Raises
    ------
    InputError
        The folder holds another training, or ImageNet's weights cannot be had.
    """
    described = {"simulated": True, "persons": persons, "seed": plan.seed}
    claim(out, plan, described)
    paths = keep_persons(
        out.parent / "persons",
        persons + WATCHED_PERSONS,
        plan.seed,
        jobs=machine.jobs,
        progress=progress,
    )
    task = _Task(
        SimulatedExams(tuple(paths[:persons]), plan.seed),
        SimulatedExams(tuple(paths[persons:]), plan.seed + 1),
        described,
    )
    return _train(task, out, plan, machine, start, progress)


def train_on_cohort(
    cohort: Path,
    out: Path,
    rater: str,
    plan: Plan,
    machine: Machine,
    *,
    start: Start | None = None,
    progress: Progress = no_progress,
) -> tuple[Path, list[Refusal]]:
    """Train on the scans of a cohort, augmented; see `train_on_persons`.

    The scans of the split ``validation`` are watched; where the cohort has none, an eighth drawn
    by the seed is.

    Parameters
    ----------
    cohort : Path
        With ``participants.tsv``.
    out, plan, machine, start, progress
        As for `train_on_persons`; prepared scans are kept in the folder ``scans`` of `out`.
    rater : str
        Whose key slices are learnt.

    Returns
    -------
    weights : Path
        The weights.
    refusals : list of Refusal
        Participants who could not be used.

    Raises
    ------
    InputError
        As there; or the cohort has too few scans that can be used.
    """
    scans, refusals = _scans(cohort, out, rater, ("build", "validation"), machine, progress)
    watched = [scan for scan in scans if (scan.split or "").lower() == "validation"]
    watched = watched or split_folds(scans, min(_HELD_OUT, max(2, len(scans))), plan.seed)[0]
    used = [scan for scan in scans if scan not in watched]
    if not used:
        raise InputError(f"{cohort}: all scans are for validation; give some to build from")
    described = {
        "simulated": False,
        "rater": rater,
        "participants": [scan.path.stem for scan in used],
        "watched": [scan.path.stem for scan in watched],
    }
    claim(out, plan, described)
    task = _Task(
        CohortExams(tuple(scan.path for scan in used), plan.seed),
        CohortExams(tuple(scan.path for scan in watched), plan.seed + 1),
        described,
        refusals,
    )
    return _train(task, out, plan, machine, start, progress), refusals


def cross_validate_cohort(
    cohort: Path,
    out: Path,
    rater: str,
    folds: int,
    plan: Plan,
    machine: Machine,
    *,
    start: Start | None = None,
    progress: Progress = no_progress,
) -> list[Refusal]:
    """Cross-validate on all scans of a cohort, whatever their split, and write the report.

    Parameters
    ----------
    cohort, out, rater, plan, machine, start, progress
        As for `train_on_cohort`.
    folds : int
        How many.

    Returns
    -------
    list of Refusal
        Participants who could not be used.
    """
    scans, refusals = _scans(cohort, out, rater, (), machine, progress)
    described = {
        "simulated": False,
        "rater": rater,
        "folds": folds,
        "participants": [scan.path.stem for scan in scans],
    }
    claim(out, plan, described)
    _use_threads(machine)
    done = cross_validate(
        scans,
        folds,
        plan,
        out,
        device=machine.device,
        loaders=machine.loaders,
        start=start,
        progress=progress,
    )
    inputs = {"settings": settings_of(plan, described), "versions": versions()}
    write_folds_report(out, plan, done, refusals, inputs)
    return refusals


def _scans(
    cohort: Path,
    out: Path,
    rater: str,
    splits: Sequence[str],
    machine: Machine,
    progress: Progress,
) -> tuple[list[KeptScan], list[Refusal]]:
    """Prepare a cohort's scans; without splits named, all that it has."""
    read_participants(cohort, EVERY_AGE, "build")  # refuses a table that cannot be read
    chosen = splits or read_splits(cohort) or ("build",)
    return keep_scans(cohort, out / "scans", rater, chosen, jobs=machine.jobs, progress=progress)


def _train(
    task: _Task,
    out: Path,
    plan: Plan,
    machine: Machine,
    start: Start | None,
    progress: Progress,
) -> Path:
    """Train, calibrate, and write weights and report."""
    _use_threads(machine)
    network = train(
        task.drawn,
        lambda size: [task.watched(number, size) for number in range(_WATCHED_EXAMS)],
        plan,
        out,
        device=machine.device,
        loaders=machine.loaders,
        start=start,
        progress=progress,
    )
    curve = [json.loads(line) for line in (out / CURVE).read_text("utf-8").splitlines()]
    settings = {**settings_of(plan, task.described), "device": machine.device.type}
    training = {
        **settings,
        "threads": torch.get_num_threads(),
        "curve": curve,
        "versions": versions(),
    }
    trained = Trained(network.cpu(), Calibration(), plan.stages[-1].size, training)
    calibrated = calibrate(trained, task.watched, _WATCHED_EXAMS, out, machine.device, progress)
    write_weights(out / WEIGHTS, calibrated)
    settings["calibration"] = {
        **asdict(calibrated.calibration),
        **calibrated.training["calibration_exams"],
    }
    inputs = {"settings": settings, "versions": versions()}
    write_training_report(out, plan, curve, task.refusals, inputs)
    return out / WEIGHTS


def _use_threads(machine: Machine) -> None:
    if machine.device.type == "cpu":
        torch.set_num_threads(machine.jobs)
