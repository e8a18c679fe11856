"""Heads with their true regions, prepared once for all trainings on a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.vb_net.training.examples import (
    CACHE_PIXEL_MM,
    RegionScan,
    write_region_scan,
)
from aspects_scorer.ncct.vb_net.volume import Plane, Stack
from atlas_builder.cohorts.participants import Participant
from atlas_builder.cohorts.stroke_subjects import read_region_labels
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.networks.training.cache import prepare
from atlas_builder.runtime.files import replacing_folder
from atlas_builder.runtime.progress import Progress, no_progress


@dataclass(frozen=True)
class _Task:
    participant: Participant
    folder: Path


@dataclass(frozen=True)
class Prepared:
    """A participant's head on the disk.

    Attributes
    ----------
    participant_id : str
        With the prefix ``sub-``.
    folder : Path
        For `read_region_scan`, where the head can be used.
    reason : str
        Why not; empty otherwise.
    """

    participant_id: str
    folder: Path
    reason: str = ""


def prepare_heads(
    participants: Sequence[Participant],
    folder: Path,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> list[Prepared]:
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
    list of Prepared
        In the order of the participants.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [_Task(one, folder / one.participant_id) for one in participants]
    left = [task for task in tasks if not task.folder.is_dir()]
    done = prepare(
        _prepare,
        left,
        stage="Reading",
        jobs=jobs,
        progress=progress,
        already=len(tasks) - len(left),
    )
    made = {one.participant_id: one for one in done}
    return [
        made.get(task.participant.participant_id)
        or Prepared(task.participant.participant_id, task.folder)
        for task in tasks
    ]


def _prepare(task: _Task) -> Prepared:
    name = task.participant.participant_id
    try:
        scan, regions = read_region_labels(task.participant)
        if not regions.any():
            raise InputError("no region is drawn")
        stack = Stack.of(scan)
    except InputError as error:
        return Prepared(name, task.folder, str(error))
    plane = Plane.over(scan, CACHE_PIXEL_MM)
    hu = plane.read(scan, stack)
    with replacing_folder(task.folder) as partial:
        write_region_scan(
            partial,
            RegionScan(
                np.rint(hu).astype(np.int16),
                _nearest(regions, scan, plane, stack),
                stack.thickness_mm,
            ),
        )
    return Prepared(name, task.folder)


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
