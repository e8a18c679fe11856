"""Rendered samples: what is said of their heights is true, however the slices lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from slice_localizer.training import rendering
from slice_localizer.training.rendering import render

SEEDS = range(16)


@pytest.fixture
def bare(monkeypatch):
    """Slices keep the densities of the volume."""
    monkeypatch.setattr(rendering, "draw_appearance", lambda slices, heights, rng: slices)


def with_blob(person, centre, sd=8.0):
    """The person with nothing but a Gaussian of 2000 HU in soft tissue around `centre`, in mm."""
    x, y, z = (person.affine[a, 3] + 3.0 * np.arange(n) for a, n in enumerate(person.hu.shape))
    grid = np.meshgrid(x, y, z, indexing="ij")
    squares = sum((axis - at) ** 2 for axis, at in zip(grid, centre, strict=True))
    hu = np.where(person.hu > -500, 2000.0 * np.exp(-squares / (2 * sd**2)), person.hu)
    return replace(person, hu=np.round(hu).astype(np.int16), brain=np.ones(hu.shape, bool))


def test_what_lies_at_the_level_appears_at_height_zero(person, bare):
    """For every tilt, turn, spacing, thickness and proportion that chance draws."""
    marked = with_blob(person, person.bgl_point)
    found = []
    for seed in range(30):
        sample = render(marked, np.random.default_rng(seed), 48)
        heights = sample.heights_mm.double().numpy()
        around = np.diff(heights[np.abs(heights) < 36]).max() < 11
        if not (around and heights[0] < -24 and heights[-1] > 24):
            continue  # the blob is not sampled evenly
        seen = sample.hu.double().clamp(min=0).sum(dim=(1, 2)).numpy() * np.gradient(heights)
        found.append(float(seen @ heights / seen.sum()))
    assert len(found) > 12
    assert np.abs(found).max() < 0.4


def test_heights_are_those_of_the_slices_not_their_places(person, bare):
    """A blob 24 mm above the level shows there: upwards is upwards, and a mm is a mm."""
    marked = with_blob(person, (0.0, 0.0, 24.0))
    found = []
    for seed in SEEDS:
        sample = render(marked, np.random.default_rng(seed), 48)
        heights = sample.heights_mm.double().numpy()
        if heights[-1] < 50 or np.diff(heights[heights > -10]).max() > 11:
            continue
        seen = sample.hu.double().clamp(min=0).sum(dim=(1, 2)).numpy() * np.gradient(heights)
        found.append(float(seen @ heights / seen.sum()))
    # Tilts of some degrees and proportions of some percent shift it by a few mm either way.
    assert np.mean(found) == pytest.approx(24.0, abs=1.5)
    assert 18.0 < min(found) <= max(found) < 30.0


def test_rows_run_from_the_front_to_the_back(person, bare):
    marked = with_blob(person, (0.0, 45.0, 0.0))
    for seed in SEEDS:
        sample = render(marked, np.random.default_rng(seed), 48)
        seen = sample.hu.double().clamp(min=0).sum(dim=(0, 2)).numpy()
        assert seen @ np.arange(48) / seen.sum() < 20


def test_samples_are_what_the_network_expects(person):
    for seed in SEEDS:
        sample = render(person, np.random.default_rng(seed), 32)
        heights = sample.heights_mm.numpy()
        assert sample.hu.shape == (len(heights), 32, 32)
        assert len(heights) <= 28
        assert (np.diff(heights) > 0).all()
        assert sample.bgl == np.abs(heights).argmin()
        assert abs(heights[sample.bgl]) < 10.1  # the level is among the slices, also beside a gap
        assert torch.isfinite(sample.hu).all()
        assert sample.hu.min() >= -1024


def test_the_seed_decides_everything(person):
    first, again, other = (render(person, np.random.default_rng(n), 32) for n in (5, 5, 6))
    assert torch.equal(first.hu, again.hu)
    assert torch.equal(first.heights_mm, again.heights_mm)
    assert first.hu.shape != other.hu.shape or not torch.equal(first.hu, other.hu)


def test_chance_draws_what_scanners_do():
    """Spacing from 2 to 10 mm, a third of it 5 mm; the level seldom at the same slice."""
    spacings = [
        float(np.median(np.diff(rendering._draw_heights(80.0, np.random.default_rng(seed)))))
        for seed in range(300)
    ]
    assert 1.0 < min(spacings) < 2.6
    assert 9.0 < max(spacings) < 10.1
    assert 0.25 < np.mean(np.isclose(spacings, 5.0)) < 0.45
