"""Augmentation: another look at the same slices, with the same truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slice_localizer.training import augmentation
from slice_localizer.training.augmentation import MOST_SLICES, augment, resized
from slice_localizer.training.sample import Sample

SIZE = 48


def still(monkeypatch, **kept):
    """Leave out all chance but what is named."""
    quiet = {
        "_LEAST_SHARE": 1.0,
        "_PROPORTIONS": 0.0,
        "_ROTATION_DEG": 0.0,
        "_MIRRORED": 0.0,
        "_BACK_TO_FRONT": 0.0,
        "_DISTORTION": 0.0,
        "_MOST_NOISE_HU": 0.0,
    }
    for name, value in (quiet | kept).items():
        monkeypatch.setattr(augmentation, name, value)


@pytest.fixture
def sample():
    """Every slice the same: a bright square to the front and the left, in soft tissue."""
    hu = torch.full((5, SIZE, SIZE), -1000.0)
    hu[:, 6:42, 6:42] = 30.0
    hu[:, 12:16, 30:34] = 900.0
    return Sample(hu.half(), torch.arange(-10.0, 15.0, 5.0), 2)


def square(sample: Sample) -> tuple[float, float]:
    """Where the bright square is: row and column."""
    weight = (sample.hu[0].double() - 500.0).clamp(min=0)
    steps = torch.arange(sample.hu.shape[-1], dtype=torch.double)
    total = float(weight.sum())
    return float(weight.sum(1) @ steps) / total, float(weight.sum(0) @ steps) / total


def test_without_chance_nothing_changes(sample, monkeypatch):
    still(monkeypatch)
    seen = augment(sample, np.random.default_rng(0), SIZE)
    torch.testing.assert_close(seen.hu.float(), sample.hu.float(), atol=1.5, rtol=0)
    assert torch.equal(seen.heights_mm, sample.heights_mm)
    assert seen.bgl == sample.bgl


@pytest.mark.parametrize(
    ("flip", "place"),
    [("_MIRRORED", (13.5, 47 - 31.5)), ("_BACK_TO_FRONT", (47 - 13.5, 31.5))],
)
def test_flips(sample, monkeypatch, flip, place):
    still(monkeypatch, **{flip: 1.0})
    assert square(augment(sample, np.random.default_rng(0), SIZE)) == pytest.approx(place, abs=0.1)


def test_rotation_is_about_the_middle_and_at_most_thirty_degrees(sample, monkeypatch):
    still(monkeypatch, _ROTATION_DEG=30.0)
    angles = []
    for seed in range(40):
        row, column = square(augment(sample, np.random.default_rng(seed), SIZE))
        y, x = row - 23.5, column - 23.5
        assert np.hypot(x, y) == pytest.approx(np.hypot(8.0, 10.0), abs=0.3)
        angles.append(np.degrees(np.arctan2(y, x) - np.arctan2(-10.0, 8.0)))
    assert -30.5 < min(angles) < -20
    assert 20 < max(angles) < 30.5


def test_crops_enlarge_what_they_keep(sample, monkeypatch):
    still(monkeypatch, _LEAST_SHARE=0.64)
    areas = []
    for seed in range(20):
        seen = augment(sample, np.random.default_rng(seed), SIZE)
        areas.append(float((seen.hu[0] > 400).sum()) / 16)
    assert 0.9 < min(areas) < 1.2
    assert 1.3 < max(areas) < 1.9  # 1 / 0.64 and a rim of pixels


def test_all_slices_move_alike_and_noise_is_their_own(sample):
    seen = augment(sample, np.random.default_rng(3), SIZE)
    apart = (seen.hu[1:].float() - seen.hu[:1].float())[:, seen.hu[0] > -900]
    assert 0.1 < float(apart.std()) < 8.0
    assert float(apart.abs().max()) < 40.0  # a moved edge would be hundreds of HU


def test_the_seed_decides_everything(sample):
    first, again, other = (augment(sample, np.random.default_rng(n), 32) for n in (5, 5, 6))
    assert first.hu.shape == (5, 32, 32)
    assert torch.equal(first.hu, again.hu)
    assert not torch.equal(first.hu, other.hu)


def test_long_scans_are_cut_around_the_level(sample, monkeypatch):
    still(monkeypatch)
    heights = torch.arange(60.0) * 3.0 - 90.0
    hu = torch.zeros(60, 16, 16) + heights[:, None, None]
    firsts = set()
    for seed in range(30):
        seen = augment(Sample(hu.half(), heights, 30), np.random.default_rng(seed), 16)
        assert len(seen.heights_mm) == MOST_SLICES
        assert float(seen.heights_mm[seen.bgl]) == 0.0
        assert torch.allclose(seen.hu[:, 8, 8].float(), seen.heights_mm, atol=0.5)
        firsts.add(float(seen.heights_mm[0]))
    assert len(firsts) > 8


def test_resizing_averages(sample):
    small = resized(sample, SIZE // 4)
    blocks = sample.hu.float().reshape(5, 12, 4, 12, 4).mean(dim=(2, 4))
    torch.testing.assert_close(small.hu.float(), blocks, atol=0.6, rtol=0)
    assert small.bgl == sample.bgl
