"""The trained network that another training goes on from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn


@dataclass(frozen=True)
class Start:
    """A trained network that another training goes on from.

    Attributes
    ----------
    state : mapping of Tensor
        Its state.
    sha256 : str
        Of the file of weights, in hexadecimal.
    """

    state: Mapping[str, Tensor]
    sha256: str


def start_of(path: Path, network: nn.Module) -> Start:
    """Return a start from a network and the file that it was read from.

    Parameters
    ----------
    path : Path
        The file of weights.
    network : nn.Module
        What it holds.
    """
    return Start(network.state_dict(), hashlib.sha256(path.read_bytes()).hexdigest())
