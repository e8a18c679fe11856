"""The part of a build's report that shows each participant, made one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.cohorts.labelled_scans import Participant
from atlas_builder.construction.build import Build
from atlas_builder.construction.fitting import load_fit
from atlas_builder.construction.level import Estimate, LevelJob, LevelResult
from atlas_builder.construction.template import ShapeUpdate
from atlas_builder.core.anatomy import Level, regions_of
from atlas_builder.core.transform import halve, sample
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE
from atlas_builder.reporting.base.outlines import mask_outline, region_outlines
from atlas_builder.reporting.base.pictures import grey_levels, jpeg_uri, radiological
from atlas_builder.reporting.build.outliers import is_low, lower_bound

_ROOM = 12
"""Millimetres shown around the brains: scalp and skull."""


@dataclass(frozen=True)
class View:
    """What the pictures of a level show, in mm of the head picture, whose pixels are 1 mm.

    Attributes
    ----------
    x, y, width, height : int
        The part of the head picture that is shown.
    atlas_x, atlas_y : float
        The corner of the pictures on the atlas.
    atlas_width, atlas_height : int
        Their size.
    """

    x: int
    y: int
    width: int
    height: int
    atlas_x: float
    atlas_y: float
    atlas_width: int
    atlas_height: int

    @classmethod
    def of(cls, crop: tuple[slice, slice]) -> View:
        """Return the view of a level.

        Parameters
        ----------
        crop : tuple of slice
            The part of the key-slice grid that the level's own grid covers, in pixels of 0.5 mm.

        Returns
        -------
        View
        """
        first = [max(0, axis.start // 2 - _ROOM) for axis in crop]
        last = [
            min(n // 2, axis.stop // 2 + _ROOM)
            for axis, n in zip(crop, KEY_SLICE_SHAPE, strict=True)
        ]
        # See `outlines` for the quarter of a millimetre.
        return cls(
            first[0],
            first[1],
            last[0] - first[0],
            last[1] - first[1],
            crop[0].start / 2 + 0.25,
            crop[1].start / 2 + 0.25,
            (crop[0].stop - crop[0].start) // 2,
            (crop[1].stop - crop[1].start) // 2,
        )


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
            region_outlines(result.labels[job.crop], regions_of(job.level), _first(job)),
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
class LevelEntry:
    """What the report shows of a participant at one level.

    Attributes
    ----------
    level : Level
        BGL or SGL.
    view : View
        What the pictures show.
    head, warped : str
        Pictures as data URIs: the whole head, and the brain carried onto the atlas.
    brain_outline : str
        SVG path, on `head`.
    drawn, carried : dict of str to str
        SVG paths of the regions by name: as drawn on the head, and carried onto the atlas.
    angle_deg, brain_area_cm2, correlation, dice : float
        The numbers.
    correlation_low, dice_low : bool
        Whether they are outliers.
    """

    level: Level
    view: View
    head: str
    warped: str
    brain_outline: str
    drawn: dict[str, str]
    carried: dict[str, str]
    angle_deg: float
    brain_area_cm2: float
    correlation: float
    dice: float
    correlation_low: bool
    dice_low: bool


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
) -> Iterator[ParticipantEntry]:
    """Yield the participants, the flagged ones first, one at a time in memory.

    Parameters
    ----------
    build : Build
        A finished build.
    backgrounds : mapping of level to LevelBackground
        From `level_backgrounds`.
    warnings : mapping of str to list of str
        From `find_warnings`.

    Yields
    ------
    ParticipantEntry
        One a participant.
    """
    for participant in sorted(
        build.participants, key=lambda participant: participant.participant_id not in warnings
    ):
        name = participant.participant_id
        quality = build.notes[name].quality
        levels = [_level_entry(background, name, quality) for background in backgrounds.values()]
        yield ParticipantEntry(participant, warnings.get(name, []), levels)


def _level_entry(
    background: LevelBackground, name: str, quality: Mapping[str, float]
) -> LevelEntry:
    job, result, view = background.job, background.result, background.view
    regions, first = regions_of(job.level), _first(job)
    prepared = job.load(name)
    fit = load_fit(job.fits(job.iterations) / f"{name}.npz")
    on_atlas = np.asarray(sample(fit.warped, job.grid, background.points), np.float32)
    carried = np.load(job.carried(name), allow_pickle=False)
    head = prepared.head[view.x : view.x + view.width, view.y : view.y + view.height]
    return LevelEntry(
        job.level,
        view,
        jpeg_uri(radiological(head)),
        jpeg_uri(radiological(grey_levels(halve(on_atlas)))),
        mask_outline(prepared.image != 0, first),
        region_outlines(prepared.labels, regions, first),
        region_outlines(carried, regions, first),
        quality[f"{job.level}_angle_deg"],
        quality[f"{job.level}_brain_area_cm2"],
        result.correlation[name],
        result.dice[name],
        is_low(result.correlation[name], background.correlation_bound),
        is_low(result.dice[name], background.dice_bound),
    )


def _first(job: LevelJob) -> tuple[int, int]:
    """Return where the level's grid begins on the key-slice grid, in pixels."""
    x, y = job.crop
    return x.start, y.start
