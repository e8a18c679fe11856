"""A network's predictions for a sample, as `slice_localizer.network.inference` has for a scan."""

from __future__ import annotations

import numpy as np
import torch

from slice_localizer.network.calibration import SlicePredictions
from slice_localizer.network.level import level_from_heights
from slice_localizer.training.aspectslocnet import AspectsLocNet
from slice_localizer.training.sample import Sample


def predict_sample(
    network: AspectsLocNet, sample: Sample, device: torch.device
) -> SlicePredictions:
    """Return a network's predictions for a sample; positions are heights above its true level.

    Parameters
    ----------
    network : AspectsLocNet
        In evaluation mode, on `device`; it runs in single precision, as for a scan.
    sample : Sample
        Only its slices and their positions are used.
    device : torch.device
        Where to compute.

    Returns
    -------
    SlicePredictions
    """
    with torch.inference_mode():
        scores = network(sample.hu.to(device), [len(sample.heights_mm)])[0]
    positions = sample.heights_mm.numpy().astype(np.float64)
    heights = scores.heights_mm.cpu().double().numpy()
    return SlicePredictions(
        positions, scores.logits.cpu().double().numpy(), level_from_heights(positions, heights)
    )
