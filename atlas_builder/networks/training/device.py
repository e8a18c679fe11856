"""Where a network is trained."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from atlas_builder.core.errors import InputError


@dataclass(frozen=True)
class Machine:
    """Where a training runs; the network is the same for any number of loaders.

    Attributes
    ----------
    device : torch.device
        For the network.
    jobs : int
        Processes that prepare what is learnt from, and threads that train on a CPU.
    loaders : int
        Processes or threads that draw samples while the network learns.
    """

    device: torch.device
    jobs: int = 1
    loaders: int = 1

    def use_threads(self) -> None:
        """Let torch use as many threads as there are jobs, where it trains on the CPU."""
        if self.device.type == "cpu":
            torch.set_num_threads(self.jobs)


def choose_device(name: str) -> torch.device:
    """Return the device that a name means; ``auto`` is CUDA where there is any.

    Parameters
    ----------
    name : {'auto', 'cpu', 'cuda'}
        As ``--device`` takes it.

    Raises
    ------
    InputError
        CUDA is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InputError("--device cuda: no CUDA device is found here; use --device cpu")
    if name == "auto":
        name = "cuda" if available else "cpu"
    return torch.device(name)
