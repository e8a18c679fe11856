"""torchvision's residual networks, without the rest of torchvision."""

from __future__ import annotations

import subprocess
import sys

import torch

from slice_localizer.training.torchvision_models import load_resnets


def test_they_are_torchvisions_own():
    with torch.device("meta"):
        network = load_resnets().resnet50(weights=None)
    assert sum(value.numel() for value in network.parameters()) == 25_557_032  # as published
    assert network.fc.in_features == 2048


def test_nothing_of_torchvision_is_left_half_loaded():
    program = (
        "import sys\n"
        "from slice_localizer.training.torchvision_models import load_resnets\n"
        "load_resnets()\n"
        "print(sorted(n for n in sys.modules if n.startswith('torchvision')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
