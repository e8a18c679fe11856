"""Stroke NCCTs with their truth, for whoever trains on or measures against a cohort of them.

The cohort is a folder as `atlas_builder.cohorts.labelled_scans` describes, with ``truth.tsv`` and,
beside each scan, the twenty regions and the infarct on the scan's own grid::

    sub-XX/sub-XX_ct.nii.gz
    sub-XX/sub-XX_desc-regions_labels.nii.gz           1-10 on the left, 11-20 on the right
    sub-XX/sub-XX_desc-lesion_mask.nii.gz              where there is an infarct
    sub-XX/sub-XX_desc-cavity_mask.nii.gz              where there are old infarcts
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.cohorts.participants import (
    Participant,
    Refusal,
    read_everyone,
)
from atlas_builder.cohorts.stroke_truth import TRUTH, StrokeTruth, read_truth
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.io.nifti.images import read_scan

_MOST_LABEL = len(SIDES) * len(Region)


@dataclass(frozen=True)
class StrokeSubject:
    """A scan with everything that is true of it.

    Attributes
    ----------
    participant : Participant
        Who, with the age.
    truth : StrokeTruth
        The share of each region that is infarcted.
    scan : Scan
        float32 HU.
    regions : ndarray of uint8, shape (columns, rows, slices)
        On the grid of `scan`: 1-10 on the left, 11-20 on the right, on every slice.
    lesion : ndarray of bool, shape (columns, rows, slices)
        The acute infarct.
    cavity : ndarray of bool, shape (columns, rows, slices)
        What old infarcts have left.
    """

    participant: Participant
    truth: StrokeTruth
    scan: Scan
    regions: NDArray[np.uint8]
    lesion: NDArray[np.bool_]
    cavity: NDArray[np.bool_]


def read_stroke_cohort(
    cohort: Path, split: str = "build"
) -> tuple[list[tuple[Participant, StrokeTruth]], list[Refusal]]:
    """Read who of a stroke cohort takes part, of any age, and their truth; no scans yet.

    Parameters
    ----------
    cohort : Path
        The cohort's folder.
    split : str
        Where the table has that column, rows of another split are not part of it.

    Returns
    -------
    subjects : list of tuple
        Participant and truth, in the table's order.
    refusals : list of Refusal
        Those left out and why.

    Raises
    ------
    InputError
        A table is missing or malformed.
    """
    cohort = Path(cohort)
    participants, refusals = read_everyone(cohort, split)
    truths = read_truth(cohort / TRUTH)
    subjects = []
    for one in participants:
        if one.participant_id in truths:
            subjects.append((one, truths[one.participant_id]))
        else:
            refusals.append(Refusal(one.participant_id, f"{TRUTH}: no row; add its truth"))
    return subjects, refusals


def read_stroke_subject(participant: Participant, truth: StrokeTruth) -> StrokeSubject:
    """Read a scan with its regions and masks.

    Parameters
    ----------
    participant : Participant
        From `read_stroke_cohort`.
    truth : StrokeTruth
        The same participant's.

    Returns
    -------
    StrokeSubject

    Raises
    ------
    InputError
        A file is missing or damaged, lies on another grid than the scan, or holds other labels than
        0-20; the mask of an infarct is missing where the truth has one.
    """
    scan, regions = read_region_labels(participant)
    stem = participant.folder / participant.folder.name
    lesion_file = Path(f"{stem}_desc-lesion_mask.nii.gz")
    if truth.core_ml > 0 or lesion_file.exists():
        lesion = _on_grid(lesion_file, scan, 1) > 0
    else:
        lesion = np.zeros(scan.data.shape, np.bool_)
    cavity_file = Path(f"{stem}_desc-cavity_mask.nii.gz")
    cavity = (
        _on_grid(cavity_file, scan, 1) > 0
        if cavity_file.exists()
        else np.zeros(scan.data.shape, np.bool_)
    )
    return StrokeSubject(participant, truth, scan, regions, lesion, cavity)


def read_region_labels(participant: Participant) -> tuple[Scan, NDArray[np.uint8]]:
    """Read a scan with its regions alone; a cohort without strokes has them too.

    Parameters
    ----------
    participant : Participant
        Of the cohort.

    Returns
    -------
    scan : Scan
        float32 HU.
    regions : ndarray of uint8, shape (columns, rows, slices)
        On the scan's grid: 1-10 on the left, 11-20 on the right.

    Raises
    ------
    InputError
        A file is missing or damaged, the regions lie on another grid or have other labels.
    """
    stem = participant.folder / participant.folder.name
    scan = read_scan(Path(f"{stem}_ct.nii.gz"))
    return scan, _on_grid(Path(f"{stem}_desc-regions_labels.nii.gz"), scan, _MOST_LABEL)


def _on_grid(path: Path, scan: Scan, most: int) -> NDArray[np.uint8]:
    """Read labels from 0 to `most` that lie on a scan's grid."""
    labels = read_scan(path)
    if labels.data.shape != scan.data.shape or not np.allclose(
        labels.affines, scan.affines, atol=1e-3
    ):
        raise InputError(f"{path}: lies on another grid than the scan; write it on the scan's")
    nearest = np.rint(np.clip(labels.data, 0, most))
    if (np.abs(labels.data - nearest) > 1e-3).any():
        raise InputError(f"{path}: holds values other than whole numbers from 0 to {most}")
    return nearest.astype(np.uint8)
