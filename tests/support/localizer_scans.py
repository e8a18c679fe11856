"""Heads of simple shapes: a person for rendering, scans of known heights, a cohort on the disk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from drawn_head import in_skull, radius_of
from numpy.typing import NDArray

from atlas_builder.core.anatomy import LEVELS, regions_of
from atlas_builder.core.scan import Scan
from atlas_builder.runtime.workers import Workers
from slice_localizer.training.sample import Sample
from slice_localizer.training.subjects import SubjectVolume

Array = NDArray[np.float64]
STEP_MM = 5.0
BGL = 4


def head_hu(x: Array, y: Array, z: Array) -> Array:
    """A skull around a brain that becomes denser by 1 HU a mm from 30 mm below the BGL on."""
    radius = radius_of((x, y, z), (62.0, 78.0, 75.0), middle=(0.0, 0.0, 10.0))
    return in_skull(radius, np.clip(20.0 + (z + 30.0), 5.0, 110.0))


@pytest.fixture(scope="session")
def person() -> SubjectVolume:
    """The head at 3 mm; its BGL point is off the middle of the grid."""
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = (-90.0, -108.0, -84.0)
    shape = (61, 73, 63)
    x, y, z = (affine[a, 3] + 3.0 * np.arange(n) for a, n in enumerate(shape))
    hu = head_hu(*np.meshgrid(x, y, z, indexing="ij")).astype(np.int16)
    return SubjectVolume(hu, (hu > 0) & (hu < 200), affine, np.zeros(3))


def make_scan(heights: Array, pixel_mm: float = 4.0, columns: int = 48, rows: int = 56) -> Scan:
    """Level slices of the head at heights above the BGL, in that order."""
    affines = np.tile(np.diag([-pixel_mm, -pixel_mm, 1.0, 1.0]), (len(heights), 1, 1))
    affines[:, :2, 3] = pixel_mm * (columns - 1) / 2, pixel_mm * (rows - 1) / 2
    affines[:, 2, 3] = heights
    x = affines[0, 0, 3] - pixel_mm * np.arange(columns)
    y = affines[0, 1, 3] - pixel_mm * np.arange(rows)
    grid = np.meshgrid(x, y, np.asarray(heights, float), indexing="ij")
    return Scan(head_hu(*grid).astype(np.float32), affines)


@pytest.fixture(scope="session")
def scan_of() -> Callable[..., Scan]:
    return make_scan


def make_sample(number: int, size: int = 32) -> Sample:
    """A sample of 6 to 9 slices whose brightness tells their height; another for every number."""
    rng = np.random.default_rng(number)
    heights = np.arange(6 + number % 4) * 6.0 - rng.uniform(8.0, 20.0)
    hu = torch.from_numpy(rng.normal(40.0, 2.0, (len(heights), size, size)).astype(np.float32))
    hu = hu + torch.from_numpy(heights.astype(np.float32))[:, None, None]
    return Sample(hu.half(), torch.from_numpy(heights).float(), int(np.abs(heights).argmin()))


@pytest.fixture(scope="session")
def sample_of() -> Callable[..., Sample]:
    return make_sample


def write_participant(folder: Path, shift: float, descending: bool = False) -> None:
    """Ten slices of 5 mm, the regions on slices 4 and 8 (counted from the feet)."""
    heights = (np.arange(10) - BGL) * STEP_MM + shift
    if descending:
        heights = heights[::-1]
    scan = make_scan(heights)
    labels = np.zeros(scan.data.shape, np.uint8)
    for level, height in zip(LEVELS, (shift, shift + 4 * STEP_MM), strict=True):
        place = int(np.abs(heights - height).argmin())
        for row, region in enumerate(regions_of(level)):
            rows = slice(14 + 4 * row, 17 + 4 * row)
            labels[14:20, rows, place] = labels[28:34, rows, place] = region
    # A file's affine holds one step for all slices.
    affine = scan.affines[0].copy()
    affine[2, 2] = heights[1] - heights[0]
    folder.mkdir(parents=True)
    for ending, data in (("ct", scan.data.astype(np.int16)), ("rater-expert_labels", labels)):
        nib.save(nib.Nifti1Image(data, affine), folder / f"{folder.name}_{ending}.nii")


@pytest.fixture
def scanned_cohort(tmp_path: Path) -> Path:
    """Four participants whose BGL slice lies up to 2 mm off the level; one stored downwards."""
    folder = tmp_path / "cohort"
    for number, shift in enumerate((-2.0, 0.0, 1.0, 2.0), start=1):
        write_participant(folder / f"sub-0{number}", shift, descending=number == 3)
    ages = "".join(f"sub-0{n}\t{age}\n" for n, age in enumerate((25, 41, 66, 80), start=1))
    (folder / "participants.tsv").write_text("participant_id\tage\n" + ages)
    return folder


@pytest.fixture
def at_once(here: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans and persons are prepared in this very process."""
    monkeypatch.setattr(
        "atlas_builder.networks.training.cache.open_workers", lambda jobs: nullcontext(here)
    )
