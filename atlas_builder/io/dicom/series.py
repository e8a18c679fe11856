"""Which of a folder's DICOM series is the plain axial CT of the head."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.io.dicom.frames import CtFile, Frame, examine_file

SAME_POSITION_MM = 0.01
"""How far apart two slices may lie and yet be at one position."""

_MOST_FILES = 50_000
_MOST_TILT = math.radians(30.1)  # CT gantries tilt by up to 30 degrees; headers are rounded
_DERIVED = {"SECONDARY", "REFORMATTED", "MPR", "MIP", "PROJECTION IMAGE"}
_BRAIN_MM = 120.0
_COMPARABLE = 0.8
_USUAL_SPACING_MM = 5.0
_SAME_SPACING_MM = 0.5


@dataclass(frozen=True)
class SeriesFiles:
    """The CT files of one series.

    Attributes
    ----------
    files : tuple of CtFile
        At least one.
    """

    files: tuple[CtFile, ...]

    @property
    def number(self) -> str:
        """The series number."""
        return self.files[0].series_number

    @property
    def uid(self) -> str:
        """The Series Instance UID."""
        return self.files[0].series_uid

    @property
    def age(self) -> float | None:
        """The patient's age in years, where the files that state one agree."""
        ages = {file.age for file in self.files if file.age is not None}
        return ages.pop() if len(ages) == 1 else None

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The frames of all files."""
        return tuple(frame for file in self.files for frame in file.frames)

    @cached_property
    def positions(self) -> tuple[float, ...]:
        """Different positions along the normal in mm, towards the head."""
        heights = sorted(position_of(self.frames[0], frame) for frame in self.frames)
        apart = (b for a, b in itertools.pairwise(heights) if b - a > SAME_POSITION_MM)
        return (*heights[:1], *apart)

    @property
    def extent(self) -> float:
        """How much of the body is covered, in mm from the first slice to the last."""
        return self.positions[-1] - self.positions[0]

    @property
    def spacing(self) -> float:
        """The usual distance between slices in mm, 0 for a single slice."""
        return float(np.median(np.diff(self.positions))) if len(self.positions) > 1 else 0.0

    @property
    def is_axial(self) -> bool:
        """Whether its slices lie within 30 degrees of the body's axial plane."""
        return bool(self.frames) and bool(self.frames[0].affine[2, 2] >= math.cos(_MOST_TILT))

    @property
    def is_original(self) -> bool:
        """Whether it holds slices as reconstructed, not reformatted or projected ones."""
        return not any(_DERIVED.intersection(frame.image_type) for frame in self.frames)

    @property
    def is_without_contrast(self) -> bool:
        """Whether no header names a contrast agent."""
        return not any(file.contrast for file in self.files)

    @property
    def is_for_bone(self) -> bool:
        """Whether it was reconstructed, or is meant to be displayed, for bone."""
        return any(file.sharp for file in self.files)

    @property
    def remarks(self) -> tuple[Flag, ...]:
        """What keeps it from being plain CT: ``reformatted``, ``contrast``, ``bone-kernel``."""
        remarks = []
        if not self.is_original:
            reason = "the header speaks of reformatted slices, not those of the scanner"
            remarks.append(Flag("reformatted", reason))
        if not self.is_without_contrast:
            reason = "the header speaks of a contrast agent; densities are not those of plain CT"
            remarks.append(Flag("contrast", reason))
        if self.is_for_bone:
            reason = "the series was made for bone; noise hides differences between the sides"
            remarks.append(Flag("bone-kernel", reason))
        return tuple(remarks)

    def __str__(self) -> str:
        """Describe the series by what identifies no patient."""
        count = len(self.positions)
        words = [f"{count} slice{'s' * (count != 1)}"]
        if self.spacing:
            words[0] += f" of {self.spacing:.3g} mm"
        words += [remark.code.replace("-", " ") for remark in self.remarks]
        return f"{self.number} ({', '.join(words)})"


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


