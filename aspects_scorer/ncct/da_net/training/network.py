"""DA-Net: a DenseNet for both sides, and a classifier of a side's features and the difference.

References
----------
Cao Z, Xu J, Song B, et al. Deep learning derived automated ASPECTS on non-contrast CT scans of
acute ischemic stroke patients. Hum Brain Mapp 43:3023-3036 (2022), sections 2.4 and 2.5.
doi:10.1002/hbm.25845; Huang G, Liu Z, van der Maaten L, Weinberger KQ. Densely connected
convolutional networks. CVPR (2017). arXiv:1608.06993; Zhou B, Khosla A, Lapedriza A, Oliva A,
Torralba A. Learning deep features for discriminative localization. CVPR (2016). arXiv:1512.04150
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aspects_scorer.ncct.da_net.network import KINDS, RULE_NAMES
from aspects_scorer.ncct.da_net.patches import CHANNELS, PATCH
from atlas_builder.networks.training.export import Interface, read_state, write_model

GROWTH = 12
LAYERS = (3, 3, 3, 3)
FIRST_FEATURES = 24

_POOLING = ((2, 2, 1), (1, 1, 2), (1, 1, 1))
_INTERFACE = Interface(
    ("patches",), ("log_odds", "attention"), {"patches": (0,), "log_odds": (0,), "attention": (0,)}
)


class _DenseLayer(nn.Module):
    """Batch norm, ReLU and convolution in plane, then the same across slices; the input is kept."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm3d(features),
            nn.ReLU(),
            nn.Conv3d(features, GROWTH, (3, 3, 1), padding=(1, 1, 0), bias=False),
            nn.BatchNorm3d(GROWTH),
            nn.ReLU(),
            nn.Conv3d(GROWTH, GROWTH, (1, 1, 3), padding=(0, 0, 1), bias=False),
        )

    def forward(self, image: Tensor) -> Tensor:
        return torch.cat([image, self.body(image)], dim=1)


class DANet(nn.Module):
    """The deep asymmetry network.

    Both sides go through the same layers and, as the right one is mirrored, through the same
    classifier: a mirrored head gets the mirrored score.

    Parameters
    ----------
    compares : bool
        Whether the classifier is given the difference of features; without it each side is judged
        alone, for the comparison that the paper's design calls for.
    """

    def __init__(self, compares: bool = True) -> None:
        super().__init__()
        self.compares = compares
        layers: list[nn.Module] = [
            nn.Conv3d(CHANNELS, FIRST_FEATURES, (5, 5, 1), (2, 2, 1), (2, 2, 0), bias=False)
        ]
        features = FIRST_FEATURES
        for block, count in enumerate(LAYERS):
            for _ in range(count):
                layers.append(_DenseLayer(features))
                features += GROWTH
            if block < len(_POOLING):
                layers += [
                    nn.BatchNorm3d(features),
                    nn.ReLU(),
                    nn.Conv3d(features, features // 2, 1, bias=False),
                    nn.AvgPool3d(_POOLING[block]),
                ]
                features //= 2
        layers += [nn.BatchNorm3d(features), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(features * (2 if compares else 1), len(RULE_NAMES))

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Judge pairs of patches.

        Parameters
        ----------
        patches : Tensor, shape (pairs, 2, CHANNELS, *PATCH)
            Left and mirrored right.

        Returns
        -------
        log_odds : Tensor, shape (pairs, 2, rules)
            Of each side's region being affected.
        attention : Tensor, shape (pairs, 2, rules, x, y, z)
            The class activation maps, whose means the log-odds are but for a constant.
        """
        found = self.features(patches.flatten(0, 1)).unflatten(0, (-1, 2))
        if self.compares:
            found = torch.cat([found, found - found.flip(1)], dim=2)
        attention = torch.einsum("nscxyz,rc->nsrxyz", found, self.classifier.weight)
        return attention.mean(dim=(3, 4, 5)) + self.classifier.bias, attention


def write_da_net(path: Path, network: nn.Module, group: str, described: Mapping[str, Any]) -> None:
    """Write a trained network as a model with weights in half precision.

    Parameters
    ----------
    path : Path
        The ONNX file.
    network : nn.Module
        `DANet` in evaluation mode, on the CPU.
    group : {'cortical', 'deep'}
        Which regions it judges.
    described : mapping
        What the JSON file beside it holds.

    Raises
    ------
    ValueError
        The model does not give what the network gives.
    """
    example = torch.rand((2, 2, CHANNELS, *PATCH), generator=torch.Generator().manual_seed(1))
    write_model(path, network, [example], _INTERFACE, KINDS[group], described, "float16")


def read_da_net(path: Path, group: str) -> nn.Module:
    """Read a network that `write_da_net` wrote.

    Parameters
    ----------
    path : Path
        The ONNX file.
    group : {'cortical', 'deep'}
        Which regions it judges.

    Returns
    -------
    nn.Module
        In evaluation mode.

    Raises
    ------
    InputError
        The file is missing, damaged or of another network.
    """
    network = DANet()
    read_state(path, KINDS[group], network)
    return network.eval()
