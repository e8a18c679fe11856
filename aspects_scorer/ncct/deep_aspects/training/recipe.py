"""The recipe of either network of Deep-ASPECTS, for the loop that trains every network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aspects_scorer.ncct.da_net.standard_view import STEP_MM
from aspects_scorer.ncct.deep_aspects.network import ANATOMY, Task
from aspects_scorer.ncct.deep_aspects.slices import unframed
from aspects_scorer.ncct.deep_aspects.training.cases import Case
from aspects_scorer.ncct.deep_aspects.training.examples import (
    Example,
    draw_slice,
    plain_slices,
    truth_of,
)
from aspects_scorer.ncct.deep_aspects.training.losses import OverlapLoss
from aspects_scorer.ncct.deep_aspects.training.network import build_network
from atlas_builder.networks.training.curve import Record
from atlas_builder.networks.training.loop import Measured
from atlas_builder.networks.training.schedule import Cyclic, Plateau, Schedule
from atlas_builder.networks.training.seeds import generator
from atlas_builder.networks.training.settled import FixedButForSteps, SettledRecipe

_MOST_IN_HEALTHY_ML = 1.0
_MOMENTUM = 0.9


@dataclass(frozen=True)
class Settings(FixedButForSteps):
    """What decides the weights, beside the heads.

    Attributes
    ----------
    seed : int
        Of weights and slices.
    steps : int
        Updates of the weights.
    batch : int
        Slices an update.
    optimizer : {'adamw', 'sgd'}
        ``sgd`` goes with a cyclic rate, as in the paper.
    learning_rate : float
        The greatest.
    weight_decay : float
        Of either optimizer.
    validate_every : int
        Steps between validations.
    mixed_precision : bool
        Whether convolutions are computed in bfloat16.
    """

    seed: int
    steps: int
    batch: int = 8
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    validate_every: int = 250
    mixed_precision: bool = True


@dataclass(frozen=True)
class SliceRecipe(SettledRecipe):
    """How one network is trained; see `atlas_builder.networks.training.loop.Recipe`.

    Attributes
    ----------
    task : Task
        Which network.
    cases, validation : sequence of Case
        Disjoint.
    settings : Settings
        What decides the weights.
    threads : int
        Threads that draw batches.
    """

    task: Task
    cases: Sequence[Case]
    validation: Sequence[Case]
    settings: Settings
    threads: int = 1
    greatest_gradient: float = field(default=2.0, init=False)
    checkpoint_every: int = field(default=50, init=False)
    _criterion: nn.Module = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the loss once."""
        object.__setattr__(self, "_criterion", OverlapLoss(self.task.outputs))

    @property
    def schedule(self) -> Schedule:
        """The learning rate: level and then falling, or going up and down."""
        settings = self.settings
        if settings.optimizer == "sgd":
            return Cyclic(settings.learning_rate, settings.steps)
        return Plateau(settings.learning_rate, settings.steps)

    def build(self) -> nn.Module:
        """Return the network, its weights drawn at random."""
        return build_network(self.task)

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return the optimizer of all parameters. See `Recipe.optimizer`."""
        settings = self.settings
        rate, decay = settings.learning_rate, settings.weight_decay
        if settings.optimizer == "sgd":
            return torch.optim.SGD(
                network.parameters(), lr=rate, momentum=_MOMENTUM, weight_decay=decay
            )
        return torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)

    def batches(self, first: int) -> Iterator[Sequence[Example]]:
        """Yield the slices of all steps, drawn ahead by threads. See `Recipe.batches`."""
        settings = self.settings

        def draw(step: int) -> list[Example]:
            return [
                draw_slice(self.cases, self.task, generator(settings.seed, step, index))
                for index in range(settings.batch)
            ]

        yield from self.drawn_ahead(draw, first)

    def loss(self, network: nn.Module, batch: Sequence[Example], device: torch.device) -> Tensor:
        """Return the loss of a batch of slices. See `Recipe.loss`."""
        channels = torch.from_numpy(np.stack([one.channels for one in batch])).to(device)
        classes = torch.from_numpy(np.stack([one.classes for one in batch])[:, None].astype(int))
        distances = torch.from_numpy(np.stack([one.distances for one in batch])).to(device)
        logits = self._logits(network, channels)
        loss: Tensor = self._criterion(logits, classes.to(device), distances)
        return loss

    def evaluate(self, network: nn.Module, measured: Measured, device: torch.device) -> Record:
        """Return the Dice of validation heads, and what is found in healthy ones.

        See `Recipe.evaluate`.
        """
        network.eval()
        record: Record = {"step": measured.step, "training_loss": measured.loss}
        found = [self._classes(network, case, device) for case in self.validation]
        if self.task is ANATOMY:
            dice = _dice_of_regions(found, [case.regions for case in self.validation])
            record |= {"validation_dice": float(dice.mean())}
            record |= {"validation_dice_of_each": [round(float(d), 4) for d in dice]}
        else:
            record |= _infarct_record(found, self.validation, self.task)
        return record | {"seconds": measured.seconds, "waiting": measured.waiting}

    def _classes(self, network: nn.Module, case: Case, device: torch.device) -> NDArray[np.uint8]:
        with torch.inference_mode():
            slices = torch.from_numpy(plain_slices(case)).to(device)
            logits = self._logits(network, slices).cpu().numpy()
        told = logits.argmax(axis=1) if self.task is ANATOMY else logits[:, 0] > 0
        return np.moveaxis(unframed(told), 0, 2).astype(np.uint8)

    def _logits(self, network: nn.Module, slices: Tensor) -> Tensor:
        mixed = self.settings.mixed_precision
        with torch.autocast(slices.device.type, torch.bfloat16, enabled=mixed):
            logits: Tensor = network(slices)
        return logits.float()


def _dice_of_regions(
    found: Sequence[NDArray[np.uint8]], truth: Sequence[NDArray[np.uint8]]
) -> NDArray[np.float64]:
    """Return the Dice of each region over all heads."""
    values = range(1, ANATOMY.outputs)
    both = [
        sum(int(((f == v) & (t == v)).sum()) for f, t in zip(found, truth, strict=True))
        for v in values
    ]
    total = [
        sum(int((f == v).sum() + (t == v).sum()) for f, t in zip(found, truth, strict=True))
        for v in values
    ]
    return np.array([2 * b / max(t, 1) for b, t in zip(both, total, strict=True)])


def _infarct_record(
    found: Sequence[NDArray[np.uint8]], cases: Sequence[Case], task: Task
) -> Record:
    """Return the mean Dice of infarcts, and how many healthy heads get more than 1 mL."""
    dice, healthy, wrong = [], 0, 0
    voxel_ml = float(np.prod(STEP_MM)) / 1000
    for ours, case in zip(found, cases, strict=True):
        truth = truth_of(case, task)
        if case.infarcted:
            dice.append(2 * float((ours & truth).sum()) / float(ours.sum() + truth.sum()))
        else:
            healthy += 1
            wrong += float(ours.sum()) * voxel_ml > _MOST_IN_HEALTHY_ML
    return {
        "validation_dice": float(np.mean(dice)) if dice else None,
        "healthy": healthy,
        "healthy_with_infarct": int(wrong),
    }
