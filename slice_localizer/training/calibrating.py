"""What is done after the last step: the calibration, on samples that were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from atlas_builder.runtime.progress import Progress
from slice_localizer.network.calibration import SlicePredictions, fit_calibration
from slice_localizer.network.level import level_from_heights
from slice_localizer.network.model import Localizer, read_localizer
from slice_localizer.positions import nearest
from slice_localizer.training.evaluation import Accuracy
from slice_localizer.training.recipe import DrawSample
from slice_localizer.training.sample import Sample
from slice_localizer.training.trained import Trained, write_trained


def calibrate(
    trained: Trained,
    draw: DrawSample,
    first: int,
    count: int,
    out: Path,
    progress: Progress,
) -> Trained:
    """Fit the calibration of a network as it is stored, in 8 bits, not as it was trained.

    Parameters
    ----------
    trained : Trained
        Its own calibration does not matter.
    draw : callable
        Returns samples that were not trained on, see `DrawSample`.
    first : int
        The number of the first to use.
    count : int
        How many.
    out : Path
        An existing folder, for temporary files.
    progress : callable
        Told how far it is.

    Returns
    -------
    Trained
        With the calibration, and with ``calibration_exams`` in `Trained.training`: the network's
        accuracy on those samples.
    """
    with TemporaryDirectory(dir=out) as folder:
        path = Path(folder) / "stored.onnx"
        write_trained(path, trained)
        stored = read_localizer(path)
    predictions, true = [], []
    progress("Calibrating", 0, count)
    for done in range(count):
        sample = draw(first + done, trained.size)
        predictions.append(_predicted(stored, sample))
        true.append(sample.bgl)
        progress("Calibrating", done + 1, count)
    found = {"exams": len(predictions), **asdict(_accuracy(predictions, true))}
    return replace(
        trained,
        calibration=fit_calibration(predictions, true),
        training={**trained.training, "calibration_exams": found},
    )


def _predicted(localizer: Localizer, sample: Sample) -> SlicePredictions:
    """Return the predictions for a sample; positions are heights above its true level."""
    logits, heights = localizer.predict(sample.hu.float().numpy())
    positions = sample.heights_mm.numpy().astype(np.float64)
    return SlicePredictions(positions, logits, level_from_heights(positions, heights))


def _accuracy(predictions: Sequence[SlicePredictions], true: Sequence[int]) -> Accuracy:
    """Evaluate predictions of samples whose positions are heights above the true level."""
    by_score = [int(one.logits.argmax()) == bgl for one, bgl in zip(predictions, true, strict=True)]
    by_height = [
        nearest(one.positions_mm, one.level.position_mm) == bgl
        for one, bgl in zip(predictions, true, strict=True)
    ]
    errors = [abs(one.level.position_mm) for one in predictions]
    return Accuracy(float(np.mean(by_score)), float(np.mean(by_height)), float(np.mean(errors)))
