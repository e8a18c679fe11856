"""Where a training starts: on which device, and from which weights."""

from __future__ import annotations

import torch

from atlas_builder.errors import InputError
from slice_localizer.torchvision_models import load_resnets

IMAGENET = {
    "resnet50": "IMAGENET1K_V2",
    "resnet34": "IMAGENET1K_V1",
    "resnet18": "IMAGENET1K_V1",
}
"""The weights that torchvision offers for each backbone."""


def choose_device(name: str) -> torch.device:
    """Return the device that a name means; ``auto`` is CUDA where there is any.

    Raises
    ------
    InputError
        CUDA is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InputError("--device cuda: no CUDA device is found here; use --device cpu")
    if name == "auto":
        name = "cuda" if available else "cpu"
    return torch.device(name)


def imagenet_weights(backbone: str) -> str:
    """Return the name of a backbone's ImageNet weights, which torchvision has fetched by then.

    Raises
    ------
    InputError
        They cannot be fetched.
    """
    name, resnets = IMAGENET[backbone], load_resnets()
    try:
        getattr(resnets, backbone)(weights=name)
    except (OSError, RuntimeError) as error:
        url = getattr(resnets, f"ResNet{backbone.removeprefix('resnet')}_Weights")[name].url
        raise InputError(
            f"--pretrained: ImageNet weights cannot be fetched from {url} ({error}); put that file "
            "into torch's folder hub/checkpoints, or leave out --pretrained"
        ) from None
    return name
