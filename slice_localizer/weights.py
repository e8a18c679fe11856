"""The weights that ship: safetensors, each weight in 8 bits with a scale a row.

A row is what makes one value of a layer's output. Dettmers et al. call this row-wise absolute
maximum quantisation [1]_; here the weights alone are stored so, and computed with as float32.

References
----------
.. [1] Dettmers T, Lewis M, Belkada Y, Zettlemoyer L. LLM.int8(): 8-bit matrix multiplication for
   transformers at scale. NeurIPS (2022). arXiv:2208.07339
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from atlas_builder.errors import InputError
from atlas_builder.io.files import replacing
from slice_localizer.calibration import Calibration
from slice_localizer.network import AspectsLocNet

_SCALE = ".scale"
_STEPS = 127


@dataclass(frozen=True)
class Trained:
    """A network with what is known of it.

    Attributes
    ----------
    network : AspectsLocNet
        In evaluation mode.
    calibration : Calibration
        How far it is believed.
    size : int
        Rows and columns it is shown of a slice.
    training : mapping
        How it was trained.
    """

    network: AspectsLocNet
    calibration: Calibration
    size: int
    training: Mapping[str, Any]


def write_weights(path: Path, trained: Trained) -> None:
    """Write a network's weights, and beside them a JSON file that says what they are."""
    tensors: dict[str, Tensor] = {}
    for name, value in trained.network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        if value.ndim < 2:
            tensors[name] = value.float().contiguous()
            continue
        rows = value.float().flatten(1)
        scale = rows.abs().amax(dim=1).clamp(min=1e-12) / _STEPS
        tensors[name + _SCALE] = scale
        tensors[name] = (
            (rows / scale[:, None]).round().to(torch.int8).view(value.shape).contiguous()
        )
    description = {
        "calibration": asdict(trained.calibration),
        "size": trained.size,
        "training": dict(trained.training),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_bytes(save(tensors))  # save_file makes files that only their owner may read
    with replacing(path.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(description, indent=2) + "\n", "utf-8")


def read_weights(path: Path) -> Trained:
    """Read a network that `write_weights` wrote.

    Raises
    ------
    InputError
        A file is missing or damaged.
    """
    try:
        description = json.loads(path.with_suffix(".json").read_text("utf-8"))
        network = AspectsLocNet(description["training"]["plan"]["backbone"])
        calibration = Calibration(**description["calibration"])
        with safe_open(path, "pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        network.load_state_dict(_restored(stored), strict=False)
        lacking = set(network.state_dict()) - set(stored)
        if any(not name.endswith("num_batches_tracked") for name in lacking):
            raise ValueError(f"{len(lacking)} layers are missing")
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{path}: cannot be read as the weights of a key-slice network ({error}); "
            "install aspects-atlas again or train it anew"
        ) from None
    return Trained(network.eval(), calibration, int(description["size"]), description["training"])


def _restored(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    state = {}
    for name, value in stored.items():
        if name.endswith(_SCALE):
            continue
        scale = stored.get(name + _SCALE)
        if scale is None:
            state[name] = value
        else:
            state[name] = value.float() * scale.view(-1, *[1] * (value.ndim - 1))
    return state
