"""A network's parameters and buffers by name."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

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
    asked = {name: value.shape for name, value in own.items() if not is_counter(name)}
    given = {name: value.shape for name, value in tensors.items() if not is_counter(name)}
    if asked != given:
        raise ValueError("weights of another network")
    for name, value in own.items():
        if name in tensors:
            value.copy_(tensors[name])


def is_counter(name: str) -> bool:
    """Tell whether a buffer only counts batches.

    Parameters
    ----------
    name : str
        Its name in the network.
    """
    return name.endswith(_COUNTER)
