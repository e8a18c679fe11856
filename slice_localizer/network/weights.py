"""ASPECTSLoc-Net as a file of weights, with the calibration of its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from atlas_builder.networks import weights
from slice_localizer.network.aspectslocnet import AspectsLocNet
from slice_localizer.network.calibration import Calibration

_NETWORK = "a key-slice network"


@dataclass(frozen=True)
class Trained:
    """A network with its calibration, and how it was trained.

    Attributes
    ----------
    network : AspectsLocNet
        In evaluation mode.
    calibration : Calibration
        From its scores and heights to probabilities.
    size : int
        Rows and columns of a slice as it is given to the network.
    training : mapping
        How it was trained.
    """

    network: AspectsLocNet
    calibration: Calibration
    size: int
    training: Mapping[str, Any]


def write_weights(path: Path, trained: Trained) -> None:
    """Write a network's weights in 8 bits, and beside them a JSON file that describes them.

    Parameters
    ----------
    path : Path
        The safetensors file.
    trained : Trained
        What to write.
    """
    description = {
        "calibration": asdict(trained.calibration),
        "size": trained.size,
        "training": dict(trained.training),
    }
    weights.write_weights(path, trained.network, description, "int8")


def read_weights(path: Path) -> Trained:
    """Read a network that `write_weights` wrote.

    Parameters
    ----------
    path : Path
        The safetensors file.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        A file is missing or damaged.
    """
    description = weights.read_description(path, _NETWORK)
    try:
        network = AspectsLocNet(description["training"]["plan"]["backbone"])
        calibration = Calibration(**description["calibration"])
        size = int(description["size"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise weights.refusal_of(path, _NETWORK, error) from None
    weights.read_weights(path, network, _NETWORK)
    return Trained(network.eval(), calibration, size, description["training"])
