"""A trained ASPECTSLoc-Net, written as the model that is run, and read back to train on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from atlas_builder.networks.model import read_description, refusal_of
from atlas_builder.networks.training.export import Interface, read_state, write_model
from slice_localizer.network.calibration import Calibration
from slice_localizer.network.model import KIND
from slice_localizer.training.aspectslocnet import CONTEXT_UNITS, AspectsLocNet

_INTERFACE = Interface(
    ("hu",), ("logits", "heights_mm"), {"hu": (0, 1, 2), "logits": (0,), "heights_mm": (0,)}
)
_EXAMPLE_SLICES = 5


@dataclass(frozen=True)
class Trained:
    """A network with what is known of it.

    Attributes
    ----------
    network : AspectsLocNet
        In evaluation mode, on the CPU.
    calibration : Calibration
        From its scores and heights to probabilities.
    size : int
        Rows and columns of a slice.
    training : mapping
        How it was trained.
    """

    network: AspectsLocNet
    calibration: Calibration
    size: int
    training: Mapping[str, Any]


class _OneScan(nn.Module):
    """The network for one scan, with its final scores alone."""

    def __init__(self, network: AspectsLocNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, hu: Tensor) -> tuple[Tensor, Tensor]:
        scores = self.network(hu, [len(hu)])[0]
        return scores.logits, scores.heights_mm


def write_trained(path: Path, trained: Trained) -> None:
    """Write a network as a model with weights in 8 bits, and a JSON file that says what it is.

    Parameters
    ----------
    path : Path
        The ONNX file.
    trained : Trained
        What to write.

    Raises
    ------
    ValueError
        The model does not give what the network gives.
    """
    description = {
        "calibration": asdict(trained.calibration),
        "size": trained.size,
        "training": dict(trained.training),
    }
    generator = torch.Generator().manual_seed(1)
    shape = (_EXAMPLE_SLICES, trained.size, trained.size)
    example = 40 * torch.randn(shape, generator=generator)
    network = _OneScan(trained.network)
    write_model(path, network.eval(), [example], _INTERFACE, KIND, description, "int8")


def read_trained(path: Path) -> Trained:
    """Read a network that `write_trained` wrote, to train on or to look into.

    Parameters
    ----------
    path : Path
        The ONNX file; a JSON file lies beside it.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        A file is missing, damaged or of another network.
    """
    description = read_description(path, KIND)
    try:
        plan = description["training"]["plan"]
        units = int(plan.get("context_units", CONTEXT_UNITS))
        network = AspectsLocNet(plan["backbone"], context_units=units)
        calibration = Calibration(**description["calibration"])
        size, training = int(description["size"]), description["training"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise refusal_of(path.with_suffix(".json"), KIND, str(error)) from None
    read_state(path, KIND, _OneScan(network))
    return Trained(network.eval(), calibration, size, training)
