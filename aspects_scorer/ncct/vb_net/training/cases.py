"""Heads with their true regions, prepared once for all trainings on a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.vb_net.training.examples import (
    CACHE_PIXEL_MM,
    RegionScan,
    write_region_scan,
)
from aspects_scorer.ncct.vb_net.volume import Plane, Stack
from atlas_builder.cohorts.participants import Participant, Refusal
from atlas_builder.cohorts.stroke_subjects import read_region_labels
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.networks.training.cache import Preparation, prepare_subjects
from atlas_builder.runtime.files import replacing_folder
from atlas_builder.runtime.progress import Progress, no_progress


def prepare_heads(
    participants: Sequence[Participant],
    folder: Path,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> tuple[list[Path], list[Refusal]]:
    """Prepare heads with their regions; those that were before stay.

    Parameters
    ----------
    participants : sequence of Participant
        Of a cohort with ``sub-XX_desc-regions_labels.nii.gz`` beside each scan.
    folder : Path
        Gets a folder a participant.
    jobs : int
        Processes.
    progress : callable
        Told how many are done.

    Returns
    -------
    heads : list of Path
        For `read_region_scan`, in the order of the participants.
    refusals : list of Refusal
        Who cannot be used, and why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [Preparation(one, folder / one.participant_id) for one in participants]
    return prepare_subjects(_prepare, tasks, stage="Reading", jobs=jobs, progress=progress)


def _prepare(task: Preparation[Participant]) -> Refusal | None:
    try:
        scan, regions = read_region_labels(task.subject)
        if not regions.any():
            raise InputError("no region is drawn")
        stack = Stack.of(scan)
    except InputError as error:
        return Refusal(task.subject.participant_id, str(error))
    plane = Plane.over(scan, CACHE_PIXEL_MM)
    hu = np.rint(plane.read(scan, stack)).astype(np.int16)
    labels = _nearest(regions, scan, plane, stack)
    with replacing_folder(task.path) as partial:
        write_region_scan(partial, RegionScan(hu, labels, stack.thickness_mm))
    return None


def _nearest(
    regions: NDArray[np.uint8], scan: Scan, plane: Plane, stack: Stack
) -> NDArray[np.uint8]:
    """Return the label at the middle of each voxel of the grid."""
    columns, rows = (
        np.clip(np.rint((first + np.arange(n) * plane.pixel_mm) / mm).astype(int), 0, size - 1)
        for first, n, mm, size in zip(
            plane.first_mm,
            (len(plane.across), len(plane.down)),
            plane.sides_mm,
            scan.data.shape[:2],
            strict=True,
        )
    )
    slices = stack.apart.argmax(axis=0)
    return regions[np.ix_(columns, rows, slices)]
