"""Heads on the standard grid with their truth, prepared once for all trainings on a cohort."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.da_net.standard_view import labels_at, points_of, read_at
from atlas_builder.cohorts.stroke_subjects import StrokeSubject
from atlas_builder.core.anatomy import Region
from atlas_builder.core.scan import Scan
from slice_localizer.alignment.coarse_scan import AIR_HU
from slice_localizer.alignment.level import align_level
from slice_localizer.whole_head.brain_place import place_brain


@dataclass(frozen=True)
class Case:
    """A head with everything that is true of it.

    Attributes
    ----------
    hu : ndarray of int16, shape ``SHAPE``
        Densities.
    regions : ndarray of uint8, shape ``SHAPE``
        1-10, the same on both sides.
    lesion : ndarray of uint8, shape ``SHAPE``
        The share of each voxel that is acute infarct, 255 for all of it.
    """

    hu: NDArray[np.int16]
    regions: NDArray[np.uint8]
    lesion: NDArray[np.uint8]

    @property
    def infarcted(self) -> bool:
        """Whether there is an acute infarct."""
        return bool((self.lesion >= 128).any())


def case_of(subject: StrokeSubject) -> Case:
    """Bring a subject of a stroke cohort to the standard grid.

    Parameters
    ----------
    subject : StrokeSubject
        The scan and the truth.

    Returns
    -------
    Case

    Raises
    ------
    InputError
        The standard head cannot be aligned with the scan.
    """
    scan = subject.scan
    points = points_of(place_brain(scan, align_level(scan)))
    hu = read_at(scan, points, AIR_HU)
    lesion = read_at(Scan(subject.lesion.astype(np.float32), scan.affines), points, 0.0)
    sides = labels_at(subject.regions, scan.affines, points)
    return Case(
        np.rint(hu).astype(np.int16),
        np.where(sides > len(Region), sides - len(Region), sides).astype(np.uint8),
        np.rint(np.clip(lesion, 0, 1) * 255).astype(np.uint8),
    )


def write_case(path: Path, case: Case) -> None:
    """Write a head.

    Parameters
    ----------
    path : Path
        An ``.npz`` file.
    case : Case
        The head.
    """
    with path.open("wb") as opened:
        np.savez_compressed(opened, hu=case.hu, regions=case.regions, lesion=case.lesion)


def read_case(path: Path) -> Case:
    """Read what `write_case` wrote.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Case
    """
    with np.load(path, allow_pickle=False) as stored:
        return Case(stored["hu"], stored["regions"], stored["lesion"])
