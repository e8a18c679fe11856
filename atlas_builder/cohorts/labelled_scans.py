"""Cohorts: who takes part, and each participant's two key slices with their drawn regions.

A cohort is a folder with ``participants.tsv`` and one folder a participant, in either form::

    sub-XX/sub-XX_ct.nii.gz                            or  sub-XX/dicom/
    sub-XX/sub-XX_rater-NAME_labels.nii.gz             labels on two slices

    sub-XX/sub-XX_level-BGL_ct.nii.gz                  one slice each, and the same for SGL
    sub-XX/sub-XX_level-BGL_rater-NAME_labels.nii.gz

``.nii`` is read as well as ``.nii.gz``. Names follow BIDS, see https://bids.neuroimaging.io.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atlas_builder.cohorts.drawn_regions import check_complete, find_key_slices, level_of
from atlas_builder.cohorts.grids import Grid, match_slices
from atlas_builder.cohorts.participants import (
    Participant,
    Refusal,
    can_name_files,
    read_participants,
)
from atlas_builder.core.anatomy import LEVELS, Level
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan, Slice
from atlas_builder.io.dicom.scans import DicomSeries, examine_dicom, read_frames
from atlas_builder.io.nifti.images import read_labels, read_slices
from atlas_builder.io.nifti.storage import Storage, examine

__all__ = [
    "LabelledScan",
    "LabelledSlice",
    "Participant",
    "Refusal",
    "read_labelled_scan",
    "read_labelled_slices",
    "read_participants",
]

SIMULATION = "simulation.json"
"""The file that tells a simulated cohort from one of patients, and how it was made."""


@dataclass(frozen=True)
class LabelledSlice:
    """A key slice and the regions drawn on it, pixel for pixel.

    Attributes
    ----------
    ct : Slice
        float32 HU.
    labels : Slice
        uint8 labels 0-10, the same value on both sides, with the affine of `ct`.
    """

    ct: Slice
    labels: Slice


@dataclass(frozen=True)
class LabelledScan:
    """A whole scan and which of its slices carry regions.

    Attributes
    ----------
    scan : Scan
        float32 HU, every slice in file order.
    key_slices : dict
        The index of the slice that each level is drawn on.
    """

    scan: Scan
    key_slices: dict[Level, int]


def read_simulation(cohort: Path) -> dict[str, object] | None:
    """Return how a simulated cohort was made; None where the cohort is one of patients.

    Parameters
    ----------
    cohort : Path
        The cohort's folder.

    Returns
    -------
    dict or None
        The content of ``simulation.json``.

    Raises
    ------
    InputError
        The cohort's description is not JSON.
    """
    path = Path(cohort) / SIMULATION
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path}: cannot be read as JSON; simulate the cohort again")
    return found


def read_labelled_slices(participant: Participant, rater: str) -> dict[Level, LabelledSlice]:
    """Read a participant's key slices with the regions that one rater drew.

    Parameters
    ----------
    participant : Participant
        From `read_participants`.
    rater : str
        Whose labels, such as ``expert``.

    Returns
    -------
    dict
        The key slice of each level.

    Raises
    ------
    InputError
        A file is missing, damaged or there twice; labels lie on another grid than the scan (see
        `match_slices`), hold other values than 0-10, or lack a region on one side. The message
        names files relative to the cohort.
    """
    folder = participant.folder
    if not can_name_files(rater):
        raise InputError(f"rater {rater!r}: cannot be part of a file name; use letters and digits")
    with _naming_files_from(folder.parent):
        volume = _find(folder, f"rater-{rater}_labels")
        by_level = {level: _find(folder, f"level-{level}_rater-{rater}_labels") for level in LEVELS}
        if volume is None:
            if not any(by_level.values()):
                raise InputError(
                    f"{folder / folder.name}_rater-{rater}_labels.nii.gz: no such file, nor labels "
                    "per level; add this rater's labels"
                )
            return {level: _from_level(folder, level, rater) for level in LEVELS}
        if any(by_level.values()):
            raise InputError(
                f"{volume}: there are labels per level of the same rater too; keep one form"
            )
        return _from_volume(folder, volume)


def read_labelled_scan(participant: Participant, rater: str) -> LabelledScan:
    """Read a participant's whole scan, and which of its slices one rater chose as key slices.

    Parameters
    ----------
    participant : Participant
        From `read_participants`.
    rater : str
        Whose labels, such as ``expert``; regions may be missing as long as each level has some.

    Raises
    ------
    InputError
        As for `read_labelled_slices`; or the participant has key slices of their own and no whole
        scan.
    """
    folder = participant.folder
    if not can_name_files(rater):
        raise InputError(f"rater {rater!r}: cannot be part of a file name; use letters and digits")
    with _naming_files_from(folder.parent):
        labels_path = _find(folder, f"rater-{rater}_labels")
        if labels_path is None:
            if any(_find(folder, f"level-{level}_rater-{rater}_labels") for level in LEVELS):
                raise InputError(
                    f"{folder}: holds key slices alone, no whole scan; add "
                    f"{folder.name}_ct.nii.gz with its labels {folder.name}_rater-{rater}"
                    "_labels.nii.gz"
                )
            raise InputError(
                f"{folder / folder.name}_rater-{rater}_labels.nii.gz: no such file; add this "
                "rater's labels"
            )
        source, labels = _examine_scan(folder), read_labels(labels_path)
        drawn = find_key_slices(labels_path, labels.data)
        key_slices = _place(labels_path, labels, drawn, source)
        indices = range(len(source.affines))
        if isinstance(source, Storage):
            return LabelledScan(read_slices(source, indices), key_slices)
        return LabelledScan(read_frames(source, indices), key_slices)


@contextmanager
def _naming_files_from(cohort: Path) -> Iterator[None]:
    """Make messages name files relative to the cohort."""
    try:
        yield
    except (InputError, OSError) as error:
        raise InputError(str(error).replace(f"{cohort}{os.sep}", "")) from error


def _find(folder: Path, ending: str) -> Path | None:
    """Find a participant's image by the end of its name; None where there is none."""
    paths = [folder / f"{folder.name}_{ending}{suffix}" for suffix in (".nii.gz", ".nii")]
    found = [path for path in paths if path.exists()]
    if len(found) > 1:
        raise InputError(f"{found[0]}: there is {found[1].name} too; keep one of them")
    return found[0] if found else None


