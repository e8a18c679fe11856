"""The part of a build's report that shows each participant, made one at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.cohorts.labelled_scans import Participant
from atlas_builder.construction.build import Build
from atlas_builder.construction.level import Estimate, LevelJob, LevelResult
from atlas_builder.construction.template import ShapeUpdate
from atlas_builder.core.anatomy import Level, regions_of
from atlas_builder.reporting.base.outlines import region_outlines
from atlas_builder.reporting.build.outliers import is_low, lower_bound
from atlas_builder.reporting.build.participant_pictures import (
    EntryTask,
    LevelEntry,
    View,
    first_pixel,
    level_entry,
)
from atlas_builder.runtime.workers import Workers


@dataclass(frozen=True)
class LevelBackground:
    """What the pictures of all participants of a level share.

    Attributes
    ----------
    job : LevelJob
        Where the participants' work lies.
    result : LevelResult
        Of the level.
    view : View
        What is shown.
    points : ndarray, shape (2, nx, ny)
        Where the last template, to which the fits lead, holds what the atlas shows (mm).
    outlines : dict of str to str
        Of the atlas's regions.
    correlation_bound, dice_bound : float
        Below which a participant is flagged.
    """

    job: LevelJob
    result: LevelResult
    view: View
    points: NDArray[np.float64]
    outlines: dict[str, str]
    correlation_bound: float
    dice_bound: float

    @classmethod
    def of(cls, job: LevelJob, result: LevelResult) -> LevelBackground:
        """Return the background of a finished level whose work folder is still there.

        Parameters
        ----------
        job : LevelJob
            Of the level.
        result : LevelResult
            Of the level.

        Returns
        -------
        LevelBackground
        """
        last = Estimate.load(job.template(job.iterations))
        update = ShapeUpdate(
            last.mean_affine, last.displacement, job.grid.halved(), job.gradient_step
        )
        return cls(
            job,
            result,
            View.of(job.crop),
            update.points(job.grid.points()),
            region_outlines(result.labels[job.crop], regions_of(job.level), first_pixel(job)),
            lower_bound(result.correlation.values()),
            lower_bound(result.dice.values()),
        )

    def warnings(self, participant: str) -> list[str]:
        """Return why a participant needs a look at this level.

        Parameters
        ----------
        participant : str
            The identifier.

        Returns
        -------
        list of str
            One a measure; empty where no look is needed.
        """
        level = self.job.level
        measures = (
            ("correlation", self.result.correlation[participant], self.correlation_bound),
            ("DSC", self.result.dice[participant], self.dice_bound),
        )
        return [
            f"{level} {name} {value:.3f}, below {bound:.3f}"
            for name, value, bound in measures
            if is_low(value, bound)
        ]


@dataclass(frozen=True)
class ParticipantEntry:
    """What the report shows of a participant.

    Attributes
    ----------
    participant : Participant
        Who.
    warnings : list of str
        Why a look is needed; empty when none is.
    levels : list of LevelEntry
        BGL and SGL.
    """

    participant: Participant
    warnings: list[str]
    levels: list[LevelEntry]


def level_backgrounds(build: Build) -> dict[Level, LevelBackground]:
    """Return what the pictures of each level share.

    Parameters
    ----------
    build : Build
        A finished build whose work folders are still there.

    Returns
    -------
    dict of level to LevelBackground
    """
    return {
        level: LevelBackground.of(build.jobs[level], result)
        for level, result in build.results.items()
    }


def find_warnings(
    build: Build, backgrounds: Mapping[Level, LevelBackground]
) -> dict[str, list[str]]:
    """Return why participants need a look, of those who do.

    Parameters
    ----------
    build : Build
        A finished build.
    backgrounds : mapping of level to LevelBackground
        From `level_backgrounds`.

    Returns
    -------
    dict of str to list of str
        By participant identifier.
    """
    found = {
        participant.participant_id: [
            warning
            for background in backgrounds.values()
            for warning in background.warnings(participant.participant_id)
        ]
        for participant in build.participants
    }
    return {name: warnings for name, warnings in found.items() if warnings}


def participant_entries(
    build: Build,
    backgrounds: Mapping[Level, LevelBackground],
    warnings: Mapping[str, list[str]],
    workers: Workers,
) -> Iterator[ParticipantEntry]:
    """Yield the participants, the flagged ones first, a few at a time in memory.

    Parameters
    ----------
    build : Build
        A finished build.
    backgrounds : mapping of level to LevelBackground
        From `level_backgrounds`.
    warnings : mapping of str to list of str
        From `find_warnings`.
    workers : Workers
        Make the pictures.

    Yields
    ------
    ParticipantEntry
        One a participant.
    """
    ordered = sorted(
        build.participants, key=lambda participant: participant.participant_id not in warnings
    )
    tasks = (
        _task_of(background, participant.participant_id, build)
        for participant in ordered
        for background in backgrounds.values()
    )
    entries = workers.in_order(level_entry, tasks)
    for participant in ordered:
        levels = list(itertools.islice(entries, len(backgrounds)))
        yield ParticipantEntry(participant, warnings.get(participant.participant_id, []), levels)


def _task_of(background: LevelBackground, name: str, build: Build) -> EntryTask:
    job, result = background.job, background.result
    quality = build.notes[name].quality
    return EntryTask(
        job,
        background.view,
        background.points,
        name,
        quality[f"{job.level}_angle_deg"],
        quality[f"{job.level}_brain_area_cm2"],
        result.correlation[name],
        result.dice[name],
        is_low(result.correlation[name], background.correlation_bound),
        is_low(result.dice[name], background.dice_bound),
    )
