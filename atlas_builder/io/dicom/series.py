"""The CT series that a folder holds."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from atlas_builder.core.errors import InputError
from atlas_builder.io.dicom.frames import SECONDARY_CAPTURE, CtFile, PassedOver, examine_file
from atlas_builder.io.dicom.series_files import SeriesFiles
from atlas_builder.io.dicom.stacks import stacks_of

_MOST_FILES = 50_000


@dataclass(frozen=True)
class FoundSeries:
    """What a folder holds.

    Attributes
    ----------
    stacks : tuple of SeriesFiles
        At least one.
    unplaced : tuple of CtFile
        Files that do not say where their slices lie.
    passed_over : tuple of PassedOver
        Files that were not read, though they look as if they were meant to be slices.
    """

    stacks: tuple[SeriesFiles, ...]
    unplaced: tuple[CtFile, ...]
    passed_over: tuple[PassedOver, ...]


def find_series(path: Path) -> FoundSeries:
    """Return the CT series of a folder with its subfolders, or of a single file, in stacks.

    Files that are not DICOM, other modalities, localizers and secondary captures are passed over.

    Parameters
    ----------
    path : Path
        The folder or the file.

    Returns
    -------
    FoundSeries
        Series in the order in which their first files come by name, stacks as `stacks_of`.

    Raises
    ------
    InputError
        There is none; a file is damaged; a folder or file cannot be read; the folder holds 50,000
        files or more; the files are of several patients.
    """
    examined = [found for file in _files_in(path) if (found := examine_file(file)) is not None]
    passed_over = tuple(one for one in examined if isinstance(one, PassedOver))
    files = [one for one in examined if isinstance(one, CtFile)]
    patients = {file.patient for file in files if file.patient}
    if len(patients) > 1:
        raise InputError(
            f"{path}: DICOM files of {len(patients)} patients; give a folder of one patient"
        )
    unplaced = tuple(file for file in files if file.unplaced)
    groups: dict[str, list[CtFile]] = {}
    for file in files:
        if not file.unplaced:
            groups.setdefault(file.series_uid, []).append(file)
    if not groups:
        _refuse_all(path, unplaced, passed_over)
    stacks: list[SeriesFiles] = []
    for group in groups.values():
        parts = stacks_of(group)
        several = len(parts) > 1
        stacks += [SeriesFiles(part, k if several else None) for k, part in enumerate(parts, 1)]
    return FoundSeries(tuple(stacks), unplaced, passed_over)


def _refuse_all(
    path: Path, unplaced: Sequence[CtFile], passed_over: Sequence[PassedOver]
) -> NoReturn:
    if unplaced:
        raise InputError(
            f"{unplaced[0].path}: does not say where its slice lies; export the series again"
        )
    captures = sum(one.reason == SECONDARY_CAPTURE for one in passed_over)
    if captures:
        raise InputError(
            f"{path}: holds {captures} secondary captures, pictures of a scan without its "
            "positions; export the original series"
        )
    unread = f" ({_named(passed_over)} not read)" if passed_over else ""
    raise InputError(f"{path}: holds no CT slices in DICOM{unread}; give the folder of a head CT")


def unread_in_words(passed_over: Sequence[PassedOver]) -> str:
    """Return which files were not read and why, in one line; empty where all were.

    Parameters
    ----------
    passed_over : sequence of PassedOver
        From `find_series`.

    Returns
    -------
    str
        At most three files are named. Secondary captures are left out: every export has some.
    """
    meant = [one for one in passed_over if one.reason != SECONDARY_CAPTURE]
    return f"{_named(meant)} not read: slices may be missing" if meant else ""


def _named(passed_over: Sequence[PassedOver]) -> str:
    first = ", ".join(f"{one.path.name} ({one.reason})" for one in passed_over[:3])
    more = f" and {len(passed_over) - 3} more" if len(passed_over) > 3 else ""
    count = len(passed_over)
    return f"{count} file{'s' * (count != 1)}: {first}{more}"


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
