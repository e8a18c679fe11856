"""The weights of a network as files: safetensors in half precision, and a JSON file beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas_builder.errors import InputError
from atlas_builder.io.files import replacing

if TYPE_CHECKING:
    from torch import Tensor, nn

SHIPPED = Path(__file__).parent / "weights" / "infarct-unet.safetensors"


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Return a network's weights by name, each once even where modules share them."""
    return {name: value.detach().contiguous() for name, value in network.named_parameters()}


def set_tensors(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy weights into a network.

    Raises
    ------
    ValueError
        Names or shapes differ.
    """
    own = tensors_of(network)
    if {n: v.shape for n, v in own.items()} != {n: v.shape for n, v in tensors.items()}:
        raise ValueError("weights of another network")
    for name, value in own.items():
        value.copy_(tensors[name])


def save_weights(file: Path, network: nn.Module, description: Mapping[str, Any]) -> None:
    """Write a network's weights in half precision, and a description beside them as JSON."""
    import torch  # noqa: PLC0415 - takes seconds
    from safetensors.torch import save  # noqa: PLC0415

    tensors = {name: value.to(torch.float16).cpu() for name, value in tensors_of(network).items()}
    with replacing(file) as partial:
        partial.write_bytes(save(tensors))
    with replacing(file.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(description, indent=1, sort_keys=True) + "\n")


def load_weights(file: Path, network: nn.Module) -> None:
    """Read weights into a network.

    Raises
    ------
    InputError
        The file is missing, damaged or of another network.
    """
    from safetensors import SafetensorError  # noqa: PLC0415
    from safetensors.torch import load_file  # noqa: PLC0415

    try:
        set_tensors(network, load_file(file))
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(
            f"{file}: no weights of the infarct network ({error}); train-infarct-segmenter "
            "writes them, installing aspects-atlas again restores the shipped ones"
        ) from None