def _require(folder: Path, ending: str) -> Path:
    path = _find(folder, ending)
    if path is None:
        raise InputError(f"{folder / folder.name}_{ending}.nii.gz: no such file; add it")
    return path


def _from_volume(folder: Path, labels_path: Path) -> dict[Level, LabelledSlice]:
    """Read the two key slices of a 3-D scan, and only those."""
    source = _examine_scan(folder)
    labels = read_labels(labels_path)
    drawn = find_key_slices(labels_path, labels.data)
    placed = _place(labels_path, labels, drawn, source)
    indices = [placed[level] for level in LEVELS]
    if isinstance(source, Storage):
        scan = read_slices(source, indices)
    else:
        scan = read_frames(source, indices)
    return {
        level: _labelled(labels_path, level, scan[place], labels[drawn[level]])
        for place, level in enumerate(LEVELS)
    }


def _place(
    labels_path: Path, labels: Scan, drawn: dict[Level, int], source: Storage | DicomSeries
) -> dict[Level, int]:
    """Return the scan's slices that the labels' slices drawn on lie on."""
    placed = match_slices(
        labels_path, _grid_of(labels), Grid(source.slice_shape, source.affines), drawn.values()
    )
    found = {level: placed[index] for level, index in drawn.items()}
    heights = {level: source.affines[index, 2, 3] for level, index in found.items()}
    if heights["BGL"] >= heights["SGL"]:
        raise InputError(
            f"{labels_path}: the SGL slice lies below the BGL slice; the scan is upside down or "
            "the regions are mixed up, correct the files"
        )
    return found


def _examine_scan(folder: Path) -> Storage | DicomSeries:
    path, dicom = _find(folder, "ct"), folder / "dicom"
    if path is not None and dicom.exists():
        raise InputError(f"{path}: there is {dicom.name}/ too; keep one of them")
    if path is None and dicom.exists():
        return examine_dicom(dicom)
    return examine(path or _require(folder, "ct"))


def _from_level(folder: Path, level: Level, rater: str) -> LabelledSlice:
    """Read a key slice that has files of its own."""
    labels_path = _require(folder, f"level-{level}_rater-{rater}_labels")
    source = examine(_require(folder, f"level-{level}_ct"))
    labels = read_labels(labels_path)
    for path, count in ((source.path, len(source.affines)), (labels_path, len(labels))):
        if count != 1:
            raise InputError(f"{path}: holds {count} slices; keep the {level} slice alone")
    drawn = level_of(labels_path, labels.data, "its slice")
    if drawn != level:
        raise InputError(f"{labels_path}: carries {drawn} regions; draw those of {level}")
    match_slices(labels_path, _grid_of(labels), Grid(source.slice_shape, source.affines), [0])
    return _labelled(labels_path, level, read_slices(source, [0])[0], labels[0])


def _grid_of(scan: Scan) -> Grid:
    columns, rows, _ = scan.data.shape
    return Grid((columns, rows), scan.affines)


def _labelled(path: Path, level: Level, ct: Slice, labels: Slice) -> LabelledSlice:
    drawn = Slice(np.ascontiguousarray(labels.data), ct.affine)
    check_complete(path, level, drawn)
    return LabelledSlice(Slice(np.ascontiguousarray(ct.data), ct.affine), drawn)
