"""A small build and a map, finished, as real ones leave them; no registration is run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from drawn_head import in_skull, radius_of
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import AtlasLevel
from atlas_builder.cohorts.labelled_scans import Participant, Refusal
from atlas_builder.construction.build import Build, BuildSettings
from atlas_builder.construction.fitting import Fit, save_fit
from atlas_builder.construction.level import Estimate, IterationRecord, LevelJob, LevelResult
from atlas_builder.construction.preparation import Preparation, PreparedLevel, save_preparation
from atlas_builder.core.anatomy import (
    LEVELS,
    SIDES,
    AgeGroup,
    Level,
    Region,
    Side,
    map_value,
    regions_of,
)
from atlas_builder.core.scan import Slice
from atlas_builder.core.transform import Transform, apply_affine
from atlas_builder.mapping.region_map import LevelMap, RegionMap, RegionMeasure, Resemblance
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE, KeySlice, key_slice_grid
from atlas_builder.preprocessing.symmetry import Alignment
from atlas_builder.registration.slices import Metric

Array = NDArray[Any]

BRAIN = (55.0, 72.0)
"""Half its width and length. Regions are blocks, not a drawn head's, as tests look them up."""
BOX = (slice(160, 300), slice(140, 320))
ITERATIONS = 2
NAMES = tuple(f"sub-{number:02d}" for number in range(1, 7))
BAD = "sub-04"
REASON = 'sub-09/<b>"bad" & worse</b>.nii.gz: damaged; copy it again'
MARK = (slice(180, 190), slice(225, 235))
"""On the patient's right, halfway down."""


def brain() -> Array:
    """HU of an elliptic brain with a bright mark on the patient's right.

    Its lengths are in pixels, and it is of one grey, which pictures of it are compared with.
    """
    inside = radius_of(np.indices(KEY_SLICE_SHAPE) - 229.5, BRAIN) < 1
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
        settings = BuildSettings(AgeGroup(50, 69), iterations=ITERATIONS)
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
            {
                "settings": settings.describe(),
                "simulation": None,
                "versions": {"numpy": "2.0.1"},
                "files": [],
            },
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


@dataclass(frozen=True)
class Patient:
    """A head whose place in the scan is known, for maps made without any registration.

    Attributes
    ----------
    angle : float
        Degrees by which it is turned, from the left towards the back.
    spacing : tuple of float
        Pixel size in mm.
    """

    angle: float
    spacing: tuple[float, float]

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels of 200 x 220 mm."""
        return round(200 / self.spacing[0]), round(220 / self.spacing[1])

    @property
    def to_pixels(self) -> Array:
        """From mm in the head, x to the left and y to the back, to pixels of the slice."""
        matrix = np.eye(3)
        alignment = Alignment(self.angle, 3.0, 0.2)
        matrix[:2, :2] = alignment.rotation / np.reshape(self.spacing, (2, 1))
        middle = (np.array(self.shape) - 1) / 2
        matrix[:2, 2] = middle + alignment.rotation @ (3.0, -4.0) / self.spacing
        return matrix

    def points(self) -> Array:
        """Where the pixels lie in the head, mm."""
        return apply_affine(np.linalg.inv(self.to_pixels), np.indices(self.shape, dtype=float))


MARKER_MM = (30.0, 45.0)
"""Of a bright disc: on the patient's left, towards the back."""


def region_box(region: Region, side: Side) -> tuple[float, float, float, float]:
    """First and last x and y in mm of a region of the maps that `make_map` makes."""
    row = regions_of(region.level).index(region)
    first, last = (12.0 + 3 * row, 40.0) if side == "left" else (-40.0, -12.0 - 3 * row)
    return first, last, -60.0 + 13 * row, -49.0 + 13 * row


def _level_map(level: Level, index: int, patient: Patient) -> LevelMap:
    x, y = points = patient.points()
    radius = radius_of(points, BRAIN)
    brain, image = radius < 1, in_skull(radius, 30.0, skull=1.12, scalp=1.12)
    image[np.hypot(x - MARKER_MM[0], y - MARKER_MM[1]) < 4] = 75.0
    labels = np.zeros(patient.shape, np.uint8)
    for region in regions_of(level):
        for side in SIDES:
            left, right, top, bottom = region_box(region, side)
            inside = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
            labels[inside] = map_value(region, side)
    grid = key_slice_grid()
    to_mm = np.diag([grid.spacing, grid.spacing, 1.0])
    to_mm[:2, 2] = grid.origin
    key_brain = radius_of(grid.points(), BRAIN) < 1
    key = KeySlice(
        np.where(key_brain, 30, 0).astype(np.float32),
        key_brain,
        patient.to_pixels @ to_mm,
        Alignment(patient.angle, 3.0, 0.2),
    )
    still = np.zeros((2, *grid.shape), np.float32)
    affine = np.diag([-patient.spacing[0], -patient.spacing[1], 1.0, 1.0])
    affine[2, 3] = 20.0 * index
    return LevelMap(
        level=level,
        index=index,
        slice=Slice(image.astype(np.float32), affine),
        key=key,
        atlas=AtlasLevel(key.image, np.zeros(grid.shape, np.uint8), np.eye(4)),
        transform=Transform(np.eye(3), still, still, grid),
        regions=labels,
        probability=(labels > 0).astype(np.float32),
        brain=brain,
        midline=apply_affine(patient.to_pixels, np.array([[0.0, 0.0], [-72.0, 72.0]])).T,
        fit=0.91 + 0.02 * index,
        resemblance=Resemblance({level: 0.8}, turned=False),
    )


def measure(region: Region, side: Side, dark: Collection[tuple[Region, Side]]) -> RegionMeasure:
    """What a region measures when those in `dark` have 25 HU and all others 30."""
    other: Side = "right" if side == "left" else "left"
    own_hu, other_hu = (25.0 if (region, s) in dark else 30.0 for s in (side, other))
    return RegionMeasure(
        region,
        side,
        region.level,
        308.0,
        own_hu,
        other_hu,
        own_hu - other_hu,
        own_hu / other_hu,
        0.87,
        own_hu < other_hu,
    )


@pytest.fixture(scope="session")
def make_map() -> Callable[..., RegionMap]:
    """Return a function that makes a map of a head of known place, given what to change of it."""

    def make(
        angle: float = 0.0,
        spacing: tuple[float, float] = (0.8, 0.8),
        dark: Collection[tuple[Region, Side]] = (),
        **changes: Any,
    ) -> RegionMap:
        patient = Patient(angle, spacing)
        made = RegionMap(
            levels=tuple(_level_map(level, 5 + n, patient) for n, level in enumerate(LEVELS)),
            measures=tuple(measure(region, side, dark) for side in SIDES for region in Region),
            flags=(),
            atlas_name="aspects-281",
            atlas_is_simulated=False,
            age_group=AgeGroup(50, 69),
            age=63.0,
            slice_count=28,
            timings={"key_slices": 0.81, "registration": 1.92},
        )
        return replace(made, **changes)

    return make
