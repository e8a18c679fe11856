"""A small build, finished, its work folder as a real one leaves it; no registration is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_builder.anatomy import LEVELS, AgeGroup, Level, regions_of
from atlas_builder.construction.build import Build, Settings
from atlas_builder.construction.fitting import Fit, save_fit
from atlas_builder.construction.level import Estimate, IterationRecord, LevelJob, LevelResult
from atlas_builder.construction.preparation import Preparation, PreparedLevel, save_preparation
from atlas_builder.io.cohort import Participant, Refusal
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE, key_slice_grid
from atlas_builder.registration import Metric
from atlas_builder.transform import Transform

Array = NDArray[Any]

BOX = (slice(160, 300), slice(140, 320))
ITERATIONS = 2
NAMES = tuple(f"sub-{number:02d}" for number in range(1, 7))
BAD = "sub-04"
REASON = 'sub-09/<b>"bad" & worse</b>.nii.gz: damaged; copy it again'
MARK = (slice(180, 190), slice(225, 235))
"""On the patient's right, halfway down."""


def brain() -> Array:
    """HU of an elliptic brain with a bright mark on the patient's right."""
    x, y = np.indices(KEY_SLICE_SHAPE)
    inside = ((x - 229.5) / 55) ** 2 + ((y - 229.5) / 72) ** 2 < 1
    image = np.where(inside, 25.0, 0.0).astype(np.float32)
    image[MARK] = 80.0
    return image


def regions(level: Level) -> Array:
    """The regions of a level as blocks, one below the other, on both sides."""
    labels = np.zeros(KEY_SLICE_SHAPE, np.uint8)
    for row, region in enumerate(regions_of(level)):
        y = slice(180 + 14 * row, 194 + 14 * row)
        labels[196:216, y] = labels[244:264, y] = region
    return labels


@dataclass(frozen=True)
class Knobs:
    """What a test may change of the build."""

    shift_mm: float = 0.0
    deformation_mm: tuple[tuple[float, float], tuple[float, float]] = ((2.0, 0.5), (1.0, 0.25))
    reason: str = REASON


def _save_work(job: LevelJob, knobs: Knobs) -> None:
    halved = job.grid.halved()
    job.fits(ITERATIONS).mkdir(parents=True)
    image, labels = brain()[job.crop], regions(job.level)[job.crop]
    still = np.zeros((2, *halved.shape), np.float32)
    for name in NAMES:
        fit = Fit(
            Transform(np.eye(3), still, still, halved), image, (image != 0).astype(np.float32), 0.9
        )
        save_fit(job.fits(ITERATIONS) / f"{name}.npz", fit)
        np.save(job.carried(name), labels)
    mean = np.zeros((2, *halved.shape))
    mean[0] = knobs.shift_mm
    Estimate(
        image, np.eye(3), mean, np.stack([np.eye(3)] * len(NAMES)), np.full(len(NAMES), 0.9), None
    ).save(job.template(ITERATIONS))


def _result(level: Level, deformations: tuple[float, float], shape: tuple[int, int]) -> LevelResult:
    image, labels = brain(), regions(level)
    correlation = {name: 0.90 + 0.01 * (place % 3) for place, name in enumerate(NAMES)}
    dice = dict.fromkeys(NAMES, 0.95)
    if level == "SGL":
        correlation[BAD], dice[BAD] = 0.41, 0.22
    return LevelResult(
        image,
        labels,
        np.stack([(labels == region).astype(np.float32) for region in regions_of(level)]),
        tuple(
            IterationRecord(number, 0.8 * mm, mm, 2.5, 0.8125, 2.25)
            for number, mm in enumerate(deformations, 1)
        ),
        (image,) * (ITERATIONS + 1),
        tuple(np.full(shape, mm, np.float32) for mm in deformations),
        correlation,
        dice,
    )


@pytest.fixture(scope="session")
def make_build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Build]:
    """Return a function that makes a build, given what to change of it."""

    def make(**changes: Any) -> Build:
        knobs = Knobs(**changes)
        work = tmp_path_factory.mktemp("work")
        (work / "participants").mkdir()
        head = np.zeros((230, 230), np.uint8)
        head[60:170, 55:175] = 90
        head[65:75, 110:120] = 255  # on the patient's right
        for name in NAMES:
            levels = {
                level: PreparedLevel(brain(), np.asarray(regions(level)), head) for level in LEVELS
            }
            save_preparation(work / "participants" / f"{name}.npz", Preparation(levels, {}))
        quality = {
            f"{level}_{measure}": value
            for level in LEVELS
            for measure, value in (("angle_deg", -3.25), ("brain_area_cm2", 151.0))
        }
        first = (BOX[0].start, BOX[1].start)
        shape = (BOX[0].stop - BOX[0].start, BOX[1].stop - BOX[1].start)
        grid = key_slice_grid().cropped(first, shape)
        settings = Settings(AgeGroup(50, 69), iterations=ITERATIONS)
        jobs = {
            level: LevelJob(
                level,
                NAMES,
                work / "participants",
                work / level,
                grid,
                BOX,
                ITERATIONS,
                Metric.MI,
                settings.gradient_step,
                settings.sharpening,
                "average",
            )
            for level in LEVELS
        }
        for job in jobs.values():
            _save_work(job, knobs)
        return Build(
            settings,
            {"settings": settings.describe(), "versions": {"numpy": "2.0.1"}, "files": []},
            tuple(Participant(name, 61.0, work / name, "F", None) for name in NAMES),
            {name: Preparation({}, quality) for name in NAMES},
            (Refusal("sub-09", knobs.reason), Refusal("sub-10", "age 9 is outside 50-69")),
            jobs,
            {
                level: _result(level, mm, grid.halved().shape)
                for level, mm in zip(LEVELS, knobs.deformation_mm, strict=True)
            },
        )

    return make
