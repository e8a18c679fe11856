"""Checks of drawn ASPECTS regions: the slices they lie on, and that both sides are complete."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import LEVELS, SIDES, Level, Region, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Slice

_MOST_ROTATION = 45  # degrees in the plane
_CLEARANCE_MM = 2  # no region comes nearer to the midline
_STRAY_SHARE = 0.05
_COST_OF_A_MM = 0.01  # off the middle of the regions, against the share of uneven area
_ABSENT_SHARE = 0.05


def find_key_slices(path: Path, labels: NDArray[np.generic]) -> dict[Level, int]:
    """Find the slice that carries the regions of each level.

    Parameters
    ----------
    path : Path
        The labels' file, for messages.
    labels : ndarray, shape (columns, rows, slices)
        Label values 0-10.

    Returns
    -------
    dict
        The slice index of each level.

    Raises
    ------
    InputError
        A level is on no slice or on several, or a slice carries regions of both levels.
    """
    slices: dict[Level, list[int]] = {level: [] for level in LEVELS}
    for index in np.flatnonzero(labels.any(axis=(0, 1))):
        slices[level_of(path, labels[:, :, index], f"slice {index}")].append(int(index))
    for level, indices in slices.items():
        if not indices:
            raise InputError(
                f"{path}: no slice carries {level} labels ({_names(regions_of(level))}); draw them"
            )
        if len(indices) > 1:
            raise InputError(
                f"{path}: {level} labels on {len(indices)} slices ({indices[0]} to {indices[-1]}); "
                "keep those on the key slice"
            )
    return {level: indices[0] for level, indices in slices.items()}


def level_of(path: Path, labels: NDArray[np.generic], where: str) -> Level:
    """Return the level that the regions on one slice belong to.

    Parameters
    ----------
    path : Path
        The labels' file, for messages.
    labels : ndarray, shape (columns, rows)
        Label values 0-10 of one slice; any integer type.
    where : str
        What to call the slice in messages, such as ``slice 12``.

    Returns
    -------
    {'BGL', 'SGL'}

    Raises
    ------
    InputError
        There is no region, or there are regions of both levels.
    """
    regions = [Region(int(value)) for value in np.unique(labels) if value]
    levels = {region.level for region in regions}
    if not levels:
        raise InputError(f"{path}: {where} carries no label; draw the regions")
    if len(levels) > 1:
        raise InputError(
            f"{path}: {where} carries regions of both levels ({_names(regions)}); keep BGL regions "
            "on one slice and SGL regions on the other"
        )
    return levels.pop()


def check_complete(path: Path, level: Level, labels: Slice) -> None:
    """Refuse a level that lacks a region on one side or both.

    A region counts as absent on a side where it has less than a twentieth of its area on the other.

    Parameters
    ----------
    path : Path
        The labels' file, for messages.
    level : {'BGL', 'SGL'}
        The level drawn on the slice.
    labels : Slice
        Label values of that level.

    Raises
    ------
    InputError
        Regions are missing; the message names them and the side.
    """
    pixels = np.argwhere(labels.data)
    values = labels.data[tuple(pixels.T)]
    towards_left = distance_from_midline(pixels * np.array(labels.spacing), values)
    missing = []
    for region in regions_of(level):
        on_left = int(np.count_nonzero(towards_left[values == region] > 0))
        areas = {"left": on_left, "right": int(np.count_nonzero(values == region)) - on_left}
        enough = max(1.0, _ABSENT_SHARE * max(areas.values()))
        absent = [side for side in SIDES if areas[side] < enough]
        if absent:
            missing.append(f"{region.name} on the {' and the '.join(absent)}")
    if missing:
        raise InputError(
            f"{path}: {level} lacks {', '.join(missing)}; draw every region of the level"
        )


def distance_from_midline(
    points: NDArray[np.float64], values: NDArray[np.generic]
) -> NDArray[np.float64]:
    """Tell the sides of drawn regions apart, wherever the head lies and however it is turned.

    The midline is taken as the straight line that halves the regions most evenly and lies in the
    middle between the two parts of each, among the lines that have next to nothing of any region
    beside them: the regions of the middle cerebral artery leave a strip along the midline free.
    So a region that is missing on one side does not draw the line into its counterpart, and
    labels of one hemisphere all fall on one side of it.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        Positions of labelled pixels in mm, towards the patient's left and towards the back.
    values : ndarray, shape (n,)
        Their labels.

    Returns
    -------
    ndarray, shape (n,)
        Distance from the midline in mm, positive on the patient's left.
    """
    regions, region_index = np.unique(values, return_inverse=True)
    least, best = np.inf, np.zeros(len(points))
    for angle in np.radians(np.arange(-_MOST_ROTATION, _MOST_ROTATION + 1, 3)):
        across = points @ np.array([np.cos(angle), np.sin(angle)])
        start = across.min() - 2 * _CLEARANCE_MM
        bins = (across - start).astype(np.intp)  # of 1 mm
        width = int(bins.max()) + 1 + 2 * _CLEARANCE_MM
        counts = np.bincount(region_index * width + bins, minlength=len(regions) * width)
        cost = _costs_of_lines(counts.reshape(len(regions), width))
        place = int(np.argmin(cost))
        if cost[place] < least:
            least, best = float(cost[place]), across - (start + place + _CLEARANCE_MM)
    return best


def _costs_of_lines(counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Rate parallel lines as midlines.

    Parameters
    ----------
    counts : ndarray, shape (regions, width)
        Pixels of each region in strips of 1 mm.

    Returns
    -------
    ndarray
        The cost of the lines between strips, the outermost `_CLEARANCE_MM` lines left out.
    """
    width = counts.shape[1]
    lines = np.arange(_CLEARANCE_MM, width + 1 - _CLEARANCE_MM)
    up_to = np.pad(counts.cumsum(axis=1), ((0, 0), (1, 0)))
    moment = np.pad((counts * (np.arange(width) + 0.5)).cumsum(axis=1), ((0, 0), (1, 0)))
    area, right = up_to[:, -1:], up_to[:, lines]
    left = area - right
    share = area / area.sum()
    uneven = (share * np.abs(left - right) / area).sum(axis=0)
    # The middle between the two parts of a region; a region on one side only has none.
    middle = 0.5 * (
        moment[:, lines] / np.maximum(right, 1)
        + (moment[:, -1:] - moment[:, lines]) / np.maximum(left, 1)
    )
    off_centre = (share * np.abs(middle - lines) * ((left > 0) & (right > 0))).sum(axis=0)
    beside = (up_to[:, lines + _CLEARANCE_MM] - up_to[:, lines - _CLEARANCE_MM]) / area
    cost: NDArray[np.float64] = uneven + _COST_OF_A_MM * off_centre
    return np.where(beside.max(axis=0) <= _STRAY_SHARE, cost, np.inf)


def _names(regions: Iterable[Region]) -> str:
    return ", ".join(region.name for region in regions)
