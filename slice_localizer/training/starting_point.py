"""Which weights a training starts from."""

from __future__ import annotations

from pathlib import Path

from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.start import Start, start_of
from slice_localizer.training.torchvision_models import load_resnets
from slice_localizer.training.trained import read_trained

IMAGENET = {
    "resnet50": "IMAGENET1K_V2",
    "resnet34": "IMAGENET1K_V1",
    "resnet18": "IMAGENET1K_V1",
}
"""The weights that torchvision offers for each backbone."""


def read_start(path: Path, backbone: str) -> Start:
    """Read the network that a training is to start from.

    Parameters
    ----------
    path : Path
        A network that `write_trained` wrote, such as the one that ships.
    backbone : str
        That of the network to train, see `AspectsLocNet`.

    Returns
    -------
    Start

    Raises
    ------
    InputError
        The file cannot be read, or its network has another backbone.
    """
    trained = read_trained(path)
    found = trained.training["plan"]["backbone"]
    if found != backbone:
        raise InputError(f"{path}: holds a {found}; give --backbone {found}")
    return start_of(path, trained.network)


def imagenet_weights(backbone: str) -> str:
    """Return the name of a backbone's ImageNet weights, which torchvision has fetched by then.

    Parameters
    ----------
    backbone : {'resnet50', 'resnet34', 'resnet18'}
        A key of `IMAGENET`.

    Returns
    -------
    str

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
