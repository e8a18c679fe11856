"""DICOM in: the axial CT series of a head, slice by slice.

Each slice keeps its own affine, so gantry tilt and slice spacing that changes inside a series need
no resampling. The order of slices is that of their positions, from the feet to the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.frames import Frame
from atlas_builder.io.dicom.pixels import read_hu
from atlas_builder.io.dicom.series import (
    SAME_POSITION_MM,
    choose_series,
    find_series,
    position_of,
)
from atlas_builder.io.stacking import remarks_on_stack

_SAME_DIRECTION = 0.01
_SAME_SIZE = 0.001  # of a pixel: a quarter of a millimetre over a head


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
        What was unusual: ``series-chosen``, ``reformatted``, ``contrast``, ``bone-kernel``,
        ``duplicate-slices`` and those of `remarks_on_stack`.
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
        A series number or Series Instance UID. Without it, see `choose_series`.

    Raises
    ------
    InputError
        See `find_series` and `choose_series`; or slices of the series that differ in size, pixel
        size or orientation, or that differ at one position.
    """
    path = Path(path)
    every_series = find_series(path)
    series = choose_series(path, every_series, wanted)
    for file in series.files:
        if file.unplaced:
            raise InputError(
                f"{file.path}: does not say where its slice lies; export the series again"
            )
    first = series.frames[0]
    for frame in series.frames:
        _check_alike(first, frame)
    ordered = sorted(
        series.frames, key=lambda frame: (position_of(first, frame), frame.path, frame.index)
    )
    frames = _without_duplicates(ordered)
    remarks = []
    if len(every_series) > 1 and wanted is None:
        chosen = f"series {series} was taken of {len(every_series)} CT series"
        remarks.append(Flag("series-chosen", chosen))
    remarks += series.remarks
    if len(frames) < len(ordered):
        twice = (
            f"{len(ordered) - len(frames)} slices are stored more than once; one of each is used"
        )
        remarks.append(Flag("duplicate-slices", twice))
    affines = np.stack([frame.affine for frame in frames])
    remarks += remarks_on_stack(affines)
    return DicomSeries(series.number, series.age, tuple(frames), tuple(remarks))


def _check_alike(first: Frame, other: Frame) -> None:
    if first.shape != other.shape:
        raise InputError(
            f"{other.path}: {other.shape[0]} x {other.shape[1]} pixels in a series of "
            f"{first.shape[0]} x {first.shape[1]}; leave slices of one size"
        )
    a, b = (frame.affine[:3, :2] for frame in (first, other))
    a_mm, b_mm = np.linalg.norm(a, axis=0), np.linalg.norm(b, axis=0)
    if not np.allclose(a_mm, b_mm, rtol=_SAME_SIZE):
        raise InputError(
            f"{other.path}: pixels of {b_mm[0]:.3g} x {b_mm[1]:.3g} mm in a series of "
            f"{a_mm[0]:.3g} x {a_mm[1]:.3g} mm; leave slices of one pixel size"
        )
    turned = a / a_mm - b / b_mm
    if np.abs(turned).max() > _SAME_DIRECTION:
        raise InputError(
            f"{other.path}: oriented differently from {first.path} in the same series; leave "
            "slices of one orientation"
        )


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
