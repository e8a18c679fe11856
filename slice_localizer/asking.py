"""Asking a network about an exam, as `slice_localizer.inference` asks it about a scan."""

from __future__ import annotations

import numpy as np
import torch

from slice_localizer.calibration import Said
from slice_localizer.exam import Exam
from slice_localizer.network import AspectsLocNet
from slice_localizer.reading import read_level


def ask(network: AspectsLocNet, exam: Exam, device: torch.device) -> Said:
    """Return what a network says of an exam; positions are heights above its true level.

    Parameters
    ----------
    network : AspectsLocNet
        In evaluation mode, on `device`; it runs in single precision, as for a scan.
    exam : Exam
        Only its slices and their positions are shown.
    device : torch.device
        Where to compute.
    """
    with torch.inference_mode():
        scores = network(exam.hu.to(device), [len(exam.heights_mm)])[0]
    positions = exam.heights_mm.numpy().astype(np.float64)
    heights = scores.heights_mm.cpu().double().numpy()
    return Said(positions, scores.logits.cpu().double().numpy(), read_level(positions, heights))
