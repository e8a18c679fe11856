"""What the recipes share whose settings are a dataclass: seed, rate, optimizer, batches ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from atlas_builder.networks.training.schedule import Plateau, Schedule
from atlas_builder.runtime.workers import Workers

Batch = TypeVar("Batch")


class _Settings(Protocol):
    """What decides the weights, beside what is learnt from."""

    @property
    def seed(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def validate_every(self) -> int: ...
    @property
    def fixed(self) -> Mapping[str, Any]: ...


class FixedButForSteps:
    """Settings, a dataclass, that an interrupted training may go on with for more steps."""

    @property
    def fixed(self) -> Mapping[str, Any]:
        """All but the number of steps, which may change while the learning rate is level."""
        values = asdict(self)  # type: ignore[call-overload]
        return {name: value for name, value in values.items() if name != "steps"}


class SettledRecipe:
    """What follows from a recipe's settings; see `atlas_builder.networks.training.loop.Recipe`.

    Attributes
    ----------
    settings
        With seed, steps, learning rate, weight decay and steps between validations.
    threads : int
        Threads that draw batches.
    """

    settings: _Settings
    threads: int

    @property
    def seed(self) -> int:
        """Of everything random."""
        return self.settings.seed

    @property
    def schedule(self) -> Schedule:
        """The learning rate: rising, level, then falling to 0."""
        return Plateau(self.settings.learning_rate, self.settings.steps)

    @property
    def evaluate_every(self) -> int:
        """Steps between validations."""
        return self.settings.validate_every

    @property
    def fixed(self) -> Mapping[str, Any]:
        """What must be the same for an interrupted training to go on."""
        return self.settings.fixed

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return AdamW of all parameters. See `Recipe.optimizer`."""
        settings = self.settings
        return torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )

    def drawn_ahead(self, draw: Callable[[int], Batch], first: int) -> Iterator[Batch]:
        """Yield the batches of all steps that are left, drawn ahead by threads.

        Parameters
        ----------
        draw : callable
            Takes a step.
        first : int
            The step to begin with, counted from 0.
        """
        with ThreadPoolExecutor(self.threads) as executor:
            steps = range(first, self.settings.steps)
            yield from Workers(executor, self.threads).in_order(draw, steps)
