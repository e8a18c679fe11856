"""Training the VB-Net cascade, complete: a cohort with region labels in, two models out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import monai
import torch

from aspects_scorer.ncct.vb_net.network import COARSE, FINE, Stage
from aspects_scorer.ncct.vb_net.training.cases import prepare_heads
from aspects_scorer.ncct.vb_net.training.examples import CACHE_PIXEL_MM, read_region_scan
from aspects_scorer.ncct.vb_net.training.network import FILTERS, write_stage
from aspects_scorer.ncct.vb_net.training.recipe import RegionRecipe, Settings
from atlas_builder.cohorts.participants import Participant, Refusal
from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.checkpoint import Progressed
from atlas_builder.networks.training.device import Machine
from atlas_builder.networks.training.folder import claim, forget
from atlas_builder.networks.training.loop import train
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.workflows.training.telling import telling

STAGES = (COARSE, FINE)
VALIDATED = 10
"""One head of so many is validated on, not trained on."""

_LEAST_HEADS = 4


def train_region_segmenter(
    participants: Sequence[Participant],
    out: Path,
    settings: Settings,
    machine: Machine,
    *,
    restart: bool = False,
    progress: Progress = no_progress,
) -> tuple[list[Path], list[Refusal]]:
    """Train both networks of the cascade on heads with true regions.

    What was prepared and trained before in the same folder is not repeated. Every tenth head of
    those that can be used, in the order of the table, is kept for validation.

    Parameters
    ----------
    participants : sequence of Participant
        With ``sub-XX_desc-regions_labels.nii.gz`` beside each scan.
    out : Path
        Gets the heads, and a folder a network with its checkpoint, curve and weights.
    settings : Settings
        Decides the result, that of both networks; the first gets a fifth of the steps.
    machine : Machine
        Where to train.
    restart : bool
        Forget an earlier training; the prepared heads are kept.
    progress : callable
        Called with the stage, how much of it is done and how much there is.

    Returns
    -------
    weights : list of Path
        Of the first and of the second network.
    refusals : list of Refusal
        Who was left out, and why.

    Raises
    ------
    InputError
        Fewer than four heads can be used, or the folder holds another training.
    """
    out.mkdir(parents=True, exist_ok=True)
    usable, refusals = prepare_heads(participants, out / "heads", machine.jobs, progress)
    if len(usable) < _LEAST_HEADS:
        raise InputError(
            f"{out}: {len(usable)} heads with regions can be used, at least {_LEAST_HEADS} are "
            "needed; write sub-XX_desc-regions_labels.nii.gz beside the scans"
        )
    machine.use_threads()
    weights = []
    for stage, share in zip(STAGES, (5, 1), strict=True):
        own = Settings(**{**asdict(settings), "steps": max(1, settings.steps // share)})
        weights.append(_train_stage(stage, usable, out, own, machine, restart, progress))
    return weights, refusals


def _train_stage(
    stage: Stage,
    heads: Sequence[Path],
    out: Path,
    settings: Settings,
    machine: Machine,
    restart: bool,
    progress: Progress,
) -> Path:
    folder, file = out / stage.kind, f"{stage.kind}.onnx"
    if restart:
        forget(folder, file)
    validated = heads[VALIDATED // 2 :: VALIDATED] or heads[-1:]
    trained_on = [one for one in heads if one not in validated]
    names = [one.name for one in trained_on]
    claim(folder, {"settings": settings.fixed, "heads": names})
    recipe = RegionRecipe(
        stage,
        [read_region_scan(one) for one in trained_on],
        [read_region_scan(one) for one in validated],
        settings,
        machine.loaders,
    )

    tell = telling(
        stage.kind, settings.steps, lambda record: f"Dice {record['validation_dice']:.4f}"
    )
    trained = train(recipe, folder, device=machine.device, progress=progress, when_evaluated=tell)
    described = _describe(stage, settings, trained.done, machine, len(names), len(validated))
    write_stage(folder / file, trained.network.cpu(), stage, described)
    return folder / file


def _describe(
    stage: Stage,
    settings: Settings,
    done: Progressed,
    machine: Machine,
    trained_on: int,
    validated_on: int,
) -> dict[str, Any]:
    """Return all that is recorded beside the weights."""
    precision = "bfloat16" if settings.mixed_precision else "float32"
    described: dict[str, Any] = {
        "network": {"architecture": "VB-Net", "filters": list(FILTERS)},
        "input": {
            "pixel_mm": stage.pixel_mm,
            "cache_pixel_mm": CACHE_PIXEL_MM,
            "crop": list(stage.crop),
        },
        "settings": asdict(settings),
        "command": "train-region-segmenter --cohort COHORT --out OUT "
        f"--steps {settings.steps * (5 if stage is COARSE else 1)} --batch {settings.batch} "
        f"--learning-rate {settings.learning_rate:g} --validate-every {settings.validate_every} "
        f"--precision {precision} --device {machine.device.type} --seed {settings.seed} "
        f"--jobs {machine.jobs}",
        "heads": {"training": trained_on, "validation": validated_on},
        "device": machine.device.type,
        "threads": machine.jobs,
        "seconds": round(done.seconds, 1),
        "history": list(done.history),
        "versions": {"torch": torch.__version__, "monai": monai.__version__},
    }
    return dict(json.loads(json.dumps(described)))
