"""Learning rates of a training, step by step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Schedule(Protocol):
    """The learning rate of every step.

    Attributes
    ----------
    steps : int
        Of the whole training.
    """

    @property
    def steps(self) -> int:
        """Of the whole training."""

    def rate(self, step: int) -> float:
        """Return the learning rate of a step.

        Parameters
        ----------
        step : int
            Counted from 0.

        Returns
        -------
        float
        """

    def steps_alike(self, other_steps: int) -> int:
        """Return for how many steps a training of another length has the same rates.

        Parameters
        ----------
        other_steps : int
            How many steps the other training has.

        Returns
        -------
        int
            Counted from the first step.
        """


@dataclass(frozen=True)
class Cosine:
    """Rises over the first part, then falls along a cosine to 0.

    Attributes
    ----------
    highest : float
        The highest rate.
    steps : int
        Of the whole training.
    rising_share : float
        Share of the steps over which the rate rises.
    """

    highest: float
    steps: int
    rising_share: float = 0.05

    def rate(self, step: int) -> float:
        """Return the learning rate of a step. See `Schedule.rate`."""
        rising = max(1, round(self.rising_share * self.steps))
        if step < rising:
            return self.highest * (step + 1) / rising
        done = (step - rising) / max(1, self.steps - rising)
        return self.highest * 0.5 * (1.0 + math.cos(math.pi * done))

    def steps_alike(self, other_steps: int) -> int:
        """Return all steps where the lengths are equal, else 0. See `Schedule.steps_alike`."""
        return self.steps if other_steps == self.steps else 0


@dataclass(frozen=True)
class Plateau:
    """Rises, stays level, then falls in a line to 0.

    Attributes
    ----------
    highest : float
        The highest rate.
    steps : int
        Of the whole training.
    rising : int
        Steps over which the rate rises.
    falling_share : float
        Share of the steps, the last ones, over which it falls.
    """

    highest: float
    steps: int
    rising: int = 50
    falling_share: float = 0.4

    def rate(self, step: int) -> float:
        """Return the learning rate of a step. See `Schedule.rate`."""
        rising = (step + 1) / self.rising
        falling = (self.steps - step) / max(self.falling_share * self.steps, 1)
        return self.highest * min(1.0, rising, falling)

    def steps_alike(self, other_steps: int) -> int:
        """Return how many steps precede the earlier fall of the two. See `Schedule.steps_alike`."""
        if other_steps == self.steps:
            return self.steps
        return int((1 - self.falling_share) * min(self.steps, other_steps))


@dataclass(frozen=True)
class Cyclic:
    """Goes up and down in lines between a tenth of the highest rate and the highest.

    Attributes
    ----------
    highest : float
        The highest rate.
    steps : int
        Of the whole training.
    half_cycle : int
        Steps of each way.

    References
    ----------
    Smith LN. Cyclical learning rates for training neural networks. WACV (2017). arXiv:1506.01186
    """

    highest: float
    steps: int
    half_cycle: int = 250

    def rate(self, step: int) -> float:
        """Return the learning rate of a step. See `Schedule.rate`."""
        place = (step / self.half_cycle) % 2
        return self.highest * (0.1 + 0.9 * (place if place <= 1 else 2 - place))

    def steps_alike(self, other_steps: int) -> int:
        """Return the steps of the shorter training. See `Schedule.steps_alike`."""
        return min(self.steps, other_steps)
