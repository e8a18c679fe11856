"""A training's state on the disk, in safetensors: no pickle is written or read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aspects_scorer.segmentation.weights import set_tensors, tensors_of
from atlas_builder.errors import InputError
from atlas_builder.io.files import replacing

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import AdamW

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
        Wall time they took.
    history : list of dict
        A record for each validation.
    losses : list of float
        Of the steps since the last validation.
    """

    step: int
    planned: int
    seconds: float
    history: list[dict[str, float]]
    losses: list[float]


def save_checkpoint(
    file: Path, network: nn.Module, optimizer: AdamW, done: Progressed, settings: dict[str, Any]
) -> None:
    """Write all that the next step depends on."""
    from safetensors.torch import save  # noqa: PLC0415 - loads torch

    tensors = {_NETWORK + name: value for name, value in tensors_of(network).items()}
    for index, moments in optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"{_MOMENTS}{index}.{name}"] = value.contiguous()
    metadata = {
        "settings": json.dumps(settings, sort_keys=True),
        "step": str(done.step),
        "planned": str(done.planned),
        "seconds": repr(done.seconds),
        "history": json.dumps(done.history),
        "losses": json.dumps(done.losses),
    }
    with replacing(file) as partial:
        partial.write_bytes(save(tensors, metadata))


def load_checkpoint(
    file: Path, network: nn.Module, optimizer: AdamW, settings: dict[str, Any]
) -> Progressed:
    """Bring a network and its optimizer to where a checkpoint left them.

    Raises
    ------
    InputError
        The file is damaged, or is of a training with other settings.
    """
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415

    try:
        with safe_open(file, "pt") as content:
            metadata = content.metadata()
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file}: not a checkpoint ({error}); use --restart") from None
    if json.loads(metadata["settings"]) != json.loads(json.dumps(settings)):
        raise InputError(
            f"{file}: of a training with other settings; give those again, another --out, "
            "or --restart"
        )
    weights = {k.removeprefix(_NETWORK): v for k, v in tensors.items() if k.startswith(_NETWORK)}
    set_tensors(network, weights)
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(_MOMENTS):
            index, name = key.removeprefix(_MOMENTS).split(".", 1)
            state.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    return Progressed(
        int(metadata["step"]),
        int(metadata["planned"]),
        float(metadata["seconds"]),
        json.loads(metadata["history"]),
        json.loads(metadata["losses"]),
    )
