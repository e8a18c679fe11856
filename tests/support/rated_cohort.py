"""Scores that are made up, a head whose regions are known, and workers without processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import AtlasLevel, write_level, write_metadata
from atlas_builder.core.anatomy import LEVELS, AgeGroup, Level, Region, regions_of
from atlas_builder.preprocessing.key_slice import (
    KEY_SLICE_SHAPE,
    key_slice_affine,
    key_slice_grid,
)
from atlas_builder.validation.agreement import Agreement, Pair
from atlas_builder.validation.scores import Scores

Points = NDArray[np.float64]
MakeScores = Callable[[Mapping[Pair, NDArray[np.float64]]], Scores]

HALF = np.array([46.0, 57.0])
"""Half the width and the length of the brain in mm; a child's, so that registration is fast."""

MIDDLES = {
    Region.C: (10, -20),
    Region.L: (17, -4),
    Region.IC: (12, 10),
    Region.I: (26, -2),
    Region.M1: (24, -32),
    Region.M2: (37, 0),
    Region.M3: (26, 32),
    Region.M4: (22, -30),
    Region.M5: (33, 2),
    Region.M6: (24, 32),
}
VENTRICLES: Mapping[Level, tuple[float, float, float, float]] = {
    "BGL": (4.0, 2.5, -27.0, 5.0),
    "SGL": (7.0, 4.0, 0.0, 20.0),
}
RADII = {Region.C: 4.5, Region.L: 5.0, Region.IC: 4.0, Region.I: 4.0}


def labels_at(points: Points, level: Level) -> NDArray[np.uint8]:
    """Discs on both sides; `points` are in mm, to the left and to the back."""
    labels = np.zeros(points.shape[1:], np.uint8)
    for region in regions_of(level):
        x, y = MIDDLES[region]
        radius = RADII.get(region, 7.0)
        labels[np.hypot(np.abs(points[0]) - x, points[1] - y) < radius] = region
    return labels


def head_at(points: Points, level: Level) -> NDArray[np.float64]:
    x, y = points
    depth = (1 - np.hypot(x / HALF[0], y / HALF[1])) * HALF[0]
    hu = np.full(x.shape, -1000.0)
    for shallowest, value in ((-16, 25), (-9, 1000), (-2, 6), (0, 37), (4, 27)):
        hu[depth > shallowest] = value
    hu[np.isin(labels_at(points, level), [Region.C, Region.L, Region.I])] = 39
    sulci = np.sin(np.arctan2(y, np.abs(x)) * 12 + 1) > 0.8
    hu[sulci & (depth > 0) & (depth < 8)] = 8
    hu[(np.abs(x) < 1.2) & (np.abs(y) > 36) & (depth > -2)] = 6
    across, wide, back, long = VENTRICLES[level]
    hu[np.hypot((np.abs(x) - across) / wide, (y - back) / long) < 1] = 5
    return hu


def write_participant(
    cohort: Path, name: str, raters: Mapping[str, float], seed: int, wide: float = 1.0
) -> None:
    """Write both slices; each rater's regions lie that many mm off the true ones."""
    folder = cohort / name
    folder.mkdir(parents=True)
    size, spacing = 170, 0.8
    affine = np.diag([-spacing, -spacing, 4.0, 1.0])
    places = (np.indices((size, size)) - (size - 1) / 2) * spacing
    points = places / np.reshape([wide, 1.0], (2, 1, 1))
    for level in LEVELS:
        noise = np.random.default_rng([seed, LEVELS.index(level)]).normal(0, 3, (size, size))
        ct = np.rint(head_at(points, level) + noise).astype(np.int16)
        images = {"ct": ct}
        for rater, off in raters.items():
            moved = points + np.reshape([0.0, off], (2, 1, 1))
            images[f"rater-{rater}_labels"] = labels_at(moved, level)
        for ending, data in images.items():
            image = nib.Nifti1Image(data[..., np.newaxis], affine)
            nib.save(image, folder / f"{name}_level-{level}_{ending}.nii.gz")


def write_table(cohort: Path, text: str) -> None:
    cohort.mkdir(exist_ok=True)
    (cohort / "participants.tsv").write_text(text.replace(" ", "\t"), encoding="utf-8")


def write_atlas(folder: Path, group: AgeGroup, wide: float = 1.0) -> Path:
    """Write the head itself, without noise, as an atlas."""
    folder.mkdir(parents=True)
    points = key_slice_grid().points() / np.reshape([wide, 1.0], (2, 1, 1))
    files = []
    for level in LEVELS:
        brain = np.hypot(points[0] / HALF[0], points[1] / HALF[1]) < 1
        image = np.where(brain, head_at(points, level), 0).astype(np.float32)
        content = AtlasLevel(image, labels_at(points, level), key_slice_affine())
        files += write_level(folder, level, group, content)
    write_metadata(folder, {"age_group": str(group), "name": folder.name}, files)
    return folder


@pytest.fixture(scope="session")
def atlas_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An atlas for 50-69; not to be changed."""
    return write_atlas(tmp_path_factory.mktemp("atlases") / "discs", AgeGroup(50, 69))


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two participants who can be used and three who cannot; not to be changed."""
    folder = tmp_path_factory.mktemp("cohort")
    raters = {"expert": 0.0, "rater1": 1.6, "rater2": -2.4}
    write_participant(folder, "sub-01", raters, 1)
    write_participant(folder, "sub-02", raters, 2, wide=1.05)
    write_participant(folder, "sub-03", {"expert": 0.0, "rater1": 1.6}, 3)
    write_participant(folder, "sub-05", raters, 5)
    write_table(
        folder,
        "participant_id age sex split ischaemic\nsub-01 55 F validation yes\n"
        "sub-02 61 M validation no\nsub-03 62 M validation no\nsub-04 63 M build no\n"
        "sub-05 20 M validation n/a\nsub-06 60 F validation no\n",
    )
    return folder


@pytest.fixture(scope="session")
def writing() -> object:
    """The functions above, for tests that need a cohort of their own."""

    class Writing:
        participant = staticmethod(write_participant)
        table = staticmethod(write_table)
        atlas = staticmethod(write_atlas)
        labels_at = staticmethod(labels_at)
        head_at = staticmethod(head_at)
        shape = KEY_SLICE_SHAPE

    return Writing


@pytest.fixture(scope="session")
def make_scores() -> MakeScores:
    """Return a function that makes scores of given DSC, shape (participants, 10), by pair."""

    def make(values: Mapping[Pair, NDArray[np.float64]]) -> Scores:
        return Scores(
            tuple(
                Agreement(
                    f"sub-{place:02d}",
                    region,
                    side,
                    first,
                    second,
                    float(of_pair[place, region - 1]),
                    10 * (1 - float(of_pair[place, region - 1])),
                    1 - float(of_pair[place, region - 1]),
                    100.0 + place,
                    100.0,
                )
                for (first, second), of_pair in values.items()
                for place in range(len(of_pair))
                for region in Region
                for side in ("both", "left", "right")
            )
        )

    return make
