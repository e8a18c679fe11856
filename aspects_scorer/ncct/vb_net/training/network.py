"""VB-Net: a V-Net whose blocks are bottlenecks, built to be trained and written as a model.

References
----------
Milletari F, Navab N, Ahmadi SA. V-Net: fully convolutional neural networks for volumetric medical
image segmentation. 3DV (2016). arXiv:1606.04797; Han M, Yao G, Zhang W, et al. Segmentation of CT
thoracic organs by multi-resolution VB-nets. SegTHOR, CEUR 2349 (2019); Cao Z, Xu J, Song B, et al.
Hum Brain Mapp 43:3023-3036 (2022), section 2.3. doi:10.1002/hbm.25845
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aspects_scorer.ncct.vb_net.network import Stage
from atlas_builder.networks.training.export import Interface, read_state, write_model

FILTERS = (16, 32, 64, 128, 192)
"""Features of each level, from the finest to the coarsest."""

_STEPS = ((2, 2, 1), (2, 2, 1), (2, 2, 2), (2, 2, 2))
_BLOCKS = (1, 2, 2, 2, 2)  # bottlenecks a level
_NARROWING = 4
_INTERFACE = Interface(("hu",), ("logits",), {"hu": (2, 3, 4), "logits": (2, 3, 4)})


class _Bottleneck(nn.Module):
    """A residual block that convolves a quarter of its features only."""

    def __init__(self, features: int, kernel: tuple[int, int, int]) -> None:
        super().__init__()
        narrow = max(features // _NARROWING, 4)
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        self.body = nn.Sequential(
            nn.Conv3d(features, narrow, 1, bias=False),
            _norm(narrow),
            nn.LeakyReLU(0.01),
            nn.Conv3d(narrow, narrow, kernel, padding=padding, bias=False),
            _norm(narrow),
            nn.LeakyReLU(0.01),
            nn.Conv3d(narrow, features, 1, bias=False),
            _norm(features),
        )
        self.last = nn.LeakyReLU(0.01)

    def forward(self, image: Tensor) -> Tensor:
        out: Tensor = self.last(image + self.body(image))
        return out


class VBNet(nn.Module):
    """V-Net with bottleneck blocks.

    The first two down blocks work in plane only, the last two in all three directions, as slices
    are 3 to 6 mm thick. Features of the way down are added to those of the way up.

    Parameters
    ----------
    outputs : int
        Classes.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        kernels = [(3, 3, 1), (3, 3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)]
        self.first = nn.Sequential(
            nn.Conv3d(1, FILTERS[0], (5, 5, 1), padding=(2, 2, 0), bias=False),
            _norm(FILTERS[0]),
            nn.LeakyReLU(0.01),
        )
        self.levels = nn.ModuleList(
            nn.Sequential(*(_Bottleneck(f, k) for _ in range(n)))
            for f, k, n in zip(FILTERS, kernels, _BLOCKS, strict=True)
        )
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(fine, coarse, step, stride=step, bias=False),
                _norm(coarse),
                nn.LeakyReLU(0.01),
            )
            for fine, coarse, step in zip(FILTERS[:-1], FILTERS[1:], _STEPS, strict=True)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose3d(coarse, fine, step, stride=step)
            for fine, coarse, step in zip(FILTERS[:-1], FILTERS[1:], _STEPS, strict=True)
        )
        self.back = nn.ModuleList(
            nn.Sequential(*(_Bottleneck(f, k) for _ in range(n)))
            for f, k, n in zip(FILTERS[:-1], kernels[:-1], _BLOCKS[:-1], strict=True)
        )
        self.head = nn.Conv3d(FILTERS[0], outputs, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits.

        Parameters
        ----------
        image : Tensor, shape (batch, 1, x, y, z)
            With sides that are `aspects_scorer.ncct.vb_net.network.MULTIPLES`.

        Returns
        -------
        Tensor, shape (batch, outputs, x, y, z)
        """
        image = self.levels[0](self.first(image))
        passed = []
        for down, level in zip(self.down, self.levels[1:], strict=True):
            passed.append(image)
            image = level(down(image))
        upwards = zip(reversed(self.up), reversed(self.back), reversed(passed), strict=True)
        for up, back, before in upwards:
            image = back(up(image) + before)
        logits: Tensor = self.head(image)
        return logits


def write_stage(path: Path, network: nn.Module, stage: Stage, described: Mapping[str, Any]) -> None:
    """Write a trained network as a model with weights in half precision.

    Parameters
    ----------
    path : Path
        The ONNX file.
    network : nn.Module
        `VBNet` in evaluation mode, on the CPU.
    stage : Stage
        Which of the cascade.
    described : mapping
        What the JSON file beside it holds.

    Raises
    ------
    ValueError
        The model does not give what the network gives.
    """
    example = torch.rand((1, 1, *stage.crop), generator=torch.Generator().manual_seed(1)) * 2 - 1
    write_model(path, network, [example], _INTERFACE, stage.kind, described, "float16")


def read_stage(path: Path, stage: Stage) -> nn.Module:
    """Read a network that `write_stage` wrote.

    Parameters
    ----------
    path : Path
        The ONNX file.
    stage : Stage
        Which of the cascade.

    Returns
    -------
    nn.Module
        In evaluation mode.

    Raises
    ------
    InputError
        The file is missing, damaged or of another network.
    """
    network = VBNet(stage.outputs)
    read_state(path, stage.kind, network)
    return network.eval()


def _norm(features: int) -> nn.Module:
    return nn.InstanceNorm3d(features, affine=True)
