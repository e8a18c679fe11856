"""Training on a cohort, from its files to weights and reports."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.device import Machine
from atlas_builder.networks.training.folder import forget
from atlas_builder.workflows.training import localizer as training_run
from atlas_builder.workflows.training.localizer import (
    cross_validate_cohort,
    train_on_cohort,
)
from slice_localizer.network.model import read_localizer
from slice_localizer.training.plan import Plan, Stage

PLAN = Plan(
    stages=(Stage(32, 1),),
    batch=1,
    backbone="resnet18",
    seed=2,
    check_every=1,
    context_units=16,
    watched_samples=2,
    calibration_samples=3,
)
MACHINE = Machine(torch.device("cpu"), jobs=1, loaders=0)


pytestmark = pytest.mark.usefixtures("at_once")


def add_split(cohort, splits):
    table = cohort / "participants.tsv"
    header, *rows = table.read_text().splitlines()
    lines = [f"{header}\tsplit", *(f"{r}\t{s}" for r, s in zip(rows, splits, strict=True))]
    table.write_text("\n".join(lines) + "\n")


def names(stems):
    return [stem[:6] for stem in stems]


def test_validation_rows_are_watched_and_the_rest_is_learnt(scanned_cohort, tmp_path):
    add_split(scanned_cohort, ["build", "validation", "build", "test"])
    (scanned_cohort / "sub-03" / "sub-03_ct.nii").unlink()
    out = tmp_path / "training"
    weights, refusals = train_on_cohort(scanned_cohort, out, "expert", PLAN, MACHINE)
    samples = read_localizer(weights).training["exams"]
    assert names(samples["participants"]) == ["sub-01"]
    assert names(samples["watched"]) == ["sub-02"]
    assert [one.participant_id for one in refusals] == ["sub-03"]
    page = (out / "report.html").read_text()
    assert "sub-03_ct.nii.gz: no such file" in page
    assert str(tmp_path) not in page


def test_without_a_split_some_are_kept_to_watch(scanned_cohort, tmp_path):
    out = tmp_path / "training"
    train_on_cohort(scanned_cohort, out, "expert", PLAN, MACHINE)
    samples = json.loads((out / "training.json").read_text())["exams"]
    assert len(samples["watched"]) == 1
    assert sorted(names(samples["participants"] + samples["watched"])) == [
        "sub-01",
        "sub-02",
        "sub-03",
        "sub-04",
    ]
    with pytest.raises(InputError, match="--restart to replace it"):
        train_on_cohort(scanned_cohort, out, "expert", replace(PLAN, batch=2), MACHINE)
    forget(out, training_run.NETWORK)
    assert not (out / "checkpoint.safetensors").exists()
    assert len(list((out / "scans").iterdir())) == 4


def test_folds_end_in_a_report(scanned_cohort, tmp_path):
    out = tmp_path / "folds"
    assert cross_validate_cohort(scanned_cohort, out, "expert", 2, PLAN, MACHINE) == []
    page = (out / "report.html").read_text()
    assert "Cross-validation of the key-slice network" in page
    table = (out / "tables" / "table_folds_by_score.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in table[1:]] == 3 * ["fold 1"] + 3 * ["fold 2"] + 3 * [
        "all folds"
    ]
    assert not (out / "localizer.onnx").exists()


def test_a_cohort_with_nobody_to_learn_from(scanned_cohort, tmp_path):
    add_split(scanned_cohort, ["validation"] * 4)
    with pytest.raises(InputError, match="all scans are for validation"):
        train_on_cohort(scanned_cohort, tmp_path / "out", "expert", PLAN, MACHINE)
