"""A training's state on the disk, in safetensors: no pickle is written or read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.curve import Record
from atlas_builder.networks.training.state import set_state, state_of
from atlas_builder.runtime.files import replacing

CHECKPOINT = "checkpoint.safetensors"
"""The file in a training's folder."""

_NETWORK, _MOMENTS = "network.", "optimizer."


@dataclass(frozen=True)
class Progressed:
    """How far a training is.

    Attributes
    ----------
    step : int
        Steps done.
    planned : int
        Steps there were to be.
    seconds : float
        Time they took, evaluations aside.
    losses : tuple of float
        Of the steps since the last evaluation.
    waiting_s : float
        Of the time since then, what was spent waiting for batches.
    training_s : float
        The time since then.
    history : tuple of dict
        A record for each evaluation.
    """

    step: int
    planned: int
    seconds: float = 0.0
    losses: tuple[float, ...] = ()
    waiting_s: float = 0.0
    training_s: float = 0.0
    history: tuple[Record, ...] = ()


def write_checkpoint(
    path: Path,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    done: Progressed,
    fixed: Mapping[str, Any],
) -> None:
    """Write all that the next step depends on.

    Parameters
    ----------
    path : Path
        The file.
    network, optimizer
        In the state to keep.
    done : Progressed
        How far the training is.
    fixed : mapping
        What decides the training and must be the same where it goes on, as JSON can hold it.
    """
    tensors = {_NETWORK + name: value.contiguous() for name, value in state_of(network).items()}
    for index, moments in optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"{_MOMENTS}{index}.{name}"] = value.contiguous()
    metadata = {
        "fixed": json.dumps(fixed, sort_keys=True),
        "step": str(done.step),
        "planned": str(done.planned),
        "seconds": repr(done.seconds),
        "losses": json.dumps(done.losses),
        "waiting_s": repr(done.waiting_s),
        "training_s": repr(done.training_s),
        "history": json.dumps(done.history),
    }
    with replacing(path) as partial:
        partial.write_bytes(save(tensors, metadata))


def read_checkpoint(
    path: Path,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    fixed: Mapping[str, Any],
) -> Progressed:
    """Bring a network and its optimizer to where a checkpoint left them.

    Parameters are those of `write_checkpoint`.

    Raises
    ------
    InputError
        The file is damaged, or of a training with other settings.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if metadata["fixed"] != json.dumps(fixed, sort_keys=True):
                raise InputError(
                    f"{path}: a training with other settings stopped here; give another folder, or "
                    "--restart to replace it"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        set_state(network, _below(tensors, _NETWORK))
        done = Progressed(
            int(metadata["step"]),
            int(metadata["planned"]),
            float(metadata["seconds"]),
            tuple(json.loads(metadata["losses"])),
            float(metadata["waiting_s"]),
            float(metadata["training_s"]),
            tuple(json.loads(metadata["history"])),
        )
    except InputError:
        raise
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise InputError(
            f"{path}: cannot be read as a checkpoint ({error}); give --restart to train from the "
            "start"
        ) from None
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in _below(tensors, _MOMENTS).items():
        index, _, name = key.partition(".")
        moments.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
    return done


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
