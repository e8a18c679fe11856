"""A cohort of synthetic heads whose shapes are known, and a build of it that tests share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from drawn_head import CHILD, Points
from in_process import HERE
from made_once import made_once
from numpy.typing import NDArray

from atlas_builder.construction.build import Build, BuildSettings, estimate_atlas
from atlas_builder.construction.level import LevelResult
from atlas_builder.core.anatomy import LEVELS, AgeGroup, Level
from atlas_builder.runtime.progress import no_progress
from atlas_builder.runtime.workers import open_workers

SIZE = 0.86
"""Of the child's head that is drawn: smaller still, so that registrations are fast."""


@dataclass(frozen=True)
class Shape:
    """How a head differs from the mean one.

    Its point ``p`` (mm, to the left and to the back) shows the mean head's point
    ``p / (wide, long) + bend * (sin(y / 25), sin(x / 20))``, but for `SIZE`.
    """

    wide: float = 1.0
    long: float = 1.0
    bend: float = 0.0

    def to_mean(self, points: Points) -> Points:
        x, y = points[0] / self.wide / SIZE, points[1] / self.long / SIZE
        # Both halves alike, or the midline would not be straight.
        sideways = np.sin(y / 25) * np.tanh(x / 8)
        return np.stack([x + self.bend * sideways, y + self.bend * np.sin(np.abs(x) / 20)])


def write_participant(cohort: Path, name: str, shape: Shape, seed: int, angle: float = 0.0) -> None:
    """Write both levels' slices and labels, in the form that has one file a level."""
    folder = cohort / name
    folder.mkdir(parents=True)
    pixels, spacing = 160, 0.8
    affine = np.diag([-spacing, -spacing, 4.0, 1.0])
    affine[:2, 3] = (pixels - 1) / 2 * spacing
    places = (np.indices((pixels, pixels)) - (pixels - 1) / 2) * spacing
    turn = np.radians(angle)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points = shape.to_mean(np.tensordot(rotation, places, 1))
    for level in LEVELS:
        noise = np.random.default_rng([seed, LEVELS.index(level)]).normal(0, 3, (pixels, pixels))
        ct = np.rint(CHILD.image(points, level) + noise).astype(np.int16)
        for data, ending in ((ct, "ct"), (CHILD.labels(points, level), "rater-expert_labels")):
            image = nib.Nifti1Image(data[..., np.newaxis], affine)
            nib.save(image, folder / f"{name}_level-{level}_{ending}.nii.gz")


SHAPES = {
    "sub-01": (Shape(wide=1.05, bend=2.0), 3.0),
    "sub-02": (Shape(wide=1 / 1.05, bend=-2.0), -5.0),
    "sub-03": (Shape(long=1.05, bend=1.0), 8.0),
    "sub-04": (Shape(long=1 / 1.05, bend=-1.0), 0.0),
}
"""The shape of each participant and its turn in the scanner; the mean shape is the mean head."""

SETTINGS = BuildSettings(AgeGroup(50, 69), iterations=2)


def write_table(cohort: Path, *rows: tuple[str, float | str]) -> None:
    lines = ["participant_id\tage", *(f"{name}\t{age}" for name, age in rows)]
    (cohort / "participants.tsv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def shaped_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four participants; not to be changed, see `copied`."""
    return made_once(tmp_path_factory, "shaped-cohort", write_cohort)


def write_cohort(folder: Path) -> None:
    for seed, (name, (shape, angle)) in enumerate(SHAPES.items()):
        write_participant(folder, name, shape, seed, angle)
    write_table(folder, *((name, 55 + place) for place, name in enumerate(SHAPES)))


@pytest.fixture(scope="session")
def built(shaped_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """What two processes make of the cohort, with the work folder; not to be changed."""

    def make(folder: Path) -> None:
        with open_workers(2) as workers:
            estimate_atlas(shaped_cohort, folder / "work", SETTINGS, workers, no_progress)

    folder = made_once(tmp_path_factory, "built", make)
    # Nothing is left to compute: the build is read back from its work.
    return estimate_atlas(shaped_cohort, folder / "work", SETTINGS, HERE, no_progress)


def work_of(build: Build) -> Path:
    return build.jobs["BGL"].folder.parent


@dataclass(frozen=True)
class Copied:
    """A cohort and the finished work on it, for a test to change."""

    cohort: Path
    work: Path


@pytest.fixture
def copied(shaped_cohort: Path, built: Build, tmp_path: Path) -> Copied:
    """Copies that keep the times of the files, so the work is still that of the cohort."""
    return Copied(
        Path(shutil.copytree(shaped_cohort, tmp_path / "cohort")),
        Path(shutil.copytree(work_of(built), tmp_path / "work")),
    )


def assert_same_bits(first: LevelResult, second: LevelResult) -> None:
    for name in ("image", "labels", "probabilities"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    for name in ("templates", "deformations"):
        for one, other in zip(getattr(first, name), getattr(second, name), strict=True):
            np.testing.assert_array_equal(one, other)
    for name in ("records", "correlation", "dice"):
        assert getattr(first, name) == getattr(second, name)


@pytest.fixture(scope="session")
def same_bits() -> Callable[[LevelResult, LevelResult], None]:
    return assert_same_bits


class MeanHead:
    """The head in the middle of the cohort's shapes."""

    @staticmethod
    def labels(points: Points, level: Level) -> NDArray[np.uint8]:
        return CHILD.labels(points / SIZE, level)

    @staticmethod
    def brain(points: Points) -> NDArray[np.bool_]:
        return CHILD.brain(points / SIZE, "BGL")


@pytest.fixture(scope="session")
def mean_head() -> type[MeanHead]:
    return MeanHead
