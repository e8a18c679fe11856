"""The recipe of both networks of the cascade, for the loop that trains every network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from torch import Tensor, nn

from aspects_scorer.ncct.vb_net.network import Stage
from aspects_scorer.ncct.vb_net.training.examples import (
    Example,
    RegionScan,
    draw_crop,
    plain_crop,
)
from aspects_scorer.ncct.vb_net.training.network import VBNet
from atlas_builder.networks.training.curve import Record
from atlas_builder.networks.training.loop import Measured
from atlas_builder.networks.training.seeds import generator
from atlas_builder.networks.training.settled import FixedButForSteps, SettledRecipe


@dataclass(frozen=True)
class Settings(FixedButForSteps):
    """What decides the weights, beside the heads.

    Attributes
    ----------
    seed : int
        Of weights and crops.
    steps : int
        Updates of the weights.
    batch : int
        Crops an update.
    learning_rate : float
        The greatest, of AdamW.
    weight_decay : float
        Of AdamW.
    validate_every : int
        Steps between validations.
    mixed_precision : bool
        Whether convolutions are computed in bfloat16.
    """

    seed: int
    steps: int
    batch: int = 1
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    validate_every: int = 250
    mixed_precision: bool = True


@dataclass(frozen=True)
class RegionRecipe(SettledRecipe):
    """How one network is trained; see `atlas_builder.networks.training.loop.Recipe`.

    Loss is the mean Dice of the classes plus cross-entropy.

    Attributes
    ----------
    stage : Stage
        Which network.
    heads, validation : sequence of RegionScan
        Disjoint.
    settings : Settings
        What decides the weights.
    threads : int
        Threads that draw batches.
    """

    stage: Stage
    heads: Sequence[RegionScan]
    validation: Sequence[RegionScan]
    settings: Settings
    threads: int = 1
    greatest_gradient: float = field(default=2.0, init=False)
    checkpoint_every: int = field(default=100, init=False)
    _criterion: nn.Module = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the loss once."""
        criterion = DiceCELoss(
            softmax=True,
            to_onehot_y=True,
            include_background=False,
            batch=True,
            smooth_nr=1.0,
            smooth_dr=1.0,
        )
        object.__setattr__(self, "_criterion", criterion)

    def build(self) -> nn.Module:
        """Return the network, its weights drawn at random."""
        return VBNet(self.stage.outputs)

    def batches(self, first: int) -> Iterator[Sequence[Example]]:
        """Yield the crops of all steps, drawn ahead by threads. See `Recipe.batches`."""
        settings = self.settings

        def draw(step: int) -> list[Example]:
            crops = []
            for index in range(settings.batch):
                rng = generator(settings.seed, step, index)
                head = self.heads[int(rng.integers(len(self.heads)))]
                crops.append(draw_crop(head, self.stage, rng))
            return crops

        yield from self.drawn_ahead(draw, first)

    def loss(self, network: nn.Module, batch: Sequence[Example], device: torch.device) -> Tensor:
        """Return the loss of a batch of crops. See `Recipe.loss`."""
        channels, classes = _tensors(batch, device)
        loss: Tensor = self._criterion(self._logits(network, channels), classes)
        return loss

    def evaluate(self, network: nn.Module, measured: Measured, device: torch.device) -> Record:
        """Return the mean Dice of the classes over validation heads. See `Recipe.evaluate`."""
        network.eval()
        overlap = np.zeros((self.stage.outputs, 2))
        with torch.inference_mode():
            for head in self.validation:
                example = plain_crop(head, self.stage)
                channels, _ = _tensors([example], device)
                found = self._logits(network, channels).argmax(dim=1)[0].cpu().numpy()
                for value in range(1, self.stage.outputs):
                    ours, true = found == value, example.classes == value
                    overlap[value] += 2 * float((ours & true).sum()), float(ours.sum() + true.sum())
        dice = overlap[1:, 0] / np.maximum(overlap[1:, 1], 1)
        return {
            "step": measured.step,
            "training_loss": measured.loss,
            "validation_dice": float(dice.mean()),
            "validation_dice_of_each": [round(float(d), 4) for d in dice],
            "seconds": measured.seconds,
            "waiting": measured.waiting,
        }

    def _logits(self, network: nn.Module, channels: Tensor) -> Tensor:
        mixed = self.settings.mixed_precision
        with torch.autocast(channels.device.type, torch.bfloat16, enabled=mixed):
            logits: Tensor = network(channels)
        return logits.float()


def _tensors(examples: Sequence[Example], device: torch.device) -> tuple[Tensor, Tensor]:
    channels = np.stack([example.channels for example in examples])
    classes = np.stack([example.classes for example in examples])[:, np.newaxis]
    return (
        torch.from_numpy(np.ascontiguousarray(channels)).to(device),
        torch.from_numpy(np.ascontiguousarray(classes).astype(np.int64)).to(device),
    )
