"""Training Deep-ASPECTS, complete: a stroke cohort in, two models out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import monai
import torch

from aspects_scorer.ncct.deep_aspects.network import ANATOMY, Task
from aspects_scorer.ncct.deep_aspects.slices import CHANNELS, FRAME
from aspects_scorer.ncct.deep_aspects.training.cases import Case, case_of, read_case, write_case
from aspects_scorer.ncct.deep_aspects.training.network import DECODER, ENCODER, write_network
from aspects_scorer.ncct.deep_aspects.training.recipe import Settings, SliceRecipe
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
from atlas_builder.workflows.training.telling import telling

VALIDATED = 10
"""One head of so many is validated on, not trained on."""

_LEAST_HEADS = 4

Subject: TypeAlias = tuple[Participant, StrokeTruth]


def train_deep_aspects(
    subjects: Sequence[Subject],
    out: Path,
    tasks: Sequence[tuple[Task, Settings]],
    machine: Machine,
    *,
    restart: bool = False,
    progress: Progress = no_progress,
) -> tuple[list[Path], list[Refusal]]:
    """Bring the heads of a stroke cohort to the standard grid and train networks on them.

    What was prepared and trained before in the same folder is not repeated. Every tenth head of
    those that can be used, in the order of the table, is kept for validation.

    Parameters
    ----------
    subjects : sequence of tuple
        From `read_stroke_cohort`.
    out : Path
        Gets the heads, and a folder a network with its checkpoint, curve and weights.
    tasks : sequence of tuple
        Which networks to train, each with what decides its weights.
    machine : Machine
        Where to train.
    restart : bool
        Forget an earlier training; the prepared heads are kept.
    progress : callable
        Called with the stage, how much of it is done and how much there is.

    Returns
    -------
    weights : list of Path
        One a task.
    refusals : list of Refusal
        Who was left out, and why.

    Raises
    ------
    InputError
        Fewer than four heads can be used, or the folder holds another training.
    """
    out.mkdir(parents=True, exist_ok=True)
    heads = out / "heads"
    heads.mkdir(exist_ok=True)
    kept = [Preparation(one, heads / f"{one[0].participant_id}.npz") for one in subjects]
    files, refusals = prepare_subjects(
        _prepare, kept, stage="Aligning", jobs=machine.jobs, progress=progress
    )
    machine.use_threads()
    cases = {file.stem: read_case(file) for file in files}
    weights = [
        _train_task(task, cases, out, settings, machine, restart, progress)
        for task, settings in tasks
    ]
    return weights, refusals


def _train_task(
    task: Task,
    cases: dict[str, Case],
    out: Path,
    settings: Settings,
    machine: Machine,
    restart: bool,
    progress: Progress,
) -> Path:
    usable = [name for name, case in cases.items() if task is not ANATOMY or case.regions.any()]
    if len(usable) < _LEAST_HEADS:
        raise InputError(
            f"{out}: {len(usable)} heads can be used for {task.kind}, at least {_LEAST_HEADS} are "
            "needed; simulate more with simulate-cohort --infarcts"
        )
    validated = usable[VALIDATED // 2 :: VALIDATED] or usable[-1:]
    trained_on = [name for name in usable if name not in validated]
    folder, file = out / task.kind, f"{task.kind}.onnx"
    if restart:
        forget(folder, file)
    claim(folder, {"settings": settings.fixed, "heads": trained_on})
    recipe = SliceRecipe(
        task,
        [cases[name] for name in trained_on],
        [cases[name] for name in validated],
        settings,
        machine.loaders,
    )

    tell = telling(task.kind, settings.steps, lambda record: f"Dice {record['validation_dice']}")
    trained = train(recipe, folder, device=machine.device, progress=progress, when_evaluated=tell)
    described = _describe(recipe, trained.done, machine)
    write_network(folder / file, trained.network.cpu(), task, described)
    return folder / file


def _prepare(task: Preparation[Subject]) -> Refusal | None:
    participant, truth = task.subject
    try:
        case = case_of(read_stroke_subject(participant, truth))
    except InputError as error:
        return Refusal(participant.participant_id, str(error))
    with replacing(task.path) as partial:
        write_case(partial, case)
    return None


def _describe(recipe: SliceRecipe, done: Progressed, machine: Machine) -> dict[str, Any]:
    """Return all that is recorded beside the weights."""
    settings = recipe.settings
    precision = "bfloat16" if settings.mixed_precision else "float32"
    described: dict[str, Any] = {
        "network": {
            "architecture": "U-Net (MONAI FlexibleUNet)",
            "encoder": ENCODER,
            "decoder_features": list(DECODER),
        },
        "input": {"channels": CHANNELS, "pixels": list(FRAME)},
        "settings": asdict(settings),
        "command": "train-deep-aspects --cohort COHORT --out OUT "
        f"--network {recipe.task.kind.rpartition('-')[2]} --steps {settings.steps} "
        f"--batch {settings.batch} --optimizer {settings.optimizer} "
        f"--learning-rate {settings.learning_rate:g} --check-every {settings.validate_every} "
        f"--precision {precision} --device {machine.device.type} --seed {settings.seed} "
        f"--jobs {machine.jobs}",
        "heads": {"training": len(recipe.cases), "validation": len(recipe.validation)},
        "device": machine.device.type,
        "threads": machine.jobs,
        "seconds": round(done.seconds, 1),
        "history": list(done.history),
        "versions": {"torch": torch.__version__, "monai": monai.__version__},
    }
    return dict(json.loads(json.dumps(described)))
