"""Training the segmenter, complete: a folder of lesion masks in, weights and a report out."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import monai
import torch

from aspects_scorer.dwi.segmentation.network import CROP
from aspects_scorer.dwi.segmentation.preprocessing import LEAST_SLICE_MM, PIXEL_MM
from aspects_scorer.dwi.segmentation.training.network import FILTERS, write_segmenter
from aspects_scorer.dwi.segmentation.training.recipe import SegmenterRecipe, Settings
from aspects_scorer.dwi.segmentation.training.scan_cache import (
    ScanPlan,
    make_scans,
    planted_participants,
)
from aspects_scorer.dwi.segmentation.training.tissue_scans import read_tissue_scan
from atlas_builder.networks.training.checkpoint import Progressed
from atlas_builder.networks.training.curve import Record
from atlas_builder.networks.training.device import Machine
from atlas_builder.networks.training.folder import claim, forget
from atlas_builder.networks.training.loop import train
from atlas_builder.networks.training.start import Start
from atlas_builder.reporting.training.segmenter import write_training_report
from atlas_builder.runtime.progress import Progress, no_progress
from head_phantom.infarct.lesion_shapes import (
    Part,
    lesion_files,
    participants_of,
)

NETWORK = "infarct-unet.onnx"
"""The file in a training's folder."""


def train_infarct_segmenter(
    lesions: Path,
    out: Path,
    settings: Settings,
    machine: Machine,
    *,
    start: Start | None = None,
    restart: bool = False,
    progress: Progress = no_progress,
) -> Path:
    """Simulate diffusion scans with real lesion shapes and train the network on them.

    What was simulated and trained before in the same folder is not repeated.

    Parameters
    ----------
    lesions : Path
        Folder of lesion masks in MNI space, one a participant.
    out : Path
        Gets the scans, the checkpoint, the weights and the report.
    settings : Settings
        Decides the result.
    machine : Machine
        Where to train; as many processes simulate as there are jobs.
    start : Start, optional
        The network to go on from, that which the settings name.
    restart : bool
        Forget an earlier training; the scans are kept.
    progress : callable
        Called with the stage, how much of it is done and how much there is.

    Returns
    -------
    Path
        The weights.

    Raises
    ------
    InputError
        There are no lesions for a part, or the folder holds another training.
    """
    plan = ScanPlan(lesions, out / "scans", settings.seed, settings.persons)
    for part in Part:
        lesion_files(lesions, part)
    if restart:
        forget(out, NETWORK)
    claim(out, {"settings": settings.fixed})
    files = make_scans(plan, machine.jobs, progress)
    machine.use_threads()
    recipe = SegmenterRecipe(
        [read_tissue_scan(file) for file in files[Part.TRAINING]],
        [read_tissue_scan(file) for file in files[Part.VALIDATION]],
        settings,
        machine.loaders,
        start,
    )

    def tell(record: Record) -> None:
        if not sys.stderr.isatty():
            sys.stderr.write(
                f"step {record['step']} of {settings.steps}: training loss "
                f"{record['training_loss']:.4f}, validation loss {record['validation_loss']:.4f}, "
                f"Dice {record['validation_dice']:.4f}\n"
            )
            sys.stderr.flush()

    trained = train(recipe, out, device=machine.device, progress=progress, when_evaluated=tell)
    description = describe(plan, settings, trained.done, machine)
    write_segmenter(out / NETWORK, trained.network.cpu(), description)
    write_training_report(out, description)
    return out / NETWORK


def describe(
    plan: ScanPlan, settings: Settings, done: Progressed, machine: Machine
) -> dict[str, Any]:
    """Return all that is recorded beside the weights.

    Parameters
    ----------
    plan : ScanPlan
        Which scans were trained on.
    settings : Settings
        What decided the weights.
    done : Progressed
        Time and validations.
    machine : Machine
        Where the training ran.
    """
    described: dict[str, Any] = {
        "network": {
            "architecture": "monai.networks.nets.DynUNet",
            "filters": list(FILTERS),
            "normalisation": "instance",
        },
        "input": {
            "channels": ["b1000 / brain median", "ADC / brain median", "ADC present"],
            "pixel_mm": PIXEL_MM,
            "least_slice_mm": LEAST_SLICE_MM,
            "crop": list(CROP),
        },
        "settings": asdict(settings),
        "command": command_of(settings, machine),
        "device": machine.device.type,
        "threads": machine.jobs,
        "seconds": round(done.seconds, 1),
        "history": list(done.history),
        "versions": {"torch": torch.__version__, "monai": monai.__version__},
        "participants": {
            "training": planted_participants(plan, Part.TRAINING),
            "validation": planted_participants(plan, Part.VALIDATION),
            "test": participants_of(lesion_files(plan.lesions, Part.TEST)),
        },
    }
    return dict(json.loads(json.dumps(described)))


def command_of(settings: Settings, machine: Machine) -> str:
    """Return the command that repeats a training.

    Parameters
    ----------
    settings : Settings
        What decided the weights.
    machine : Machine
        Where the training ran.

    Returns
    -------
    str
        Arguments of ``aspects-atlas``, with the words LESIONS and OUT for the folders, and
        NETWORK for the network to start from, whose checksum the settings name.
    """
    precision = "bfloat16" if settings.mixed_precision else "float32"
    start = "" if settings.start is None else " --start NETWORK"
    return (
        f"train-infarct-segmenter --lesions LESIONS --out OUT --persons {settings.persons} "
        f"--steps {settings.steps} --batch {settings.batch} "
        f"--learning-rate {settings.learning_rate:g} --validate-every {settings.validate_every} "
        f"--precision {precision} --device {machine.device.type}"
        f" --seed {settings.seed} --jobs {machine.jobs}{start}"
    )
