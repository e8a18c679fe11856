"""The recipe of the infarct network's training, for the loop that trains every network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from torch import Tensor, nn

from aspects_scorer.dwi.segmentation.network import MULTIPLES
from aspects_scorer.dwi.segmentation.training.examples import Example, draw_crop, whole_scan
from aspects_scorer.dwi.segmentation.training.network import build_network
from aspects_scorer.dwi.segmentation.training.tissue_scans import TissueScan
from atlas_builder.networks.training.curve import Record
from atlas_builder.networks.training.loop import Measured
from atlas_builder.networks.training.seeds import generator
from atlas_builder.networks.training.settled import FixedButForSteps, SettledRecipe
from atlas_builder.networks.training.start import Start

_VALIDATION_INFARCTS = 2  # of each validation scan
_TRAINING, _VALIDATION = 11, 12  # keep the streams of random numbers apart


@dataclass(frozen=True)
class Settings(FixedButForSteps):
    """What decides the weights, beside the scans.

    Attributes
    ----------
    seed : int
        Of weights, crops and signals.
    persons : int
        How many subjects were simulated.
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
    start : str or None
        Which network the training goes on from: the SHA-256 of its file of weights. By default
        the network is new.
    """

    seed: int
    persons: int
    steps: int
    batch: int = 2
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    validate_every: int = 200
    mixed_precision: bool = True
    start: str | None = None


@dataclass(frozen=True)
class SegmenterRecipe(SettledRecipe):
    """How the infarct network is trained; see `atlas_builder.networks.training.loop.Recipe`.

    Loss is Dice plus cross-entropy over a batch.

    Attributes
    ----------
    scans, validation : sequence of TissueScan
        Disjoint subjects with disjoint infarcts.
    settings : Settings
        What decides the weights.
    threads : int
        Threads that draw batches.
    start : Start or None
        The network to go on from, that which the settings name.
    """

    scans: Sequence[TissueScan]
    validation: Sequence[TissueScan]
    settings: Settings
    threads: int = 1
    start: Start | None = None
    greatest_gradient: float = field(default=2.0, init=False)
    checkpoint_every: int = field(default=50, init=False)
    _criterion: nn.Module = field(init=False, repr=False)
    _examples: Sequence[Example] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Draw the validation examples once, and see that the start is the settings'."""
        if self.settings.start != (None if self.start is None else self.start.sha256):
            raise ValueError("the network to start from is not that of the settings")
        criterion = DiceCELoss(sigmoid=True, batch=True, smooth_nr=0.1, smooth_dr=0.1)
        object.__setattr__(self, "_criterion", criterion)
        object.__setattr__(self, "_examples", _validation_examples(self.validation, self.seed))

    def build(self) -> nn.Module:
        """Return the network, its weights drawn at random or those to start from."""
        network = build_network()
        if self.start is not None:
            network.load_state_dict(self.start.state)
        return network

    def batches(self, first: int) -> Iterator[Sequence[Example]]:
        """Yield the crops of all steps, drawn ahead by threads. See `Recipe.batches`."""
        settings = self.settings

        def draw(step: int) -> list[Example]:
            return [
                draw_crop(self.scans, generator(settings.seed, _TRAINING, step, index))
                for index in range(settings.batch)
            ]

        yield from self.drawn_ahead(draw, first)

    def loss(self, network: nn.Module, batch: Sequence[Example], device: torch.device) -> Tensor:
        """Return the loss of a batch of crops. See `Recipe.loss`."""
        channels, infarct = _tensors(batch, device)
        loss: Tensor = self._criterion(self._logits(network, channels), infarct)
        return loss

    def evaluate(self, network: nn.Module, measured: Measured, device: torch.device) -> Record:
        """Return losses, and the mean Dice of whole validation scans. See `Recipe.evaluate`."""
        network.eval()
        losses, dice = [], []
        with torch.inference_mode():
            for example in self._examples:
                channels, infarct = _tensors([example], device)
                logits = self._logits(network, channels)
                losses.append(float(self._criterion(logits, infarct)))
                found = logits > 0
                both, truth = float((found * infarct).sum()), float(infarct.sum())
                total = float(found.sum()) + truth
                dice.append(2 * both / total if total else 1.0)
        return {
            "step": measured.step,
            "training_loss": measured.loss,
            "validation_loss": float(np.mean(losses)),
            "validation_dice": float(np.mean(dice)),
        }

    def _logits(self, network: nn.Module, channels: Tensor) -> Tensor:
        mixed = self.settings.mixed_precision
        with torch.autocast(channels.device.type, torch.bfloat16, enabled=mixed):
            logits: Tensor = network(channels)
        return logits.float()


def _tensors(crops: Sequence[Example], device: torch.device) -> tuple[Tensor, Tensor]:
    channels = torch.from_numpy(np.stack([crop.channels for crop in crops]))
    infarct = torch.from_numpy(np.stack([crop.infarct for crop in crops])[:, None])
    return channels.to(device), infarct.to(device, torch.float32)


def _validation_examples(scans: Sequence[TissueScan], seed: int) -> list[Example]:
    examples = []
    for index, scan in enumerate(scans):
        for lesion in range(min(_VALIDATION_INFARCTS, len(scan.lesions))):
            rng = generator(seed, _VALIDATION, index, lesion)
            example = whole_scan(scan, lesion, lesion % 2 == 0, rng)
            padding = [(0, -n % m) for n, m in zip(example.infarct.shape, MULTIPLES, strict=True)]
            examples.append(
                Example(
                    np.pad(example.channels, [(0, 0), *padding]), np.pad(example.infarct, padding)
                )
            )
    return examples
