"""Weights of networks as files: safetensors, and a JSON file beside it that says what they are.

Tensors are stored in half precision, or, where they have rows, in 8 bits with a scale a row. A row
is what makes one value of a layer's output; Dettmers et al. call this row-wise absolute maximum
quantisation [1]_. Here the weights alone are stored so, and computed with as float32. Which of the
two a file holds shows from the file itself.

References
----------
.. [1] Dettmers T, Lewis M, Belkada Y, Zettlemoyer L. LLM.int8(): 8-bit matrix multiplication for
   transformers at scale. NeurIPS (2022). arXiv:2208.07339
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import replacing

Storage: TypeAlias = Literal["float16", "int8"]

_SCALE = ".scale"
_STEPS = 127  # of 8 bits with a sign, on either side of 0
_COUNTER = "num_batches_tracked"  # of batch normalisation: of no use after training


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """Return a network's parameters and buffers by name, each once even where modules share them.

    Parameters
    ----------
    network : nn.Module
        Any network.

    Returns
    -------
    dict of str to Tensor
        The tensors themselves, without gradients.
    """
    found: dict[int, tuple[str, Tensor]] = {}
    for name, value in network.state_dict(keep_vars=True).items():
        found.setdefault(id(value), (name, value))
    return {name: value.detach() for name, value in found.values()}


def set_state(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy parameters and buffers into a network.

    Parameters
    ----------
    network : nn.Module
        Changed in place.
    tensors : mapping of str to Tensor
        As `state_of` returns them, in any precision; counters of batches may be missing.

    Raises
    ------
    ValueError
        Names or shapes are those of another network.
    """
    own = state_of(network)
    asked = {name: value.shape for name, value in own.items() if not _is_counter(name)}
    given = {name: value.shape for name, value in tensors.items() if not _is_counter(name)}
    if asked != given:
        raise ValueError("weights of another network")
    for name, value in own.items():
        if name in tensors:
            value.copy_(tensors[name])


def write_weights(
    path: Path, network: nn.Module, description: Mapping[str, Any], storage: Storage
) -> None:
    """Write a network's weights, and beside them a JSON file that says what they are.

    Parameters
    ----------
    path : Path
        The safetensors file; the folder is made if need be.
    network : nn.Module
        Whose weights.
    description : mapping
        What the JSON file holds.
    storage : {'float16', 'int8'}
        How tensors are stored; with ``int8`` those without rows stay in single precision.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in state_of(network).items():
        if _is_counter(name):
            continue
        if storage == "float16":
            tensors[name] = value.to(torch.float16).cpu().contiguous()
        elif value.ndim < 2:
            tensors[name] = value.float().cpu().contiguous()
        else:
            rows = value.float().cpu().flatten(1)
            scale = rows.abs().amax(dim=1).clamp(min=1e-12) / _STEPS
            steps = (rows / scale[:, None]).round().to(torch.int8)
            tensors[name + _SCALE] = scale
            tensors[name] = steps.view(value.shape).contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_bytes(save(tensors))  # save_file makes files that only their owner may read
    with replacing(path.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(description, indent=2) + "\n", "utf-8")


def read_description(path: Path, network: str) -> dict[str, Any]:
    """Read the JSON file beside a network's weights.

    Parameters
    ----------
    path : Path
        The safetensors file.
    network : str
        What to call the network in messages, such as ``the infarct network``.

    Raises
    ------
    InputError
        It is missing or damaged.
    """
    try:
        content: dict[str, Any] = json.loads(path.with_suffix(".json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise refusal_of(path, network, error) from None
    return content


def read_weights(path: Path, into: nn.Module, network: str) -> None:
    """Read weights that `write_weights` wrote into a network.

    Parameters
    ----------
    path : Path
        The safetensors file.
    into : nn.Module
        Changed in place.
    network : str
        What to call the network in messages, such as ``the infarct network``.

    Raises
    ------
    InputError
        The file is missing, damaged or of another network.
    """
    try:
        with safe_open(path, "pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        set_state(into, _restored(stored))
    except (OSError, ValueError, SafetensorError) as error:
        raise refusal_of(path, network, error) from None


def refusal_of(path: Path, network: str, error: Exception) -> InputError:
    """Return the error of a file that cannot be read as a network's weights.

    Parameters
    ----------
    path : Path
        The file.
    network : str
        What the message calls the network, such as ``a key-slice network``.
    error : Exception
        What went wrong.

    Returns
    -------
    InputError
    """
    return InputError(
        f"{path}: cannot be read as the weights of {network} ({error}); "
        "install aspects-atlas again or train it anew"
    )


def _is_counter(name: str) -> bool:
    return name.endswith(_COUNTER)


def _restored(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors in floating point, whichever way they are stored."""
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
