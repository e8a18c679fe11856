"""A cohort of drawn heads whose raters' errors are known, and the head itself as an atlas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from drawn_head import CHILD

from atlas_builder.catalogue.atlas import AtlasLevel, write_level, write_metadata
from atlas_builder.core.anatomy import LEVELS, AgeGroup
from atlas_builder.preprocessing.key_slice import key_slice_affine, key_slice_grid


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
        ct = np.rint(CHILD.image(points, level) + noise).astype(np.int16)
        images = {"ct": ct}
        for rater, off in raters.items():
            moved = points + np.reshape([0.0, off], (2, 1, 1))
            images[f"rater-{rater}_labels"] = CHILD.labels(moved, level)
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
        image = np.where(CHILD.brain(points, level), CHILD.image(points, level), 0)
        labels = CHILD.labels(points, level)
        content = AtlasLevel(image.astype(np.float32), labels, key_slice_affine())
        files += write_level(folder, level, group, content)
    write_metadata(folder, {"age_group": str(group), "name": folder.name}, files)
    return folder


@pytest.fixture(scope="session")
def atlas_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An atlas for 50-69; not to be changed."""
    return write_atlas(tmp_path_factory.mktemp("atlases") / "drawn", AgeGroup(50, 69))


@pytest.fixture(scope="session")
def rated_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
        head_at = staticmethod(CHILD.image)

    return Writing
