"""DICOM in: the axial CT series of a head, slice by slice.

Each slice keeps its own affine, so gantry tilt and slice spacing that changes inside a series need
no resampling. The order of slices is that of their positions, from the feet to the head.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.frames import Frame
from atlas_builder.io.dicom.pixels import read_hu
from atlas_builder.io.dicom.series import FoundSeries, find_series, unread_in_words
from atlas_builder.io.dicom.series_choice import choose_series
from atlas_builder.io.dicom.series_files import SeriesFiles
from atlas_builder.io.dicom.stacks import SAME_POSITION_MM, position_of
from atlas_builder.io.stacking import remarks_on_stack

_LEAST_PASS = 4  # fewer slices are odd ones of a stack, not another one


@dataclass(frozen=True)
class DicomSeries:
    """An axial series, its slices in order.

    Attributes
    ----------
    number : str
        The series number.
    age : float or None
        The patient's age in years as the header states it, None where it does not.
    frames : tuple of Frame
        The slices from the feet to the head.
    remarks : tuple of Flag
        What was unusual: ``series-chosen``, ``acquisition-chosen``, ``slices-set-aside``,
        ``files-not-read``, those of `SeriesFiles.remarks`, ``duplicate-slices`` and those of
        `remarks_on_stack`.
    """

    number: str
    age: float | None
    frames: tuple[Frame, ...]
    remarks: tuple[Flag, ...]

    @property
    def affines(self) -> NDArray[np.float64]:
        """The affine of each slice, shape (slices, 4, 4), as in `Scan`."""
        return np.stack([frame.affine for frame in self.frames])

    @property
    def slice_shape(self) -> tuple[int, int]:
        """The number of columns and rows of a slice in the layout of `Slice`."""
        frame = self.frames[0]
        columns, rows = frame.shape
        return (rows, columns) if frame.in_plane.transposed else (columns, rows)


def read_dicom_scan(path: Path) -> Scan:
    """Read the axial CT series of a folder in Hounsfield units.

    Parameters
    ----------
    path : Path
        See `examine_dicom`.

    Returns
    -------
    Scan
        float32 HU, slices from the feet to the head, each with its own affine.

    Raises
    ------
    InputError
        See `examine_dicom`; or pixels cannot be decoded.
    """
    series = examine_dicom(path)
    return read_frames(series, range(len(series.frames)))


def read_frames(series: DicomSeries, indices: Sequence[int]) -> Scan:
    """Read some of a series's slices, and only those; see `read_dicom_scan`."""
    return Scan(read_hu([series.frames[index] for index in indices]), series.affines[list(indices)])


def examine_dicom(path: Path, wanted: str | None = None) -> DicomSeries:
    """Find the axial head series of a folder and the order of its slices.

    Parameters
    ----------
    path : Path
        A folder, searched with its subfolders, or a multi-frame file; see `find_series`.
    wanted : str, optional
        See `choose_series`.

    Raises
    ------
    InputError
        See `find_series` and `choose_series`; or slices that differ at one position.
    """
    path = Path(path)
    found = find_series(path)
    series = choose_series(path, found.stacks, wanted)
    first = series.frames[0]
    ordered = sorted(
        series.frames, key=lambda frame: (position_of(first, frame), frame.path, frame.index)
    )
    frames = _without_duplicates(ordered)
    remarks = [*_remarks_on_choice(found, series, wanted), *series.remarks]
    if len(frames) < len(ordered):
        twice = (
            f"{len(ordered) - len(frames)} slices are stored more than once; one of each is used"
        )
        remarks.append(Flag("duplicate-slices", twice))
    affines = np.stack([frame.affine for frame in frames])
    remarks += remarks_on_stack(affines)
    return DicomSeries(series.name, series.age, tuple(frames), tuple(remarks))


def _remarks_on_choice(
    found: FoundSeries, series: SeriesFiles, wanted: str | None
) -> Iterator[Flag]:
    """Say what else the folder holds, and what was not used."""
    count = len({one.uid for one in found.stacks})
    if count > 1 and wanted is None:
        yield Flag("series-chosen", f"series {series} was taken of {count} CT series")
    beside = [one for one in found.stacks if one.uid == series.uid and one is not series]
    passes = [one for one in beside if len(one.positions) >= _LEAST_PASS]
    if passes and wanted not in (series.name, f"{series.uid}/{series.part}"):
        yield Flag(
            "acquisition-chosen",
            f"series {series.number} holds {len(passes) + 1} stacks of slices: {series} was taken, "
            f"not {'; '.join(map(str, passes))}",
        )
    unplaced = sum(file.series_uid == series.uid for file in found.unplaced)
    odd = sum(len(one.frames) for one in beside if one not in passes)
    if unplaced or odd:
        kinds = [f"{odd} of another grid, orientation or pass"] * bool(odd)
        kinds += [f"{unplaced} without a position"] * bool(unplaced)
        yield Flag(
            "slices-set-aside",
            f"{odd + unplaced} images of series {series.number} were set aside: "
            f"{' and '.join(kinds)}",
        )
    unread = unread_in_words(found.passed_over)
    if unread:
        yield Flag("files-not-read", unread)


def _without_duplicates(frames: list[Frame]) -> list[Frame]:
    """Drop slices stored twice; refuse different slices at one position."""
    kept = frames[:1]
    for frame in frames[1:]:
        last = kept[-1]
        if position_of(frames[0], frame) - position_of(frames[0], last) > SAME_POSITION_MM:
            kept.append(frame)
            continue
        same_place = np.allclose(frame.affine, last.affine, atol=SAME_POSITION_MM)
        if not (same_place and np.array_equal(read_hu([frame]), read_hu([last]))):
            raise InputError(
                f"{frame.path}: a different slice than {last.path} at the same position; "
                "leave one scan, without repeated or perfusion passes"
            )
    return kept
