"""What is done after the last step: the calibration, on exams that were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from atlas_builder.progress import Progress
from slice_localizer.asking import ask
from slice_localizer.calibration import Said, fit_calibration
from slice_localizer.evaluation import Accuracy
from slice_localizer.positions import nearest
from slice_localizer.training import DrawExam
from slice_localizer.weights import Trained, read_weights, write_weights

_CALIBRATION_EXAMS = 200


def calibrate(
    trained: Trained,
    draw: DrawExam,
    first: int,
    out: Path,
    device: torch.device,
    progress: Progress,
) -> Trained:
    """Fit the calibration of a network as it is stored, in 8 bits, not as it was trained.

    Parameters
    ----------
    trained : Trained
        Its own calibration does not matter.
    draw : callable
        Exams that were not trained on.
    first : int
        The number of the first to use.
    out : Path
        An existing folder; files are written there for a while.
    device : torch.device
        Where to compute.
    progress : callable
        Told how far it is.

    Returns
    -------
    Trained
        With the calibration, and with ``calibration_exams`` in `Trained.training`: how well the
        network does on them.
    """
    with TemporaryDirectory(dir=out) as folder:
        path = Path(folder) / "stored.safetensors"
        write_weights(path, trained)
        stored = read_weights(path).network.to(device)
    said, true = [], []
    progress("Calibrating", 0, _CALIBRATION_EXAMS)
    for done in range(_CALIBRATION_EXAMS):
        exam = draw(first + done, trained.size)
        said.append(ask(stored, exam, device))
        true.append(exam.bgl)
        progress("Calibrating", done + 1, _CALIBRATION_EXAMS)
    found = {"exams": len(said), **asdict(_accuracy(said, true))}
    return replace(
        trained,
        calibration=fit_calibration(said, true),
        training={**trained.training, "calibration_exams": found},
    )


def _accuracy(said: Sequence[Said], true: Sequence[int]) -> Accuracy:
    """Evaluate what was said of exams, whose positions are heights above the true level."""
    by_score = [int(one.logits.argmax()) == bgl for one, bgl in zip(said, true, strict=True)]
    by_height = [
        nearest(one.positions_mm, one.level.position_mm) == bgl
        for one, bgl in zip(said, true, strict=True)
    ]
    errors = [abs(one.level.position_mm) for one in said]
    return Accuracy(float(np.mean(by_score)), float(np.mean(by_height)), float(np.mean(errors)))
