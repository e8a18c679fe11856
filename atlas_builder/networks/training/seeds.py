"""Random numbers of a training: each draw's come from its place alone.

So a training that is interrupted, or whose samples are drawn by other processes, sees the same.
"""

from __future__ import annotations

import numpy as np
import torch


def generator(seed: int, *place: int) -> np.random.Generator:
    """Return the generator of one place of a training.

    Parameters
    ----------
    seed : int
        Of the training.
    *place : int
        Which draw: numbers that no other draw has, such as the step.
    """
    return np.random.default_rng([seed, *place])


def seed_step(seed: int, step: int) -> None:
    """Seed what a network draws by itself in a step, such as dropout.

    Parameters
    ----------
    seed : int
        Of the training.
    step : int
        Counted from 0.
    """
    torch.manual_seed(seed + step)
