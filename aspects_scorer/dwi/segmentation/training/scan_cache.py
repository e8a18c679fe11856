"""The tissue scans of a training, on the disk: made once, in parallel, whatever was interrupted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aspects_scorer.dwi.segmentation.training.tissue_scans import ScanTask, simulate_tissue_scan
from atlas_builder.networks.training.cache import prepare
from atlas_builder.runtime.progress import Progress, no_progress
from head_phantom.infarct.lesion_shapes import (
    Part,
    lesion_files,
    participant_of,
)

_LESIONS_A_PERSON = {Part.TRAINING: 16, Part.VALIDATION: 6}
_OLD_CANDIDATES = 8


@dataclass(frozen=True)
class ScanPlan:
    """Which tissue scans a training needs.

    Attributes
    ----------
    lesions : Path
        Folder of lesion masks in MNI space.
    folder : Path
        Where the scans go.
    seed : int
        Of every random choice.
    persons : int
        How many subjects are simulated for training; a sixth as many for validation.
    """

    lesions: Path
    folder: Path
    seed: int
    persons: int

    def tasks(self, part: Part) -> list[ScanTask]:
        """Return the scans of a part; those of more subjects begin with those of fewer.

        Parameters
        ----------
        part : Part
            Training or validation.

        Returns
        -------
        list of ScanTask
            One a subject.
        """
        files = lesion_files(self.lesions, part)
        number = list(Part).index(part)
        count = self.persons if part is Part.TRAINING else max(2, round(self.persons / 6))
        take = _LESIONS_A_PERSON[part]
        rng = np.random.default_rng((self.seed, number))
        order: list[Path] = []
        tasks = []
        for index in range(count):
            while len(order) < take:  # each shape once before any comes again
                order += [files[i] for i in rng.permutation(len(files))]
            chosen, order = order[:take], order[take:]
            old = tuple(files[i] for i in rng.integers(len(files), size=_OLD_CANDIDATES))
            file = self.folder / f"{part.value}-seed-{self.seed}-person-{index:03d}.npz"
            tasks.append(ScanTask(file, (self.seed, number, index), tuple(chosen), old))
        return tasks


def make_scans(
    plan: ScanPlan, jobs: int, progress: Progress = no_progress
) -> dict[Part, list[Path]]:
    """Simulate the scans that are not there yet, and return the files of each part.

    Parameters
    ----------
    plan : ScanPlan
        Which scans; its folder is made if need be.
    jobs : int
        Processes at once; the files are the same for any number.
    progress : callable
        Told the stage, how many subjects are done and how many there are.

    Returns
    -------
    dict of Part to list of Path
        Of training and validation, for `read_tissue_scan`.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    tasks = [task for part in _LESIONS_A_PERSON for task in plan.tasks(part)]
    missing = [task for task in tasks if not task.file.exists()]
    already = len(tasks) - len(missing)
    for _ in prepare(
        simulate_tissue_scan,
        missing,
        stage="Simulating persons",
        jobs=jobs,
        progress=progress,
        already=already,
    ):
        pass
    return {part: [task.file for task in plan.tasks(part)] for part in _LESIONS_A_PERSON}


def planted_participants(plan: ScanPlan, part: Part) -> list[str]:
    """Return whose lesions are planted in the scans of a part, sorted.

    Parameters
    ----------
    plan : ScanPlan
        Which scans.
    part : Part
        Training or validation.

    Returns
    -------
    list of str
        Identifiers, acute and old infarcts together.
    """
    return sorted({participant_of(f) for task in plan.tasks(part) for f in task.lesions + task.old})
