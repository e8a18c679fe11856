"""The stacks of slices that one series holds: one acquisition each, of one grid.

Exports put under one Series Instance UID what a scanner made in one go, and more: a second pass,
a reformatted view, a page about the dose. What cannot be one stack by its identifiers or its grid
is told apart first. The rest is told apart by acquisition number, by time, and by where times or
instance numbers go back to the start, but only where such parts overlap in height: heads are
scanned in parts, skull base and vertex with slices of their own, which are one stack.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atlas_builder.io.dicom.frames import CtFile, Frame

SAME_POSITION_MM = 0.01
"""How far apart two slices may lie and yet be at one position."""

REFORMATTED = {"SECONDARY", "REFORMATTED", "MPR", "MIP", "PROJECTION IMAGE"}
"""Values of Image Type of slices that are not the scanner's own."""

_SAME_DIRECTION = 0.01
_SAME_SIZE = 0.001  # of a pixel: a quarter of a millimetre over a head
_CLOSER = 0.8  # slices of two acquisitions lie so much closer together than those of one
_LEAST_SHARED, _LEAST_SHARE = 2, 0.25  # parts of one scan may overlap by a slice
_JUMP = 1.5  # of the usual step: a jump back begins another pass

Files = tuple[CtFile, ...]


def position_of(reference: Frame, frame: Frame) -> float:
    """Return a frame's position along the normal of another.

    Parameters
    ----------
    reference : Frame
        Whose unit normal is used; it points to the head.
    frame : Frame
        Whose position is measured.

    Returns
    -------
    float
        In mm from the scanner's origin, growing towards the head.
    """
    return float(reference.affine[:3, 2] @ frame.affine[:3, 3])


def stacks_of(files: Sequence[CtFile]) -> list[Files]:
    """Separate the files of one series into stacks.

    Parameters
    ----------
    files : sequence of CtFile
        Of one Series Instance UID, each with a frame whose place is known.

    Returns
    -------
    list of tuple of CtFile
        In the order of acquisition.
    """
    studies, frames_of_reference = (
        [getattr(file.acquisition, name) for file in files]
        for name in ("study", "frame_of_reference")
    )

    def identity(file: CtFile) -> Hashable:
        image_type = file.frames[0].image_type
        return (
            _telling(file.acquisition.study, studies),
            _telling(file.acquisition.frame_of_reference, frames_of_reference),
            file.contrast,
            file.spectral,
            bool(REFORMATTED.intersection(image_type)),
        )

    stacks = [
        stack
        for same in _grouped(files, identity)
        for alike in _of_one_grid(same)
        for stack in _acquisitions(alike)
    ]
    return sorted(stacks, key=lambda stack: min(map(_in_time, stack)))


def _telling(identifier: str, of_all: Sequence[str]) -> str:
    """Return an identifier, or nothing where an export gave every slice one of its own."""
    return "" if len(set(of_all)) == len(of_all) else identifier


def is_alike(first: Frame, other: Frame) -> bool:
    """Tell whether two slices have one size, pixel size and orientation.

    Parameters
    ----------
    first, other : Frame
        Of one series.

    Returns
    -------
    bool
    """
    if first.shape != other.shape:
        return False
    a, b = (frame.affine[:3, :2] for frame in (first, other))
    a_mm, b_mm = np.linalg.norm(a, axis=0), np.linalg.norm(b, axis=0)
    same_size = np.allclose(a_mm, b_mm, rtol=_SAME_SIZE)
    return bool(same_size and np.abs(a / a_mm - b / b_mm).max() <= _SAME_DIRECTION)


def _of_one_grid(files: Files) -> list[Files]:
    found: list[list[CtFile]] = []
    for file in files:
        for group in found:
            if is_alike(group[0].frames[0], file.frames[0]):
                group.append(file)
                break
        else:
            found.append([file])
    return [tuple(group) for group in found]


def _acquisitions(files: Files) -> list[Files]:
    """Separate the passes over a head; each attribute is asked where those before tell nothing."""
    in_time, by_number = (
        _runs(files, key)
        for key in (
            lambda file: file.acquisition.time or None,
            lambda file: file.acquisition.instance,
        )
    )
    keys: list[Callable[[CtFile], Hashable]] = [
        lambda file: file.acquisition.number,
        lambda file: file.acquisition.time,
        lambda file: in_time.get(id(file)),
        lambda file: by_number.get(id(file)),
    ]
    for key in keys:
        stacks: list[Files] = []
        for part in sorted(_grouped(files, key), key=lambda part: min(map(_in_time, part))):
            for place, stack in enumerate(stacks):
                if not _are_passes(stack, part):
                    stacks[place] = (*stack, *part)
                    break
            else:
                stacks.append(part)
        if len(stacks) > 1:
            return stacks
    return [files]


def _are_passes(one: Files, other: Files) -> bool:
    """Tell whether two parts are passes over the same part of a head."""
    reference = one[0].frames[0]
    first, second = (_heights(part, reference) for part in (one, other))
    low, high = max(first[0], second[0]), min(first[-1], second[-1])
    shared = [
        part[(part >= low - SAME_POSITION_MM) & (part <= high + SAME_POSITION_MM)]
        for part in (first, second)
    ]
    fewest = min(len(part) for part in shared)
    if fewest == 0:
        return False
    closest = np.abs(shared[0][:, np.newaxis] - shared[1]).min()
    if min(len(first), len(second)) == 1:
        return bool(closest <= SAME_POSITION_MM)
    if fewest < max(_LEAST_SHARED, _LEAST_SHARE * min(len(first), len(second))):
        return False
    together = float(np.mean(np.diff(np.sort(np.concatenate(shared)))))
    alone = min(float(np.mean(np.diff(part))) for part in shared)
    # Odd and even slices may be taken one after the other: together they are as far apart as
    # they are thick.
    thick = [f.acquisition.thickness_mm for f in (*one, *other) if f.acquisition.thickness_mm]
    apart = min(alone, float(np.median(thick))) if thick else alone
    return together < _CLOSER * apart


def _runs(files: Files, order: Callable[[CtFile], Any]) -> dict[int, int]:
    """Return the pass along the head that each file belongs to, in an order; none if unknown."""
    if len(files) < 2 or any(order(file) is None for file in files):
        return {}
    ordered = sorted(files, key=order)
    reference = files[0].frames[0]
    steps = np.diff([position_of(reference, file.frames[0]) for file in ordered])
    moving = steps[np.abs(steps) > SAME_POSITION_MM]
    if not len(moving):
        return {}
    usual = float(np.median(moving))
    starts = itertools.accumulate(
        (bool(step * usual < 0 and abs(step) > _JUMP * abs(usual)) for step in steps), initial=0
    )
    return {id(file): run for file, run in zip(ordered, starts, strict=True)}


def _heights(files: Files, reference: Frame) -> NDArray[np.float64]:
    return np.sort([position_of(reference, frame) for file in files for frame in file.frames])


def _grouped(files: Sequence[CtFile], key: Callable[[CtFile], Hashable]) -> list[Files]:
    groups: dict[Hashable, list[CtFile]] = {}
    for file in files:
        groups.setdefault(key(file), []).append(file)
    return [tuple(group) for group in groups.values()]


def _in_time(file: CtFile) -> tuple[str, float, float]:
    taken = file.acquisition
    number = float(taken.number) if taken.number.lstrip("-").isdigit() else 0.0
    return taken.time, number, taken.instance or 0.0
