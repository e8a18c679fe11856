"""Checkpoints without pickles: weights and the optimizer's state as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from atlas_builder.errors import InputError
from atlas_builder.io.files import replacing

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True)
class Checkpoint:
    """What a training changes.

    Attributes
    ----------
    network : Module
        The network.
    optimizer : Adam
        Of its parameters.
    """

    network: torch.nn.Module
    optimizer: torch.optim.Adam


def write_checkpoint(
    path: Path, state: Checkpoint, plan: Mapping[str, Any], history: list[dict[str, Any]]
) -> None:
    """Write what a training needs to go on."""
    tensors = {f"network.{k}": v.contiguous() for k, v in state.network.state_dict().items()}
    for number, moments in state.optimizer.state_dict()["state"].items():
        for name in _MOMENTS:
            tensors[f"optimizer.{number}.{name}"] = moments[name].contiguous()
    metadata = {"plan": json.dumps(plan, sort_keys=True), "history": json.dumps(history)}
    with replacing(path) as partial:
        partial.write_bytes(save(tensors, metadata))


def read_checkpoint(path: Path, state: Checkpoint, plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Put the network and the optimizer where a training stopped.

    Returns
    -------
    list of dict
        The evaluations so far.

    Raises
    ------
    InputError
        The checkpoint is damaged, or of another plan.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("plan") != json.dumps(plan, sort_keys=True):
                raise InputError(
                    f"{path}: a training with other settings stopped here; give another folder"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            history: list[dict[str, Any]] = json.loads(metadata["history"])
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise InputError(
            f"{path}: cannot be read as a checkpoint ({error}); remove it to train from the start"
        ) from None
    network = {
        k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")
    }
    state.network.load_state_dict(network)
    described = state.optimizer.state_dict()
    count = sum(len(group["params"]) for group in described["param_groups"])
    described["state"] = {
        number: {name: tensors[f"optimizer.{number}.{name}"] for name in _MOMENTS}
        for number in range(count)
        if f"optimizer.{number}.step" in tensors
    }
    state.optimizer.load_state_dict(described)
    return history
