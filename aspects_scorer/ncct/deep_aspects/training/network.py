"""U-Net with an EfficientNet-B0 encoder, built to be trained and written as a model.

References
----------
Tan M, Le QV. EfficientNet: rethinking model scaling for convolutional neural networks. ICML (2019).
arXiv:1905.11946; Ronneberger O, Fischer P, Brox T. U-Net: convolutional networks for biomedical
image segmentation. MICCAI (2015). arXiv:1505.04597; MONAI consortium. MONAI (2020).
doi:10.5281/zenodo.4323058, whose FlexibleUNet this is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.networks.nets.flexible_unet import FlexibleUNet
from torch import nn

from aspects_scorer.ncct.deep_aspects.network import Task
from aspects_scorer.ncct.deep_aspects.slices import CHANNELS, FRAME
from atlas_builder.networks.training.export import Interface, read_state, write_model

ENCODER = "efficientnet-b0"
DECODER = (128, 64, 32, 16, 16)
"""Features of the decoder's levels, from the coarsest on."""

_INTERFACE = Interface(("slices",), ("logits",), {"slices": (0,), "logits": (0,)})


def build_network(task: Task) -> nn.Module:
    """Build a network, its weights drawn at random.

    Parameters
    ----------
    task : Task
        Which.

    Returns
    -------
    nn.Module
        Takes slices of shape (n, CHANNELS, *FRAME), gives logits of shape (n, outputs, *FRAME).
    """
    network = FlexibleUNet(
        in_channels=CHANNELS,
        out_channels=task.outputs,
        backbone=ENCODER,
        decoder_channels=DECODER,
        norm=("batch", {"eps": 1e-3, "momentum": 0.05}),
    )
    network.encoder.set_swish(memory_efficient=False)  # the efficient one cannot be exported
    for classifying in ("_conv_head", "_bn1", "_fc"):  # of no use to a decoder
        setattr(network.encoder, classifying, nn.Identity())
    return network


def write_network(path: Path, network: nn.Module, task: Task, described: Mapping[str, Any]) -> None:
    """Write a trained network as a model with weights in 8 bits.

    Parameters
    ----------
    path : Path
        The ONNX file.
    network : nn.Module
        From `build_network`, in evaluation mode, on the CPU.
    task : Task
        Which it is.
    described : mapping
        What the JSON file beside it holds.

    Raises
    ------
    ValueError
        The model does not give what the network gives.
    """
    example = torch.rand((2, CHANNELS, *FRAME), generator=torch.Generator().manual_seed(1))
    write_model(path, network, [example], _INTERFACE, task.kind, described, "int8")


def read_network(path: Path, task: Task) -> nn.Module:
    """Read a network that `write_network` wrote.

    Parameters
    ----------
    path : Path
        The ONNX file.
    task : Task
        Which it must be.

    Returns
    -------
    nn.Module
        In evaluation mode.

    Raises
    ------
    InputError
        The file is missing, damaged or of another network.
    """
    network = build_network(task)
    read_state(path, task.kind, network)
    return network.eval()
