"""Training the localizer, complete: simulated subjects or a cohort in, weights and a report out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from atlas_builder.cohorts.conditions import read_splits
from atlas_builder.cohorts.labelled_scans import Refusal, read_participants
from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.curve import read_curve
from atlas_builder.networks.training.device import Machine
from atlas_builder.networks.training.folder import claim
from atlas_builder.networks.training.start import Start
from atlas_builder.reporting.training.localizer import write_folds_report, write_training_report
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.runtime.versions import software_versions
from slice_localizer.network.calibration import Calibration
from slice_localizer.training.calibrating import calibrate
from slice_localizer.training.cohort_samples import EVERY_AGE, CohortSamples, KeptScan, keep_scans
from slice_localizer.training.cross_validation import cross_validate, split_folds
from slice_localizer.training.plan import Plan
from slice_localizer.training.recipe import DrawSample, LocalizerRecipe, train_localizer_network
from slice_localizer.training.simulated_samples import SimulatedSamples
from slice_localizer.training.subjects import keep_subjects
from slice_localizer.training.trained import Trained, write_trained

NETWORK = "localizer.onnx"
"""The file in a training's folder."""

WATCHED_PERSONS = 8
_PACKAGES = ("torch", "torchvision", "numpy", "scipy")
_HELD_OUT = 8  # one scan of so many where the cohort names none for validation


@dataclass(frozen=True)
class _Task:
    """What a training learns from, and what it is watched and calibrated on."""

    drawn: DrawSample
    watched: DrawSample
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
    """Train on scans rendered from simulated subjects.

    Parameters
    ----------
    out : Path
        Gets the checkpoint, the weights and the report; the subjects are kept beside it, in a
        folder ``persons`` that several trainings may share.
    persons : int
        How many subjects to train on; `WATCHED_PERSONS` more are for validation only.
    plan : Plan
        What to do; its seed is also that of the subjects.
    machine : Machine
        Where.
    start : Start, optional
        The network to go on from, that which the plan names.
    progress : callable
        Called with the stage, how much of it is done and how much there is.

    Returns
    -------
    Path
        The weights, for `slice_localizer.network.model.read_localizer`.

    Raises
    ------
    InputError
        The folder holds another training, or ImageNet's weights cannot be had.
    """
    described = {"simulated": True, "persons": persons, "seed": plan.seed}
    claim(out, _inputs(plan, described))
    paths = keep_subjects(
        out.parent / "persons",
        persons + WATCHED_PERSONS,
        plan.seed,
        jobs=machine.jobs,
        progress=progress,
    )
    task = _Task(
        SimulatedSamples(tuple(paths[:persons]), plan.seed),
        SimulatedSamples(tuple(paths[persons:]), plan.seed + 1),
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
        Whose key slices are trained on.

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
    claim(out, _inputs(plan, described))
    task = _Task(
        CohortSamples(tuple(scan.path for scan in used), plan.seed),
        CohortSamples(tuple(scan.path for scan in watched), plan.seed + 1),
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
    claim(out, _inputs(plan, described))
    machine.use_threads()
    done = cross_validate(
        scans,
        folds,
        plan,
        out,
        machine=machine,
        start=start,
        progress=progress,
    )
    inputs = {"settings": _inputs(plan, described), "versions": software_versions(*_PACKAGES)}
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
    machine.use_threads()
    recipe = LocalizerRecipe(
        task.drawn,
        lambda size: [task.watched(number, size) for number in range(plan.watched_samples)],
        plan,
        machine.loaders,
        start,
    )
    network = train_localizer_network(recipe, out, machine, progress)
    curve = read_curve(out)
    settings = {**_inputs(plan, task.described), "device": machine.device.type}
    training = {
        **settings,
        "threads": torch.get_num_threads(),
        "curve": curve,
        "versions": software_versions(*_PACKAGES),
    }
    trained = Trained(network.cpu(), Calibration(), plan.stages[-1].size, training)
    calibrated = calibrate(
        trained, task.watched, plan.watched_samples, plan.calibration_samples, out, progress
    )
    write_trained(out / NETWORK, calibrated)
    settings["calibration"] = {
        **asdict(calibrated.calibration),
        **calibrated.training["calibration_exams"],
    }
    inputs = {"settings": settings, "versions": software_versions(*_PACKAGES)}
    write_training_report(out, plan, curve, task.refusals, inputs)
    return out / NETWORK


def _inputs(plan: Plan, described: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides a training."""
    return {"plan": plan.describe(), "exams": dict(described)}
