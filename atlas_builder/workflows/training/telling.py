"""What a training says of each evaluation where there is no progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable

from atlas_builder.networks.training.curve import Record


def telling(name: str, steps: int, measured: Callable[[Record], str]) -> Callable[[Record], None]:
    """Return what tells of evaluations: a line each, to a standard error that is no terminal.

    Parameters
    ----------
    name : str
        Of the network.
    steps : int
        Of the whole training.
    measured : callable
        Says what an evaluation measured.

    Returns
    -------
    callable
        For `atlas_builder.networks.training.loop.train`.
    """

    def tell(record: Record) -> None:
        if sys.stderr.isatty():
            return
        sys.stderr.write(
            f"{name}: step {record['step']} of {steps}: training loss "
            f"{record['training_loss']:.4f}, {measured(record)}\n"
        )
        sys.stderr.flush()

    return tell
