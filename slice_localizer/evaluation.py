"""How well a network finds the basal ganglia slice of exams whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from slice_localizer.exam import Exam
from slice_localizer.network import AspectsLocNet
from slice_localizer.reading import read_level


@dataclass(frozen=True)
class Accuracy:
    """Of several exams.

    Attributes
    ----------
    by_score : float
        The share whose slice of the highest score is the true one, as in the paper.
    by_height : float
        The share whose true slice is the nearest to the level read off the heights.
    level_error_mm : float
        Mean distance of that level from the true one.
    """

    by_score: float
    by_height: float
    level_error_mm: float


def evaluate(network: AspectsLocNet, exams: Sequence[Exam], device: torch.device) -> Accuracy:
    """Evaluate a network; it is left in evaluation mode."""
    network.eval()
    by_score, by_height, errors = [], [], []
    with torch.inference_mode():
        for exam in exams:
            with torch.autocast(device.type, torch.bfloat16):
                features = network.features(exam.hu.to(device))
            scores = network.score(features, [len(exam.heights_mm)])[0]
            by_score.append(int(scores.logits.argmax()) == exam.bgl)
            positions = exam.heights_mm.numpy().astype(np.float64)
            heights = scores.heights_mm.cpu().numpy().astype(np.float64)
            level = read_level(positions, heights).position_mm
            by_height.append(int(np.abs(positions - level).argmin()) == exam.bgl)
            errors.append(abs(level))
    return Accuracy(float(np.mean(by_score)), float(np.mean(by_height)), float(np.mean(errors)))
