"""The pictures and numbers of one participant at one level, as a build's report shows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.construction.fitting import load_fit
from atlas_builder.construction.level import LevelJob
from atlas_builder.core.anatomy import Level, regions_of
from atlas_builder.core.transform import halve, sample
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE
from atlas_builder.reporting.base.outlines import mask_outline, region_outlines
from atlas_builder.reporting.base.pictures import grey_levels, jpeg_uri, radiological

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
class EntryTask:
    """What a participant's entry at one level is made of.

    Attributes
    ----------
    job : LevelJob
        Where the participant's work lies.
    view : View
        What is shown.
    points : ndarray, shape (2, nx, ny)
        As in `LevelBackground`.
    name : str
        The participant's identifier.
    angle_deg, brain_area_cm2, correlation, dice : float
        The numbers.
    correlation_low, dice_low : bool
        Whether they are outliers.
    """

    job: LevelJob
    view: View
    points: NDArray[np.float64]
    name: str
    angle_deg: float
    brain_area_cm2: float
    correlation: float
    dice: float
    correlation_low: bool
    dice_low: bool


def level_entry(task: EntryTask) -> LevelEntry:
    """Make a participant's entry at one level, from the files of the work folder.

    Parameters
    ----------
    task : EntryTask
        Of the participant.

    Returns
    -------
    LevelEntry
    """
    job, view = task.job, task.view
    regions, first = regions_of(job.level), first_pixel(job)
    prepared = job.load(task.name)
    fit = load_fit(job.fits(job.iterations) / f"{task.name}.npz")
    on_atlas = np.asarray(sample(fit.warped, job.grid, task.points), np.float32)
    carried = np.load(job.carried(task.name), allow_pickle=False)
    head = prepared.head[view.x : view.x + view.width, view.y : view.y + view.height]
    return LevelEntry(
        job.level,
        view,
        jpeg_uri(radiological(head)),
        jpeg_uri(radiological(grey_levels(halve(on_atlas)))),
        mask_outline(prepared.image != 0, first),
        region_outlines(prepared.labels, regions, first),
        region_outlines(carried, regions, first),
        task.angle_deg,
        task.brain_area_cm2,
        task.correlation,
        task.dice,
        task.correlation_low,
        task.dice_low,
    )


def first_pixel(job: LevelJob) -> tuple[int, int]:
    """Return where a level's grid begins on the key-slice grid.

    Parameters
    ----------
    job : LevelJob
        Of the level.

    Returns
    -------
    tuple of int
        In pixels.
    """
    x, y = job.crop
    return x.start, y.start
