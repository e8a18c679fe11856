"""Folds: nobody is read by a network that saw them, and finished folds are not repeated."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from atlas_builder.core.anatomy import AGE_GROUPS
from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.device import Machine
from slice_localizer.training import cross_validation
from slice_localizer.training.aspectslocnet import SliceScores
from slice_localizer.training.cohort_samples import KeptScan, keep_scans
from slice_localizer.training.cross_validation import (
    BY_HEIGHT,
    BY_SCORE,
    cross_validate,
    fold_tables,
    located_levels,
    split_folds,
)
from slice_localizer.training.plan import Plan, Stage

PLAN = Plan(stages=(Stage(32, 2),), batch=1, backbone="resnet18", seed=2)


def scans_of(ages):
    return [KeptScan(f"sub-{n}", age, None, Path(f"{n}.npz")) for n, age in enumerate(ages)]


def test_folds_divide_the_scans_with_ages_spread_evenly():
    scans = scans_of([20.0] * 10 + [40.0] * 11 + [60.0] * 7 + [80.0] * 14)
    folds = split_folds(scans, 5, 1)
    assert sorted(scan.participant_id for fold in folds for scan in fold) == sorted(
        scan.participant_id for scan in scans
    )
    assert max(map(len, folds)) - min(map(len, folds)) <= 1
    for group in AGE_GROUPS:
        counts = [sum(scan.age in group for scan in fold) for fold in folds]
        assert max(counts) - min(counts) <= 1
    assert split_folds(scans, 5, 1) == folds
    assert split_folds(scans, 5, 2) != folds


def test_too_few_scans_are_refused():
    with pytest.raises(InputError, match="3 scans cannot be divided into 5 folds"):
        split_folds(scans_of([20.0, 40.0, 60.0]), 5, 1)


def test_the_sgl_follows_from_the_bgl_found():
    affines = np.tile(np.eye(4), (12, 1, 1))
    affines[:, 2, 3] = np.arange(12) * 5.0
    bgl, sgl = located_levels("sub-1", affines, (4, 8), 5)
    assert (bgl.found_index, bgl.distance_mm) == (5, 5.0)
    assert (sgl.found_index, sgl.distance_mm) == (9, 5.0)
    # At the top no slice lies 2 cm higher: the highest counts.
    assert located_levels("sub-1", affines, (4, 8), 11)[1].found_index == 11


class Oracle:
    """Stands in for a network that reads the density of the brain's middle."""

    def __init__(self, seen):
        self.seen = seen

    def __call__(self, hu, lengths):
        middle = hu[:, 14:18, 14:18].float().mean(dim=(1, 2))
        return (SliceScores(-(middle - 50.0).abs(), middle - 50.0),)


@pytest.fixture
def trainings(monkeypatch):
    """Trainings that only note whom they saw."""
    noted = []

    def train(recipe, out, *_):
        noted.append(Counter(path.name[:6] for path in recipe.draw.paths))
        out.mkdir(parents=True)
        (out / "curve.jsonl").write_text('{"step": 2}\n')
        (out / "checkpoint.safetensors").write_text("")
        return Oracle(recipe.draw.paths)

    monkeypatch.setattr(cross_validation, "train_localizer_network", train)
    return noted


@pytest.mark.usefixtures("at_once")
def test_each_scan_is_read_by_a_network_that_never_saw_it(scanned_cohort, tmp_path, trainings):
    scans, _ = keep_scans(scanned_cohort, tmp_path / "kept", "expert", ["build"])
    machine = Machine(torch.device("cpu"))
    folds = cross_validate(scans, 2, PLAN, tmp_path / "out", machine=machine)
    assert len(trainings) == 2
    for seen, fold in zip(trainings, folds, strict=True):
        read = {one.participant_id for one in fold.found[BY_SCORE]}
        assert read.isdisjoint(seen)
        assert len(read | set(seen)) == 4
    everything = [one for fold in folds for one in fold.found[BY_HEIGHT]]
    assert len(everything) == 8  # two levels each
    assert all(one.is_exact for one in everything)
    assert not list((tmp_path / "out").rglob("checkpoint*"))

    (tmp_path / "out" / "fold-2" / "found.json").unlink()
    (tmp_path / "out" / "fold-2" / "curve.jsonl").unlink()
    (tmp_path / "out" / "fold-2").rmdir()
    again = cross_validate(scans, 2, PLAN, tmp_path / "out", machine=machine)
    assert len(trainings) == 3
    assert again == folds

    by_score, by_height = fold_tables(folds)
    assert [row[:3] for row in by_height.rows[-3:]] == [
        ("all folds", "BGL", 4),
        ("all folds", "SGL", 4),
        ("all folds", "both", 8),
    ]
    assert by_score.name == "table_folds_by_score"
    (tmp_path / "out" / "fold-1" / "found.json").write_text("{")
    with pytest.raises(InputError, match="remove it to repeat this fold"):
        cross_validate(scans, 2, PLAN, tmp_path / "out", machine=machine)
