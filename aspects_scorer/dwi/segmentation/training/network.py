"""The infarct network: a 3-D U-Net, built to be trained and written as the model that is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.networks.nets.dynunet import DynUNet
from torch import nn

from aspects_scorer.dwi.segmentation.network import CROP, KIND
from aspects_scorer.dwi.segmentation.preprocessing import CHANNELS
from atlas_builder.networks.training.export import Interface, read_state, write_model

FILTERS = (16, 32, 64, 96, 128)

_STRIDES = ((1, 1, 1), (2, 2, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2))
_INTERFACE = Interface(("channels",), ("logits",), {"channels": (2, 3, 4), "logits": (2, 3, 4)})


def build_network() -> nn.Module:
    """Return MONAI's DynUNet with instance normalisation, its weights drawn at random.

    Takes (batch, 3, x, y, z), gives logits of (batch, 1, x, y, z).

    References
    ----------
    Isensee F, Jaeger PF, Kohl SAA, Petersen J, Maier-Hein KH. nnU-Net: a self-configuring method
    for deep learning-based biomedical image segmentation. Nat Methods 18:203-211 (2021).
    doi:10.1038/s41592-020-01008-z
    """
    strides: Sequence[Any] = _STRIDES
    network: nn.Module = DynUNet(
        spatial_dims=3,
        in_channels=CHANNELS,
        out_channels=1,
        kernel_size=[3] * len(FILTERS),
        strides=strides,
        upsample_kernel_size=strides[1:],
        filters=FILTERS,
        norm_name=("INSTANCE", {"affine": True}),
    )
    return network


def write_segmenter(path: Path, network: nn.Module, description: Mapping[str, Any]) -> None:
    """Write a trained network as a model with weights in half precision.

    Parameters
    ----------
    path : Path
        The ONNX file.
    network : nn.Module
        From `build_network`, in evaluation mode, on the CPU.
    description : mapping
        What the JSON file beside it holds.

    Raises
    ------
    ValueError
        The model does not give what the network gives.
    """
    example = torch.rand((1, CHANNELS, *CROP), generator=torch.Generator().manual_seed(1))
    write_model(path, network, [example], _INTERFACE, KIND, description, "float16")


def read_segmenter(path: Path) -> nn.Module:
    """Read a network that `write_segmenter` wrote.

    Parameters
    ----------
    path : Path
        The ONNX file.

    Returns
    -------
    nn.Module
        In evaluation mode.

    Raises
    ------
    InputError
        The file is missing, damaged or of another network.
    """
    network = build_network()
    read_state(path, KIND, network)
    return network.eval()