def find_series(path: Path) -> list[SeriesFiles]:
    """Return the CT series of a folder with its subfolders, or of a single file.

    Files that are not DICOM, other modalities, localizers and secondary captures are passed over.

    Parameters
    ----------
    path : Path
        The folder or the file.

    Returns
    -------
    list of SeriesFiles
        In the order in which their first files come by name; at least one.

    Raises
    ------
    InputError
        There is none; a file is damaged; a folder or file cannot be read; the folder holds 50,000
        files or more; the files are of several patients.
    """
    groups: dict[str, list[CtFile]] = {}
    for file in filter(None, map(examine_file, _files_in(path))):
        groups.setdefault(file.series_uid, []).append(file)
    if not groups:
        raise InputError(f"{path}: holds no CT slices in DICOM; give the folder of a head CT")
    patients = {file.patient for files in groups.values() for file in files if file.patient}
    if len(patients) > 1:
        raise InputError(
            f"{path}: DICOM files of {len(patients)} patients; give a folder of one patient"
        )
    return [SeriesFiles(tuple(files)) for files in groups.values()]


def choose_series(
    path: Path, every_series: Sequence[SeriesFiles], wanted: str | None = None
) -> SeriesFiles:
    """Choose the axial series of the head without contrast.

    Of several axial series the choice falls on those of the head, then the original ones, those
    without contrast, those that cover most of a brain, those not made for bone, and those with a
    spacing nearest to 5 mm, at which ASPECTS is usually read; each rule where it leaves any.

    Parameters
    ----------
    path : Path
        For messages.
    every_series : sequence of SeriesFiles
        From `find_series`.
    wanted : str, optional
        A series number or Series Instance UID, which overrides the rules.

    Raises
    ------
    InputError
        No axial series; none, or several, of the number wanted; or several that the rules do not
        tell apart.
    """
    candidates = [series for series in every_series if series.is_axial]
    if wanted is not None:
        return _wanted(path, candidates, wanted.strip())
    if not candidates:
        raise InputError(
            f"{path}: no axial CT series (slices within 30 degrees of the head's axis); give one"
        )
    candidates = _preferring(lambda series: any(file.head for file in series.files), candidates)
    candidates = _preferring(lambda series: series.is_original, candidates)
    candidates = _preferring(lambda series: series.is_without_contrast, candidates)
    candidates = _covering_most(candidates)
    candidates = _preferring(lambda series: not series.is_for_bone, candidates)
    nearest = min(abs(series.spacing - _USUAL_SPACING_MM) for series in candidates)
    candidates = _preferring(
        lambda series: abs(series.spacing - _USUAL_SPACING_MM) <= nearest + _SAME_SPACING_MM,
        candidates,
    )
    if len(candidates) > 1:
        raise InputError(
            f"{path}: several series could be meant: {_listed(candidates)}; choose one with "
            "--series NUMBER, or leave only that one"
        )
    return candidates[0]


def _files_in(path: Path) -> list[Path]:
    try:
        if not path.exists():
            raise InputError(f"{path}: no such folder; give the folder of the DICOM files")
        if path.is_file():
            return [path]
        files = sorted(itertools.islice(_files_below(path), _MOST_FILES))
    except OSError as error:
        raise InputError(
            f"{error.filename or path}: cannot be read ({error.strerror}); check access"
        ) from error
    if len(files) == _MOST_FILES:
        raise InputError(f"{path}: holds {_MOST_FILES} files or more; give the scan's own folder")
    return files


def _files_below(folder: Path) -> Iterator[Path]:
    """Find the files of a folder and its subfolders; one passed over could hold missing slices."""

    def refuse(error: OSError) -> None:
        raise error

    for inside, _, names in os.walk(folder, onerror=refuse):
        yield from (file for name in names if (file := Path(inside, name)).is_file())


def _wanted(path: Path, candidates: list[SeriesFiles], wanted: str) -> SeriesFiles:
    found = [series for series in candidates if wanted in (series.number, series.uid)]
    if not found:
        raise InputError(
            f"{path}: no axial CT series {wanted}; there are: {_listed(candidates) or 'none'}"
        )
    if len(found) > 1:
        raise InputError(
            f"{path}: {len(found)} series have the number {wanted}; give the Series Instance UID "
            "instead, or leave only one of them"
        )
    return found[0]


def _preferring(
    rule: Callable[[SeriesFiles], bool], candidates: list[SeriesFiles]
) -> list[SeriesFiles]:
    return [series for series in candidates if rule(series)] or candidates


def _covering_most(candidates: list[SeriesFiles]) -> list[SeriesFiles]:
    """Keep the series that cover about as much of a brain as any; the neck counts for nothing."""
    covered = [min(series.extent, _BRAIN_MM) for series in candidates]
    least = _COMPARABLE * max(covered)
    return [series for series, mm in zip(candidates, covered, strict=True) if mm >= least]


def _listed(candidates: Iterable[SeriesFiles]) -> str:
    return "; ".join(sorted(map(str, candidates)))
