"""Both networks of DA-Net are trained on mapped heads, calibrated and written."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_cohort import write_drawn_cohort
from striped_head import mni_head

from aspects_scorer.ncct.da_net.network import KINDS, RULE_NAMES
from aspects_scorer.ncct.da_net.standard_view import view_of
from aspects_scorer.ncct.da_net.training.examples import StandardCase, write_case
from aspects_scorer.ncct.da_net.training.recipe import Settings
from atlas_builder.cohorts.stroke_subjects import read_stroke_cohort
from atlas_builder.core.anatomy import Region
from atlas_builder.core.errors import InputError
from atlas_builder.networks.model import open_model
from atlas_builder.networks.training.device import Machine
from atlas_builder.workflows.training.da_net import train_da_net

CPU = Machine(torch.device("cpu"))
SETTINGS = Settings(seed=3, steps=2, batch=1, validate_every=2, mixed_precision=False)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Twelve heads, mapped already, every other with an infarct of M5 and L on the left."""
    folder = tmp_path_factory.mktemp("da-net")
    names = write_drawn_cohort(folder / "cohort", 12)
    (folder / "heads").mkdir()
    views = [view_of(mni_head(added)) for added in ({}, {("left", Region.M5): -6.0})]
    for number, name in enumerate(names):
        view = views[number % 2]
        shares = np.zeros((2, 10))
        shares[0, [Region.M5 - 1, Region.L - 1]] = number % 2
        lesion = np.where(view.labels == Region.M5, 255 * (number % 2), 0).astype(np.uint8)
        case = StandardCase(view.hu.astype(np.float16), view.labels, lesion, shares)
        write_case(folder / "heads" / f"{name}.npz", case)
    return folder


@pytest.fixture
def out(cohort, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "heads").symlink_to(cohort / "heads")
    return tmp_path / "out"


@pytest.mark.slow
def test_two_calibrated_models_come_out(cohort, out):
    subjects, _ = read_stroke_cohort(cohort / "cohort")
    weights, refusals = train_da_net(subjects, out, SETTINGS, CPU)
    assert not refusals
    for path, (group, kind) in zip(weights, KINDS.items(), strict=True):
        open_model(path, kind)
        described = json.loads(path.with_suffix(".json").read_text())
        assert set(described["calibration"]) == set(RULE_NAMES), group
        assert described["heads"] == {"training": 10, "validation": 2}
        assert "train-da-net --cohort COHORT" in described["command"]


@pytest.mark.slow
def test_without_the_comparison_nothing_is_written_that_could_be_run(cohort, out):
    subjects, _ = read_stroke_cohort(cohort / "cohort")
    weights, _ = train_da_net(subjects, out, replace(SETTINGS, compares=False), CPU)
    assert not any(path.exists() for path in weights)
    described = json.loads(weights[0].with_suffix(".json").read_text())
    assert "--no-comparison" in described["command"]
    with pytest.raises(InputError, match="--restart"):
        train_da_net(subjects, out, SETTINGS, CPU)


def test_too_few_heads_are_refused(cohort, out):
    subjects, _ = read_stroke_cohort(cohort / "cohort")
    with pytest.raises(InputError, match="at least 12 are needed"):
        train_da_net(subjects[:5], out, SETTINGS, CPU)
