"""Training as users ask for it: a folder of lesion masks in, weights and a report out."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aspects_scorer.segmentation.checkpoints import Progressed
from aspects_scorer.segmentation.lesion_shapes import Part, lesion_files, participants_of
from aspects_scorer.segmentation.network import FILTERS
from aspects_scorer.segmentation.preprocessing import LEAST_SLICE_MM, PIXEL_MM
from aspects_scorer.segmentation.scan_cache import ScanPlan, make_scans, planted_participants
from aspects_scorer.segmentation.tissue_scans import read_tissue_scan
from aspects_scorer.segmentation.training import Record, Settings, train
from aspects_scorer.segmentation.training_data import CROP
from aspects_scorer.segmentation.training_report import write_training_report
from aspects_scorer.segmentation.weights import save_weights
from atlas_builder.errors import InputError
from atlas_builder.progress import Progress, no_progress

WEIGHTS_FILE, CHECKPOINT_FILE = "infarct-unet.safetensors", "checkpoint.safetensors"


def train_infarct_segmenter(
    lesions: Path,
    out: Path,
    settings: Settings,
    *,
    jobs: int = 1,
    device: str = "cpu",
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
    jobs : int
        Processes that simulate, and threads that train.
    device : str
        ``cpu`` or ``cuda``.
    restart : bool
        Forget the checkpoint; the scans are kept.
    progress : callable
        Is told how far it is.

    Returns
    -------
    Path
        The weights.

    Raises
    ------
    InputError
        There are no lesions for a part, no such device, or the folder holds another training.
    """
    _check_device(device)
    plan = ScanPlan(lesions, out / "scans", settings.seed, settings.persons)
    for part in Part:
        lesion_files(lesions, part)
    if restart:
        (out / CHECKPOINT_FILE).unlink(missing_ok=True)
    files = make_scans(plan, jobs, progress)

    def report(step: int, record: Record) -> None:
        progress("training steps", step, settings.steps)
        if "validation_dice" in record and not sys.stderr.isatty():
            sys.stderr.write(
                f"step {step} of {settings.steps}: training loss {record['training_loss']:.4f}, "
                f"validation loss {record['validation_loss']:.4f}, "
                f"Dice {record['validation_dice']:.4f}\n"
            )
            sys.stderr.flush()

    trained = train(
        [read_tissue_scan(file) for file in files[Part.TRAINING]],
        [read_tissue_scan(file) for file in files[Part.VALIDATION]],
        settings,
        out / CHECKPOINT_FILE,
        device=device,
        threads=jobs,
        report=report,
    )
    description = describe(plan, settings, trained.done, device, jobs)
    save_weights(out / WEIGHTS_FILE, trained.network, description)
    write_training_report(out, description)
    return out / WEIGHTS_FILE


def describe(
    plan: ScanPlan, settings: Settings, done: Progressed, device: str, threads: int
) -> dict[str, Any]:
    """Return all that is recorded beside the weights."""
    import monai  # noqa: PLC0415 - loads torch
    import torch  # noqa: PLC0415

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
        "command": command_of(settings, device, threads),
        "device": device,
        "threads": threads,
        "seconds": round(done.seconds, 1),
        "history": done.history,
        "versions": {"torch": torch.__version__, "monai": monai.__version__},
        "participants": {
            "training": planted_participants(plan, Part.TRAINING),
            "validation": planted_participants(plan, Part.VALIDATION),
            "test": participants_of(lesion_files(plan.lesions, Part.TEST)),
        },
    }
    return dict(json.loads(json.dumps(described)))


def command_of(settings: Settings, device: str, threads: int) -> str:
    """Return the command that repeats a training."""
    precision = "bfloat16" if settings.mixed_precision else "float32"
    return (
        f"train-infarct-segmenter --lesions LESIONS --out OUT --persons {settings.persons} "
        f"--steps {settings.steps} --batch {settings.batch} "
        f"--learning-rate {settings.learning_rate:g} --validate-every {settings.validate_every} "
        f"--precision {precision} --device {device} --seed {settings.seed} --jobs {threads}"
    )


def _check_device(device: str) -> None:
    import torch  # noqa: PLC0415

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: no CUDA device is found here; use --device cpu")
