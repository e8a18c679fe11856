"""Training DA-Net, complete: a stroke cohort in, two models and their calibration out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from aspects_scorer.ncct.da_net.network import KINDS
from aspects_scorer.ncct.da_net.patches import GROUPS
from aspects_scorer.ncct.da_net.training.calibrating import calibrate
from aspects_scorer.ncct.da_net.training.cases import case_of
from aspects_scorer.ncct.da_net.training.examples import read_case, write_case
from aspects_scorer.ncct.da_net.training.network import (
    FIRST_FEATURES,
    GROWTH,
    LAYERS,
    write_da_net,
)
from aspects_scorer.ncct.da_net.training.recipe import DANetRecipe, Settings
from atlas_builder.cohorts.participants import Participant, Refusal
from atlas_builder.cohorts.stroke_subjects import read_stroke_subject
from atlas_builder.cohorts.stroke_truth import StrokeTruth
from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.cache import Preparation, prepare_subjects
from atlas_builder.networks.training.checkpoint import Progressed
from atlas_builder.networks.training.device import Machine
from atlas_builder.networks.training.folder import claim, forget
from atlas_builder.networks.training.loop import train
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.workflows.ncct.score import map_scan_for_scoring
from atlas_builder.workflows.training.telling import telling

VALIDATED = 6
"""One head of so many is validated on and calibrated with, not trained on."""

_LEAST_HEADS = 12

Subject: TypeAlias = tuple[Participant, StrokeTruth]


def train_da_net(
    subjects: Sequence[Subject],
    out: Path,
    settings: Settings,
    machine: Machine,
    *,
    restart: bool = False,
    progress: Progress = no_progress,
) -> tuple[list[Path], list[Refusal]]:
    """Map the heads of a stroke cohort and train both networks on them.

    What was mapped and trained before in the same folder is not repeated.

    Parameters
    ----------
    subjects : sequence of tuple
        From `read_stroke_cohort`.
    out : Path
        Gets the heads, and a folder a network with its checkpoint, curve and weights.
    settings : Settings
        Decides the result, that of both networks.
    machine : Machine
        Where to train.
    restart : bool
        Forget an earlier training; the mapped heads are kept.
    progress : callable
        Called with the stage, how much of it is done and how much there is.

    Returns
    -------
    weights : list of Path
        Of the cortical and of the deep network.
    refusals : list of Refusal
        Who was left out, and why.

    Raises
    ------
    InputError
        Fewer than twelve heads can be used, or the folder holds another training.
    """
    out.mkdir(parents=True, exist_ok=True)
    heads = out / "heads"
    heads.mkdir(exist_ok=True)
    kept = [Preparation(one, heads / f"{one[0].participant_id}.npz") for one in subjects]
    files, refusals = prepare_subjects(
        _map_one, kept, stage="Mapping", jobs=machine.jobs, progress=progress
    )
    if len(files) < _LEAST_HEADS:
        raise InputError(
            f"{out}: {len(files)} heads can be used, at least {_LEAST_HEADS} are needed; simulate "
            "more with simulate-cohort --infarcts"
        )
    machine.use_threads()
    cases = [read_case(file) for file in files]
    chosen = range(VALIDATED // 2, len(cases), VALIDATED)
    validation = [cases[index] for index in chosen]
    trained_on = [case for index, case in enumerate(cases) if index not in chosen]
    names = [file.stem for index, file in enumerate(files) if index not in chosen]
    weights = []
    for group in GROUPS:
        folder, file = out / KINDS[group], f"{KINDS[group]}.onnx"
        if restart:
            forget(folder, file)
        claim(folder, {"settings": settings.fixed, "heads": names})
        recipe = DANetRecipe(group, trained_on, validation, settings, machine.loaders)
        weights.append(_train_group(recipe, folder / file, machine, progress))
    return weights, refusals


def _train_group(recipe: DANetRecipe, path: Path, machine: Machine, progress: Progress) -> Path:
    settings = recipe.settings

    tell = telling(recipe.group, settings.steps, lambda record: f"AUC {record['validation_auc']}")
    trained = train(
        recipe, path.parent, device=machine.device, progress=progress, when_evaluated=tell
    )
    network = trained.network.cpu()
    described = _describe(recipe, trained.done, machine)
    described["calibration"] = calibrate(network, recipe.validation, GROUPS[recipe.group])
    if settings.compares:  # the model that is run; the other is trained for a comparison only
        write_da_net(path, network, recipe.group, described)
    else:
        with replacing(path.with_suffix(".json")) as partial:
            partial.write_text(json.dumps(described, indent=2) + "\n", "utf-8")
    return path


def _map_one(task: Preparation[Subject]) -> Refusal | None:
    participant, truth = task.subject
    try:
        subject = read_stroke_subject(participant, truth)
        mapped = map_scan_for_scoring(subject.scan, participant.age)
    except InputError as error:
        return Refusal(participant.participant_id, str(error))
    with replacing(task.path) as partial:
        write_case(partial, case_of(subject, mapped))
    return None


def _describe(recipe: DANetRecipe, done: Progressed, machine: Machine) -> dict[str, Any]:
    """Return all that is recorded beside the weights."""
    settings = recipe.settings
    precision = "bfloat16" if settings.mixed_precision else "float32"
    described: dict[str, Any] = {
        "network": {
            "architecture": "DA-Net",
            "first_features": FIRST_FEATURES,
            "growth": GROWTH,
            "layers": list(LAYERS),
        },
        "regions": [region.name for region in GROUPS[recipe.group]],
        "settings": asdict(settings),
        "command": "train-da-net --cohort COHORT --out OUT "
        f"--steps {settings.steps} --batch {settings.batch} "
        f"--learning-rate {settings.learning_rate:g} --attention {settings.attention:g} "
        f"{'' if settings.compares else '--no-comparison '}"
        f"--validate-every {settings.validate_every} --precision {precision} "
        f"--device {machine.device.type} --seed {settings.seed} --jobs {machine.jobs}",
        "heads": {"training": len(recipe.cases), "validation": len(recipe.validation)},
        "device": machine.device.type,
        "threads": machine.jobs,
        "seconds": round(done.seconds, 1),
        "history": list(done.history),
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
    }
    return dict(json.loads(json.dumps(described)))
