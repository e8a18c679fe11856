"""The 3-D U-Net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aspects_scorer.dwi.segmentation.preprocessing import CHANNELS

if TYPE_CHECKING:
    from torch import nn

FILTERS = (16, 32, 64, 96, 128)
MULTIPLES = (16, 16, 8)
"""What the sides of an image must be multiples of: slices are thick, they are pooled once less."""

CROP = (80, 96, 16)
"""Voxels of the crops that the network is trained on."""

_STRIDES = ((1, 1, 1), (2, 2, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2))


def build_network() -> nn.Module:
    """Return MONAI's DynUNet with instance normalisation, its weights drawn at random.

    Takes (batch, 3, x, y, z), gives logits of (batch, 1, x, y, z).

    References
    ----------
    Isensee F, Jaeger PF, Kohl SAA, Petersen J, Maier-Hein KH. nnU-Net: a self-configuring method
    for deep learning-based biomedical image segmentation. Nat Methods 18:203-211 (2021).
    doi:10.1038/s41592-020-01008-z
    """
    from monai.networks.nets.dynunet import DynUNet  # noqa: PLC0415 - loads torch

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
