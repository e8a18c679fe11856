"""The build of an age group's atlas from a cohort: resumable, the same bits however it is run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from atlas_builder.cohorts.labelled_scans import (
    Participant,
    Refusal,
    read_participants,
    read_simulation,
)
from atlas_builder.cohorts.participants import first_reasons
from atlas_builder.construction.iteration import UnusableParticipantError, build_level
from atlas_builder.construction.level import LevelJob, LevelResult
from atlas_builder.construction.preparation import (
    Preparation,
    brain_box,
    load_notes,
    prepare,
    save_preparation,
)
from atlas_builder.construction.template import GRADIENT_STEP
from atlas_builder.core.anatomy import LEVELS, AgeGroup, Level
from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SPACING, key_slice_grid
from atlas_builder.registration.ants_library import SEED
from atlas_builder.registration.slices import COARSE, FIRST, LAST, Metric
from atlas_builder.runtime.progress import Progress
from atlas_builder.runtime.resumption import as_read_back, claim, describe_files, resume
from atlas_builder.runtime.versions import COHORT_PACKAGES, software_versions
from atlas_builder.runtime.workers import Workers

LEAST_PARTICIPANTS = 3
"""Two make no majority."""


@dataclass(frozen=True)
class BuildSettings:
    """What decides an atlas, besides the cohort.

    Attributes
    ----------
    age_group : AgeGroup
        Participants outside it are left out.
    rater : str
        Whose labels are used.
    iterations : int
        How many times every participant is registered; at least 1.
    metric : Metric
        Of SyN.
    gradient_step : float
        Share of the mean deformation taken back in each of four steps of the shape update.
    sharpening : float
        Weight of the Laplacian-sharpened mean, 0 to 1.
    initial_template : str
        ``average`` or ``random``, a participant drawn by `seed`.
    seed : int
        Of that draw.
    """

    age_group: AgeGroup
    rater: str = "expert"
    iterations: int = 4
    metric: Metric = Metric.MI
    gradient_step: float = GRADIENT_STEP
    sharpening: float = 0.25
    initial_template: str = "average"
    seed: int = 1

    def describe(self) -> dict[str, object]:
        """Return every parameter as JSON can hold it, those of the registration included."""
        return asdict(self) | {
            "age_group": str(self.age_group),
            "metric": self.metric.value,
            "registration": {
                "first": asdict(FIRST),
                "then": asdict(COARSE),
                "last": asdict(LAST),
                "seed": SEED,
            },
            "spacing_mm": KEY_SLICE_SPACING,
        }


@dataclass(frozen=True)
class Build:
    """A build whose templates are done and whose work folder is still there.

    Attributes
    ----------
    settings : BuildSettings
        What was to be built.
    inputs : dict
        The cohort, the settings and the versions, from `describe_inputs`.
    participants : tuple of Participant
        Those used, in the order of the cohort's table.
    notes : dict of str to Preparation
        Of each participant used, without images.
    refusals : tuple of Refusal
        Those left out, and why.
    jobs : dict of level to LevelJob
        Where each level's work lies.
    results : dict of level to LevelResult
        What came out.
    """

    settings: BuildSettings
    inputs: dict[str, object]
    participants: tuple[Participant, ...]
    notes: dict[str, Preparation]
    refusals: tuple[Refusal, ...]
    jobs: dict[Level, LevelJob]
    results: dict[Level, LevelResult] = field(repr=False)


def describe_inputs(cohort: Path, settings: BuildSettings) -> dict[str, object]:
    """Return what decides a build, so that two runs can tell whether they are the same.

    Files are told apart by name, size and time of change.

    Parameters
    ----------
    cohort : Path
        The cohort's folder with ``participants.tsv``.
    settings : BuildSettings
        Of the build.

    Returns
    -------
    dict
        Settings, the simulation of a simulated cohort, versions and files, as a JSON file will give
        them back.

    Raises
    ------
    InputError
        The description of a simulated cohort is not JSON.
    """
    cohort = Path(cohort)
    inputs: dict[str, object] = {
        "settings": settings.describe(),
        "simulation": read_simulation(cohort),
        "versions": software_versions(*COHORT_PACKAGES),
        "files": describe_files(cohort),
    }
    return as_read_back(inputs)


def estimate_atlas(
    cohort: Path,
    work: Path,
    settings: BuildSettings,
    workers: Workers,
    progress: Progress,
    *,
    strict: bool = False,
) -> Build:
    """Prepare a cohort and estimate both levels, going on where an earlier run stopped.

    Parameters
    ----------
    cohort : Path
        In the layout of the documentation.
    work : Path
        Keeps what is done. Work of other inputs or settings found there is removed.
    settings : BuildSettings
        What to build.
    workers : Workers
        Where preprocessing and registrations run.
    progress : callable
        Called with the stage, how much of it is done and how much there is.
    strict : bool
        Refuse the cohort when any participant is refused.

    Raises
    ------
    InputError
        Fewer than three participants can be used; any cannot, when `strict`.
    """
    inputs = describe_inputs(cohort, settings)
    claim(work, inputs)
    participants, refusals = read_participants(cohort, settings.age_group, "build")
    prepared = work / "participants"
    notes: dict[str, Preparation] = {}
    for participant, preparation in _prepared(
        participants, prepared, settings.rater, workers, progress
    ):
        if preparation.refusal is None:
            notes[participant.participant_id] = preparation
        else:
            refusals.append(Refusal(participant.participant_id, preparation.refusal))
    while True:
        _check_enough(cohort, list(notes), refusals, strict)
        level_jobs = {level: level_job(level, prepared, work, notes, settings) for level in LEVELS}
        try:
            results = {
                level: build_level(job, workers, progress) for level, job in level_jobs.items()
            }
            break
        except UnusableParticipantError as error:
            refusals.append(Refusal(error.participant, error.reason))
            del notes[error.participant]
            for job in level_jobs.values():
                shutil.rmtree(job.folder, ignore_errors=True)
    used = tuple(p for p in participants if p.participant_id in notes)
    return Build(settings, inputs, used, notes, tuple(refusals), level_jobs, results)


def _prepared(
    participants: list[Participant],
    folder: Path,
    rater: str,
    workers: Workers,
    progress: Progress,
) -> Iterator[tuple[Participant, Preparation]]:
    """Yield all preparations, without images, in order; usable ones are kept on the disk."""
    folder.mkdir(exist_ok=True)
    by_name = {participant.participant_id: participant for participant in participants}
    paths = {name: folder / f"{name}.npz" for name in by_name}

    def compute(missing: list[str]) -> Iterator[Preparation]:
        return workers.in_order(prepare, ((by_name[name], rater) for name in missing))

    def save(path: Path, preparation: Preparation) -> None:
        if preparation.refusal is None:  # what was refused may be mended before the next run
            save_preparation(path, preparation)

    progress("Preprocessing", 0, len(participants))
    preparations = resume(paths, compute, save, load_notes)
    for done, (name, preparation) in enumerate(preparations, 1):
        yield by_name[name], Preparation({}, preparation.quality, preparation.refusal)
        progress("Preprocessing", done, len(participants))


def _check_enough(cohort: Path, used: list[str], refusals: list[Refusal], strict: bool) -> None:
    reasons = first_reasons(refusals)
    if strict and refusals:
        raise InputError(f"{cohort}: refused, as --strict asks: {reasons}")
    if len(used) < LEAST_PARTICIPANTS:
        raise InputError(
            f"{cohort}: {len(used)} usable participants, an atlas needs {LEAST_PARTICIPANTS}"
            + (f"; left out: {reasons}" if refusals else "")
        )


def level_job(
    level: Level,
    prepared: Path,
    work: Path,
    notes: dict[str, Preparation],
    settings: BuildSettings,
) -> LevelJob:
    """Describe the build of one level.

    Parameters
    ----------
    level : str
        BGL or SGL.
    prepared, work : Path
        The folder of the prepared participants; the folder in which the level gets its own.
    notes : dict of str to Preparation
        Of the participants to use, in the order in which they are averaged.
    settings : BuildSettings
        What to build.
    """
    names = tuple(notes)
    crop = brain_box(notes.values(), level)
    x, y = (axis.start for axis in crop)
    nx, ny = (axis.stop - axis.start for axis in crop)
    initial = "average"
    if settings.initial_template == "random":
        initial = names[np.random.default_rng(settings.seed).integers(len(names))]
    return LevelJob(
        level,
        names,
        prepared,
        work / level,
        key_slice_grid().cropped((x, y), (nx, ny)),
        crop,
        settings.iterations,
        settings.metric,
        settings.gradient_step,
        settings.sharpening,
        initial,
    )
