"""Simulated strokes as scorers of non-contrast CT see them, for those that are fitted to them.

Every scan is mapped as ``score-aspects --ncct`` maps it, and what is fitted measures its regions
twice: as mapped, and with the subject's true regions, so that it depends less on where maps err.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.mapped_scan import MappedScan
from atlas_builder.cohorts.participants import Participant
from atlas_builder.cohorts.stroke_subjects import read_stroke_cohort, read_stroke_subject
from atlas_builder.cohorts.stroke_truth import StrokeTruth
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import VOXEL_RULES, AspectsRule
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.workers import open_workers
from atlas_builder.workflows.ncct.score import map_scan_for_scoring

TRUTH = VOXEL_RULES
BRAIN_MARGIN = 2  # pixels around true regions
BRAIN_HU = (-10.0, 100.0)

Measure: TypeAlias = Callable[[MappedScan], Mapping[str, NDArray[np.generic]]]


@dataclass(frozen=True)
class Measured:
    """What is measured of a subject in mapped and in true regions, and how much of each is ill."""

    name: str
    measures: tuple[Mapping[str, NDArray[np.generic]], ...]
    shares: NDArray[np.float64]

    def affected(self, rule: AspectsRule) -> list[list[bool]]:
        """Return for each side's regions whether they lose their point."""
        return [
            [rule.loses_point(region, share) for region, share in zip(Region, row, strict=True)]
            for row in self.shares
        ]


def measure_cohorts(
    cohorts: Sequence[Path], work: Path, jobs: int, measure: Measure
) -> list[Measured]:
    """Measure everyone of some cohorts who can be mapped; the others are named."""
    work.mkdir(parents=True, exist_ok=True)
    tasks = [subject for cohort in cohorts for subject in read_stroke_cohort(cohort)[0]]
    with open_workers(jobs) as workers:
        found = workers.in_order(partial(_measured, work, measure), tasks)
        return [one for one in found if one is not None]


def _measured(
    work: Path, measure: Measure, subject: tuple[Participant, StrokeTruth]
) -> Measured | None:
    """Measure one subject unless that was done."""
    participant, truth = subject
    name = participant.participant_id
    file = work / f"{participant.folder.parent.name}-{name}.npz"
    if not file.exists():
        try:
            scans = _mapped_and_true(participant, truth)
        except InputError as error:
            print(f"left out {name}: {error}")
            return None
        arrays = {
            f"{number}.{key}": values
            for number, scan in enumerate(scans)
            for key, values in measure(scan).items()
        }
        with replacing(file) as partial_file, partial_file.open("wb") as opened:
            np.savez(opened, **arrays)
    with np.load(file, allow_pickle=False) as stored:
        measures = tuple(
            {key[2:]: stored[key] for key in stored if key.startswith(f"{number}.")}
            for number in range(2)
        )
    shares = np.array([[truth.shares[side, region] for region in Region] for side in SIDES])
    return Measured(name, measures, shares)


def _mapped_and_true(participant: Participant, truth: StrokeTruth) -> tuple[MappedScan, MappedScan]:
    subject = read_stroke_subject(participant, truth)
    mapped = map_scan_for_scoring(subject.scan, age=subject.participant.age)
    near = ndimage.binary_dilation(subject.regions > 0, np.ones((3, 3, 1)), iterations=BRAIN_MARGIN)
    hu = np.asarray(subject.scan.data, np.float32)
    brain = near & (hu > BRAIN_HU[0]) & (hu < BRAIN_HU[1])
    return mapped, MappedScan(hu, subject.regions, brain, subject.scan.affines)
