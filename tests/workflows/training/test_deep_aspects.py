"""Both networks of Deep-ASPECTS are trained on aligned heads, written and described."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from drawn_cohort import write_drawn_cohort
from striped_head import mni_head

from aspects_scorer.ncct.da_net.standard_view import view_of
from aspects_scorer.ncct.deep_aspects.network import ANATOMY, INFARCT, TASKS
from aspects_scorer.ncct.deep_aspects.training.cases import Case, write_case
from aspects_scorer.ncct.deep_aspects.training.recipe import Settings
from atlas_builder.cohorts.stroke_subjects import read_stroke_cohort
from atlas_builder.core.anatomy import Region
from atlas_builder.core.errors import InputError
from atlas_builder.networks.model import open_model
from atlas_builder.networks.training.device import Machine
from atlas_builder.workflows.training.deep_aspects import train_deep_aspects

CPU = Machine(torch.device("cpu"))
SETTINGS = Settings(seed=3, steps=2, batch=2, validate_every=2, mixed_precision=False)


def write_heads(folder, names, with_regions=True):
    """Heads that were aligned already, every other with an infarct of M5 on the left."""
    folder.mkdir(parents=True)
    view = view_of(mni_head())
    regions = np.where(view.labels > 10, view.labels - 10, view.labels).astype(np.uint8)
    for number, name in enumerate(names):
        lesion = np.where(view.labels == Region.M5, 255 * (number % 2), 0).astype(np.uint8)
        hu = np.rint(view.hu - 5.0 * lesion / 255).astype(np.int16)
        write_case(folder / f"{name}.npz", Case(hu, regions * with_regions, lesion))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deep-aspects")
    names = write_drawn_cohort(folder / "cohort", 6)
    return folder, names, read_stroke_cohort(folder / "cohort")[0]


@pytest.mark.slow
def test_both_networks_are_written_and_described(cohort, tmp_path):
    _, names, subjects = cohort
    write_heads(tmp_path / "heads", names)
    tasks = [(task, SETTINGS) for task in TASKS]
    weights, refusals = train_deep_aspects(subjects, tmp_path, tasks, CPU)
    assert not refusals
    for path, task in zip(weights, TASKS, strict=True):
        open_model(path, task.kind)
        described = json.loads(path.with_suffix(".json").read_text())
        assert described["heads"] == {"training": 5, "validation": 1}
        assert described["settings"]["seed"] == 3
        assert described["history"][-1]["step"] == 2
        assert f"--network {task.kind.rpartition('-')[2]} --steps 2" in described["command"]
        assert str(tmp_path) not in json.dumps(described)
    with pytest.raises(InputError, match="other settings"):
        train_deep_aspects(subjects, tmp_path, [(INFARCT, Settings(seed=4, steps=2))], CPU)


def test_regions_are_needed_to_learn_regions(cohort, tmp_path):
    _, names, subjects = cohort
    write_heads(tmp_path / "heads", names, with_regions=False)
    with pytest.raises(InputError, match="0 heads can be used for deep-aspects-anatomy"):
        train_deep_aspects(subjects, tmp_path, [(ANATOMY, SETTINGS)], CPU)
