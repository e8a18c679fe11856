"""The recipe of either network of DA-Net, for the loop that trains every network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from aspects_scorer.ncct.da_net.network import RULE_NAMES
from aspects_scorer.ncct.da_net.patches import GROUPS
from aspects_scorer.ncct.da_net.training.examples import (
    Pairs,
    StandardCase,
    draw_pairs,
    plain_pairs,
)
from aspects_scorer.ncct.da_net.training.network import DANet
from atlas_builder.metrics.roc import area_under
from atlas_builder.networks.training.curve import Record
from atlas_builder.networks.training.loop import Measured
from atlas_builder.networks.training.seeds import generator
from atlas_builder.networks.training.settled import FixedButForSteps, SettledRecipe

_LEAST_OF_EACH = 2


@dataclass(frozen=True)
class Settings(FixedButForSteps):
    """What decides the weights, beside the heads.

    Attributes
    ----------
    seed : int
        Of weights and examples.
    steps : int
        Updates of the weights.
    batch : int
        Heads an update, with all regions of the network.
    learning_rate : float
        The greatest, of AdamW.
    weight_decay : float
        Of AdamW.
    attention : float
        Weight of the attention loss; 0 leaves it out.
    compares : bool
        Whether the classifier is given the difference of the sides.
    validate_every : int
        Steps between validations.
    mixed_precision : bool
        Whether convolutions are computed in bfloat16.
    """

    seed: int
    steps: int
    batch: int = 3
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    attention: float = 0.5
    compares: bool = True
    validate_every: int = 250
    mixed_precision: bool = True


@dataclass(frozen=True)
class DANetRecipe(SettledRecipe):
    """How one network is trained; see `atlas_builder.networks.training.loop.Recipe`.

    Loss is binary cross-entropy, each class weighted by how rare it is, plus the mean square
    between the class activation map and the region (section 2.5 of the paper). The map is taken
    without its sign, relative to its greatest value: in a region that is not affected as well, what
    speaks against it should lie in the region.

    Attributes
    ----------
    group : {'cortical', 'deep'}
        Which regions it judges.
    cases, validation : sequence of StandardCase
        Disjoint.
    settings : Settings
        What decides the weights.
    threads : int
        Threads that draw batches.
    """

    group: str
    cases: Sequence[StandardCase]
    validation: Sequence[StandardCase]
    settings: Settings
    threads: int = 1
    greatest_gradient: float = field(default=2.0, init=False)
    checkpoint_every: int = field(default=100, init=False)
    _rare: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Count how rare affected regions are."""
        columns = [region.value - 1 for region in GROUPS[self.group]]
        affected = np.stack([case.affected[:, columns] for case in self.cases])
        rare = torch.from_numpy(affected.mean(axis=(0, 1, 2)).astype(np.float32))
        object.__setattr__(self, "_rare", rare.clamp(0.02, 0.5))

    def build(self) -> nn.Module:
        """Return the network, its weights drawn at random."""
        return DANet(self.settings.compares)

    def batches(self, first: int) -> Iterator[Pairs]:
        """Yield the pairs of all steps, drawn ahead by threads. See `Recipe.batches`."""
        settings = self.settings

        def draw(step: int) -> Pairs:
            drawn = [
                draw_pairs(self.cases, GROUPS[self.group], generator(settings.seed, step, index))
                for index in range(settings.batch)
            ]
            return Pairs(
                np.concatenate([one.patches for one in drawn]),
                np.concatenate([one.affected for one in drawn]),
            )

        yield from self.drawn_ahead(draw, first)

    def loss(self, network: nn.Module, batch: Pairs, device: torch.device) -> Tensor:
        """Return the loss of a batch of pairs. See `Recipe.loss`."""
        patches = torch.from_numpy(batch.patches).to(device)
        affected = torch.from_numpy(batch.affected.astype(np.float32)).to(device)
        log_odds, attention = self._run(network, patches)
        rare = self._rare.to(device)
        weights = torch.where(affected > 0, 1 - rare, rare)
        crossed = functional.binary_cross_entropy_with_logits(log_odds, affected, reduction="none")
        loss = (weights * crossed).sum() / weights.sum()
        if self.settings.attention:
            size = attention.mean(dim=2).flatten(0, 1).abs()
            shape = (size.shape[1], size.shape[2], size.shape[3])
            region = functional.adaptive_avg_pool3d(patches[:, :, 1].flatten(0, 1), shape)
            greatest = size.amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-6)
            loss = loss + self.settings.attention * ((size / greatest - region) ** 2).mean()
        return loss

    def evaluate(self, network: nn.Module, measured: Measured, device: torch.device) -> Record:
        """Return the area under the curve over the regions of validation heads, a rule."""
        network.eval()
        found, truth = [], []
        with torch.inference_mode():
            for case in self.validation:
                pairs = plain_pairs(case, GROUPS[self.group])
                log_odds, _ = self._run(network, torch.from_numpy(pairs.patches).to(device))
                found.append(log_odds.cpu().numpy().reshape(-1, len(RULE_NAMES)))
                truth.append(pairs.affected.reshape(-1, len(RULE_NAMES)))
        scores, affected = np.concatenate(found), np.concatenate(truth)
        areas = {
            name: _area(affected[:, rule], scores[:, rule]) for rule, name in enumerate(RULE_NAMES)
        }
        return {
            "step": measured.step,
            "training_loss": measured.loss,
            "validation_auc": areas,
            "seconds": measured.seconds,
            "waiting": measured.waiting,
        }

    def _run(self, network: nn.Module, patches: Tensor) -> tuple[Tensor, Tensor]:
        mixed = self.settings.mixed_precision
        with torch.autocast(patches.device.type, torch.bfloat16, enabled=mixed):
            log_odds, attention = network(patches)
        return log_odds.float(), attention.float()


def _area(affected: NDArray[np.bool_], scores: NDArray[np.float32]) -> float | None:
    """Return the area under the curve; None where there are too few of a kind."""
    if min(affected.sum(), (~affected).sum()) < _LEAST_OF_EACH:
        return None
    return round(area_under(affected, scores.astype(np.float64)).value, 4)
