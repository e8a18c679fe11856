"""Both networks of the cascade are trained, resumed and written; who is left out is named."""

from __future__ import annotations

import json

import pytest
import torch
from drawn_cohort import write_drawn_cohort

from aspects_scorer.ncct.vb_net.training.recipe import Settings
from atlas_builder.cohorts.participants import read_everyone
from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.device import Machine
from atlas_builder.workflows.training.region_segmenter import train_region_segmenter

CPU = Machine(torch.device("cpu"))
SETTINGS = Settings(seed=3, steps=5, validate_every=5, mixed_precision=False)


@pytest.mark.slow
def test_two_models_come_out_and_a_second_run_has_nothing_to_do(tmp_path):
    names = write_drawn_cohort(tmp_path / "cohort", 6)
    (tmp_path / "cohort" / names[1] / f"{names[1]}_desc-regions_labels.nii.gz").unlink()
    participants, _ = read_everyone(tmp_path / "cohort")
    weights, refusals = train_region_segmenter(participants, tmp_path / "out", SETTINGS, CPU)
    assert [one.participant_id for one in refusals] == [names[1]]
    assert "desc-regions_labels" in refusals[0].reason
    described = [json.loads(path.with_suffix(".json").read_text()) for path in weights]
    assert [one["settings"]["steps"] for one in described] == [1, 5]
    assert [one["heads"] for one in described] == [{"training": 4, "validation": 1}] * 2
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in weights]
    train_region_segmenter(participants, tmp_path / "out", SETTINGS, CPU)
    assert [path.read_bytes() for path in weights] == [data for data, _ in before]
    other = Settings(**{**SETTINGS.__dict__, "seed": 4})
    with pytest.raises(InputError, match="--restart"):
        train_region_segmenter(participants, tmp_path / "out", other, CPU)


def test_too_few_heads_are_refused(tmp_path):
    write_drawn_cohort(tmp_path / "cohort", 3)
    participants, _ = read_everyone(tmp_path / "cohort")
    with pytest.raises(InputError, match="3 heads with regions can be used, at least 4"):
        train_region_segmenter(participants, tmp_path / "out", SETTINGS, CPU)
