"""A cohort of synthetic heads whose shapes are known, and a build of it that tests share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_builder.construction.build import Build, BuildSettings, estimate_atlas
from atlas_builder.construction.level import LevelResult
from atlas_builder.core.anatomy import LEVELS, AgeGroup, Level, Region
from atlas_builder.runtime.progress import no_progress
from atlas_builder.runtime.workers import open_workers

Points = NDArray[np.float64]

HALF_WIDTH, HALF_LENGTH = 46.0, 57.0

SIZE = 0.86
"""Of what is drawn: a child's, so that registrations are fast."""

# The middle and the half axes in mm of each region on the left; y runs to the back.
ELLIPSES = {
    Region.C: (9, -15, 3.5, 6),
    Region.L: (20, -2, 4.5, 10),
    Region.IC: (13, -2, 2, 9),
    Region.I: (27.5, -2, 2, 10),
    Region.M1: (25, -30, 8, 9),
    Region.M2: (36, -2, 4.5, 11),
    Region.M3: (26, 29, 9, 9),
    Region.M4: (20, -32, 10, 9),
    Region.M5: (33, -1, 8, 14),
    Region.M6: (23, 28, 10, 11),
}
HU = {Region.C: 38.0, Region.L: 38.0, Region.IC: 25.0, Region.I: 37.0}
VENTRICLES: dict[Level, tuple[float, float, float, float]] = {
    "BGL": (4, -16, 2, 7),
    "SGL": (7, -2, 4, 19),
}


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


def within(points: Points, ellipse: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    """Return what lies in an ellipse or in its mirror image."""
    x, y, a, b = ellipse
    return np.hypot((np.abs(points[0]) - x) / a, (points[1] - y) / b) < 1


def draw_labels(points: Points, level: Level) -> NDArray[np.uint8]:
    labels = np.zeros(points.shape[1:], np.uint8)
    for region, ellipse in ELLIPSES.items():
        if region.level == level:
            labels[within(points, ellipse)] = region
    return labels


def draw_head(points: Points, level: Level) -> NDArray[np.float64]:
    """Return the HU of the mean head at points of shape (2, ...)."""
    x, y = points
    depth = (1 - np.hypot(x / HALF_WIDTH, y / HALF_LENGTH)) * HALF_WIDTH
    hu = np.full(x.shape, -1000.0)
    for shallowest, value in ((-16, 25), (-9, 1000), (-2, 6), (0, 37), (4, 28)):
        hu[depth > shallowest] = value
    labels = draw_labels(points, level)
    for region, value in HU.items():
        hu[labels == region] = value
    sulci = np.sin(np.arctan2(y, np.abs(x)) * 12 + 1) > 0.8
    hu[sulci & (depth > 0) & (depth < 9)] = 8
    hu[(np.abs(x) < 1.2) & (np.abs(y) > 34) & (depth > -2)] = 6
    hu[within(points, VENTRICLES[level])] = 5
    return hu


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
        ct = np.rint(draw_head(points, level) + noise).astype(np.int16)
        for data, ending in ((ct, "ct"), (draw_labels(points, level), "rater-expert_labels")):
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
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four participants; not to be changed, see `copied`."""
    folder = tmp_path_factory.mktemp("cohort")
    for seed, (name, (shape, angle)) in enumerate(SHAPES.items()):
        write_participant(folder, name, shape, seed, angle)
    write_table(folder, *((name, 55 + place) for place, name in enumerate(SHAPES)))
    return folder


@pytest.fixture(scope="session")
def built(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """What two processes make of the cohort, with the work folder; not to be changed."""
    with open_workers(2) as workers:
        return estimate_atlas(
            cohort, tmp_path_factory.mktemp("built") / "work", SETTINGS, workers, no_progress
        )


def work_of(build: Build) -> Path:
    return build.jobs["BGL"].folder.parent


@dataclass(frozen=True)
class Copied:
    """A cohort and the finished work on it, for a test to change."""

    cohort: Path
    work: Path


@pytest.fixture
def copied(cohort: Path, built: Build, tmp_path: Path) -> Copied:
    """Copies that keep the times of the files, so the work is still that of the cohort."""
    return Copied(
        Path(shutil.copytree(cohort, tmp_path / "cohort")),
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
        return draw_labels(points / SIZE, level)

    @staticmethod
    def brain(points: Points) -> NDArray[np.bool_]:
        return np.hypot(points[0] / HALF_WIDTH, points[1] / HALF_LENGTH) < SIZE


@pytest.fixture(scope="session")
def mean_head() -> type[MeanHead]:
    return MeanHead
