"""DICOM folders in: the axial CT series of a head, slice by slice.

Each slice keeps its own affine, so gantry tilt and slice spacing that changes inside a series need
no resampling. The order of slices is that of their positions, from the feet to the head.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.errors import InputError
from atlas_builder.io.dicom_frames import CtFile, Frame, examine_file
from atlas_builder.io.dicom_pixels import read_hu
from atlas_builder.io.scan import Scan

_MOST_TILT = math.radians(30.1)  # CT gantries tilt by up to 30 degrees; headers are rounded
_SAME_POSITION_MM = 0.01
_SAME_DIRECTION = 0.01


@dataclass(frozen=True)
class DicomSeries:
    """The axial series of a folder, its slices in order.

    Attributes
    ----------
    number : str
        The series number.
    frames : tuple of Frame
        The slices from the feet to the head.
    """

    number: str
    frames: tuple[Frame, ...]

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


def read_dicom_scan(folder: Path) -> Scan:
    """Read the axial CT series of a folder in Hounsfield units.

    Parameters
    ----------
    folder : Path
        Searched with its subfolders, see `examine_dicom`.

    Returns
    -------
    Scan
        float32 HU, slices from the feet to the head, each with its own affine.

    Raises
    ------
    InputError
        See `examine_dicom`; or pixels cannot be decoded.
    """
    series = examine_dicom(folder)
    return read_frames(series, range(len(series.frames)))


def read_frames(series: DicomSeries, indices: Sequence[int]) -> Scan:
    """Read some of a series's slices, and only those; see `read_dicom_scan`."""
    return Scan(read_hu([series.frames[index] for index in indices]), series.affines[list(indices)])


def examine_dicom(folder: Path) -> DicomSeries:
    """Find the axial head series of a folder and the order of its slices.

    Files that are not DICOM, other modalities, localizers and secondary captures are passed over.
    Of several axial series, original ones come before derived ones, those without a contrast agent
    before those with one, then the one with the most slices.

    Parameters
    ----------
    folder : Path
        Searched with its subfolders.

    Raises
    ------
    InputError
        No axial CT series, or two with equally many slices; a damaged file; slices of one series
        that differ in size or orientation, or that differ at one position.
    """
    folder = Path(folder)
    series = _choose(folder, _series_of(folder))
    for file in series:
        if file.unplaced:
            raise InputError(
                f"{file.path}: does not say where its slice lies; export the series again"
            )
    frames = _frames(series)
    for frame in frames:
        _check_alike(frames[0], frame)
    ordered = sorted(frames, key=lambda frame: (_position(frames[0], frame), frame.path))
    return DicomSeries(series[0].series_number, tuple(_without_duplicates(ordered)))


def _series_of(folder: Path) -> list[list[CtFile]]:
    """Group the CT files below a folder by series."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder of the DICOM files")
    series: dict[str, list[CtFile]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        file = examine_file(path)
        if file is not None:
            series.setdefault(file.series_uid, []).append(file)
    if not series:
        raise InputError(f"{folder}: holds no CT slices in DICOM; give the folder of a head CT")
    return list(series.values())


def _choose(folder: Path, every_series: Iterable[list[CtFile]]) -> list[CtFile]:
    candidates = [series for series in every_series if _is_axial(series)]
    if not candidates:
        raise InputError(
            f"{folder}: no axial CT series (slices within 30 degrees of the head's axis); give one"
        )
    candidates = _preferring(_is_original, candidates)
    candidates = _preferring(_is_without_contrast, candidates)
    most = max(map(_count_positions, candidates))
    candidates = [series for series in candidates if _count_positions(series) == most]
    if len(candidates) > 1:
        numbers = " and ".join(sorted(series[0].series_number for series in candidates))
        raise InputError(
            f"{folder}: series {numbers} have {most} slices each; leave only the one to use"
        )
    return candidates[0]


def _preferring(
    rule: Callable[[list[CtFile]], bool], candidates: list[list[CtFile]]
) -> list[list[CtFile]]:
    return [series for series in candidates if rule(series)] or candidates


def _frames(series: list[CtFile]) -> list[Frame]:
    return [frame for file in series for frame in file.frames]


def _is_axial(series: list[CtFile]) -> bool:
    frames = _frames(series)
    return bool(frames) and bool(frames[0].affine[2, 2] >= math.cos(_MOST_TILT))


def _is_original(series: list[CtFile]) -> bool:
    return not any("SECONDARY" in frame.image_type for frame in _frames(series))


def _is_without_contrast(series: list[CtFile]) -> bool:
    return not any(file.contrast for file in series)


def _count_positions(series: list[CtFile]) -> int:
    frames = _frames(series)
    positions = sorted(_position(frames[0], frame) for frame in frames)
    return 1 + sum(b - a > _SAME_POSITION_MM for a, b in itertools.pairwise(positions))


def _position(reference: Frame, frame: Frame) -> float:
    """Return a frame's position in mm along the normal of the series, towards the head."""
    return float(reference.affine[:3, 2] @ frame.affine[:3, 3])


def _check_alike(first: Frame, other: Frame) -> None:
    if first.shape != other.shape:
        raise InputError(
            f"{other.path}: {other.shape[0]} x {other.shape[1]} pixels in a series of "
            f"{first.shape[0]} x {first.shape[1]}; leave slices of one size"
        )
    a, b = (frame.affine[:3, :2] for frame in (first, other))
    turned = (a / np.linalg.norm(a, axis=0)) - (b / np.linalg.norm(b, axis=0))
    if np.abs(turned).max() > _SAME_DIRECTION:
        raise InputError(
            f"{other.path}: oriented differently from {first.path.name} in the same series; leave "
            "slices of one orientation"
        )


def _without_duplicates(frames: list[Frame]) -> list[Frame]:
    """Drop slices stored twice; refuse different slices at one position."""
    kept = frames[:1]
    for frame in frames[1:]:
        last = kept[-1]
        if _position(frames[0], frame) - _position(frames[0], last) > _SAME_POSITION_MM:
            kept.append(frame)
            continue
        same_place = np.allclose(frame.affine, last.affine, atol=_SAME_POSITION_MM)
        if not (same_place and np.array_equal(read_hu([frame]), read_hu([last]))):
            raise InputError(
                f"{frame.path}: a different slice than {last.path.name} at the same position; "
                "leave one scan, without repeated or perfusion passes"
            )
    return kept
