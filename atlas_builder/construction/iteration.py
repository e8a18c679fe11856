"""The iterations of one level: from prepared participants to a template and its regions.

Every fit and every template is on the disk before it is used, so a run that was killed goes on
where it stopped, and the numbers that follow are the same bits.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from atlas_builder.construction.fitting import Fit, FitTask, fit, load_fit, save_fit
from atlas_builder.construction.labels import CarryTask, Votes, carry, tidy
from atlas_builder.construction.level import Estimate, IterationRecord, LevelJob, LevelResult
from atlas_builder.construction.template import (
    RunningMean,
    ShapeUpdate,
    average_brain,
    update_template,
)
from atlas_builder.metrics.entropy import shannon_entropy
from atlas_builder.metrics.overlap import dice_by_label
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE
from atlas_builder.registration.ants_library import RegistrationError
from atlas_builder.registration.slices import COARSE, FIRST, LAST, ONLY, Schedule
from atlas_builder.runtime.progress import Progress
from atlas_builder.runtime.resumption import resume
from atlas_builder.runtime.workers import Workers


class UnusableParticipantError(Exception):
    """A participant whose key slice cannot be registered to the template.

    Attributes
    ----------
    participant : str
        The id.
    reason : str
        One line.
    """

    def __init__(self, participant: str, reason: str) -> None:
        super().__init__(f"{participant}: {reason}")
        self.participant = participant
        self.reason = reason


def build_level(job: LevelJob, workers: Workers, progress: Progress) -> LevelResult:
    """Run a level's iterations, or what is left of them.

    Parameters
    ----------
    job : LevelJob
        What to build; its folder holds what an earlier run has done.
    workers : Workers
        Where registrations run.
    progress : callable
        Called with the stage, how many participants are done and how many there are.

    Raises
    ------
    UnusableParticipantError
        A participant cannot be registered; the level must be built without it.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    if not job.template(0).exists():
        Estimate.initial(_initial_template(job)).save(job.template(0))
    for number in range(1, job.iterations + 1):
        if not job.template(number).exists():
            _iterate(job, number, workers, progress)
        # The fits of an iteration that the next one has left behind are of no more use.
        shutil.rmtree(job.fits(number - 1), ignore_errors=True)
    return _result(job, workers)


def _initial_template(job: LevelJob) -> NDArray[np.float32]:
    if job.initial != "average":
        return job.load(job.initial).image
    total, brain = np.zeros((2, *job.grid.shape))
    for participant in job.participants:
        image = job.load(participant).image
        total += image
        brain += image != 0
    return average_brain(total, brain, len(job.participants)).astype(np.float32)


def _schedule(number: int, iterations: int) -> Schedule:
    if number == 1:
        return ONLY if iterations == 1 else FIRST
    return LAST if number == iterations else COARSE


def _iterate(job: LevelJob, number: int, workers: Workers, progress: Progress) -> None:
    """Register all participants to the last template and write the next one."""
    before = Estimate.load(job.template(number - 1))
    affines = dict(zip(job.participants, before.initial_affines, strict=False))

    def task(participant: str) -> FitTask:
        return FitTask(
            before.image,
            job.load(participant).image,
            job.grid,
            job.metric,
            _schedule(number, job.iterations),
            affines.get(participant),
        )

    job.fits(number).mkdir(exist_ok=True)
    mean = RunningMean.empty(job.grid)
    magnitude = 0.0
    correlations, fitted = [], []
    stage, total = f"{job.level} iteration {number}", len(job.participants)
    progress(stage, 0, total)
    paths = {name: job.fits(number) / f"{name}.npz" for name in job.participants}

    def compute(missing: list[str]) -> Iterator[Fit]:
        fits = workers.in_order(fit, map(task, missing))
        for participant in missing:
            try:
                yield next(fits)
            except RegistrationError as error:
                reason = f"its {job.level} slice cannot be registered to the template ({error})"
                raise UnusableParticipantError(participant, reason) from error

    for _, result in resume(paths, compute, save_fit, load_fit):
        mean.add(result.warped, result.brain, result.transform)
        magnitude += float(np.hypot(*result.transform.displacement).mean())
        correlations.append(result.correlation)
        fitted.append(result.transform.affine)
        progress(stage, mean.count, total)

    update = ShapeUpdate.from_mean(mean, job.grid, job.gradient_step)
    image = update_template(mean, update, job.grid, job.sharpening)
    deformation = np.hypot(*update.displacement)
    Estimate(
        image,
        update.affine,
        update.displacement,
        np.stack([update.initial_affine(affine) for affine in fitted]),
        np.array(correlations),
        IterationRecord(
            number,
            float(deformation.mean()),
            float(deformation.max()),
            magnitude / total,
            float(np.mean(correlations)),
            shannon_entropy(np.rint(job.on_key_slice(image))),  # as files hold it, whole HU
        ),
    ).save(job.template(number))


def _fuse(job: LevelJob, update: ShapeUpdate, workers: Workers) -> Votes:
    """Carry all participants' regions onto the atlas and count the votes."""

    def task(participant: str) -> CarryTask:
        fitted = load_fit(job.fits(job.iterations) / f"{participant}.npz")
        return CarryTask(job.load(participant).labels, job.grid, fitted.transform, update)

    votes = Votes(job.level, job.grid.shape)
    carried = workers.in_order(carry, map(task, job.participants))
    for participant, labels in zip(job.participants, carried, strict=True):
        np.save(job.carried(participant), labels)
        votes.add(labels)
    return votes


def _result(job: LevelJob, workers: Workers) -> LevelResult:
    estimates = [Estimate.load(job.template(number)) for number in range(job.iterations + 1)]
    last = estimates[-1]
    update = ShapeUpdate(last.mean_affine, last.displacement, job.grid.halved(), job.gradient_step)
    votes = _fuse(job, update, workers)
    # The midline is at the middle of the key-slice grid.
    midline = (KEY_SLICE_SHAPE[0] - 1) / 2 - job.crop[0].start
    labels = tidy(votes.majority(), midline)
    agreement = {
        participant: float(
            np.mean(
                list(
                    dice_by_label(np.load(job.carried(participant)), labels, votes.regions).values()
                )
            )
        )
        for participant in job.participants
    }
    return LevelResult(
        job.on_key_slice(last.image),
        job.on_key_slice(labels),
        np.stack([job.on_key_slice(shares) for shares in votes.probabilities()]),
        tuple(e.record for e in estimates if e.record is not None),
        tuple(job.on_key_slice(e.image) for e in estimates),
        tuple(np.hypot(*e.displacement).astype(np.float32) for e in estimates[1:]),
        dict(zip(job.participants, last.correlations.tolist(), strict=True)),
        agreement,
    )
