"""How well a network finds the basal ganglia slice of samples whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from slice_localizer.network.level import level_from_heights
from slice_localizer.training.aspectslocnet import AspectsLocNet
from slice_localizer.training.sample import Sample


@dataclass(frozen=True)
class Accuracy:
    """A network's accuracy on several samples.

    Attributes
    ----------
    by_score : float
        The share whose slice of the highest score is the true one, as in the paper.
    by_height : float
        The share whose true slice is the nearest to the level that follows from the heights.
    level_error_mm : float
        Mean distance of that level from the true one.
    """

    by_score: float
    by_height: float
    level_error_mm: float


def evaluate(network: AspectsLocNet, samples: Sequence[Sample], device: torch.device) -> Accuracy:
    """Evaluate a network; it is left in evaluation mode.

    Parameters
    ----------
    network : AspectsLocNet
        On `device`; its features are computed in bfloat16.
    samples : sequence of Sample
        At least one.
    device : torch.device
        Where to compute.

    Returns
    -------
    Accuracy
    """
    network.eval()
    by_score, by_height, errors = [], [], []
    with torch.inference_mode():
        for sample in samples:
            with torch.autocast(device.type, torch.bfloat16):
                features = network.features(sample.hu.to(device))
            scores = network.score(features, [len(sample.heights_mm)])[0]
            by_score.append(int(scores.logits.argmax()) == sample.bgl)
            positions = sample.heights_mm.numpy().astype(np.float64)
            heights = scores.heights_mm.cpu().numpy().astype(np.float64)
            level = level_from_heights(positions, heights).position_mm
            by_height.append(int(np.abs(positions - level).argmin()) == sample.bgl)
            errors.append(abs(level))
    return Accuracy(float(np.mean(by_score)), float(np.mean(by_height)), float(np.mean(errors)))
