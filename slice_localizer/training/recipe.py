"""The recipe of ASPECTSLoc-Net's training, for the loop that trains every network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from atlas_builder.networks.training.curve import Record
from atlas_builder.networks.training.device import Machine
from atlas_builder.networks.training.loop import Measured, train
from atlas_builder.networks.training.schedule import Cosine
from atlas_builder.networks.training.seeds import generator
from atlas_builder.networks.training.start import Start
from atlas_builder.runtime.progress import Progress, no_progress
from slice_localizer.training.aspectslocnet import AspectsLocNet
from slice_localizer.training.cutmix import Batch, collate, mix
from slice_localizer.training.evaluation import evaluate
from slice_localizer.training.loss import training_loss
from slice_localizer.training.plan import Plan
from slice_localizer.training.sample import Sample

DrawSample: TypeAlias = Callable[[int, int], Sample]
"""Returns the sample of a number, in a size; the same number gives the same sample."""

WatchedSamples: TypeAlias = Callable[[int], Sequence[Sample]]
"""Returns the samples to evaluate on, in a size; they decide nothing."""

_PREFETCHED = 4  # batches a loader


@dataclass(frozen=True)
class LocalizerRecipe:
    """How ASPECTSLoc-Net is trained; see `atlas_builder.networks.training.loop.Recipe`.

    Attributes
    ----------
    draw : callable
        Gives sample number ``i`` in a size. It is called in other processes.
    watched : callable
        Gives the samples to evaluate on, in a size.
    plan : Plan
        What decides the training.
    loaders : int
        Processes that draw samples; the network is the same for any number.
    start : Start or None
        The network to go on from, that which the plan names.
    """

    draw: DrawSample
    watched: WatchedSamples
    plan: Plan
    loaders: int = 1
    start: Start | None = None
    greatest_gradient: float = field(default=5.0, init=False)

    def __post_init__(self) -> None:
        """Keep the watched samples of one size, and see that the start is the plan's."""
        if self.plan.start != (None if self.start is None else self.start.sha256):
            raise ValueError("the network to start from is not that of the plan")
        object.__setattr__(self, "watched", lru_cache(maxsize=1)(self.watched))

    @property
    def seed(self) -> int:
        """Of everything random."""
        return self.plan.seed

    @property
    def schedule(self) -> Cosine:
        """The learning rate."""
        return self.plan.schedule

    @property
    def evaluate_every(self) -> int:
        """Steps between evaluations."""
        return self.plan.check_every

    @property
    def checkpoint_every(self) -> int:
        """Steps between checkpoints: they hold hundreds of megabytes."""
        return self.plan.check_every

    @property
    def fixed(self) -> Mapping[str, Any]:
        """What must be the same for an interrupted training to go on."""
        return self.plan.describe()

    def build(self) -> AspectsLocNet:
        """Return the network to train."""
        network = AspectsLocNet(self.plan.backbone, self.plan.pretrained, self.plan.context_units)
        if self.start is not None:
            network.load_state_dict(self.start.state)
        # The layout that convolutions need.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return Adam of all parameters. See `Recipe.optimizer`."""
        return torch.optim.Adam(network.parameters(), lr=self.plan.learning_rate)

    def batches(self, first: int) -> Iterator[Batch]:
        """Yield the batches that are left, some of them mixed. See `Recipe.batches`."""
        plan = self.plan
        steps = range(first, plan.steps)
        loader: DataLoader[Sample] = DataLoader(
            _Samples(self.draw, plan),
            batch_sampler=[list(range(n * plan.batch, (n + 1) * plan.batch)) for n in steps],
            collate_fn=list,
            num_workers=self.loaders,
            prefetch_factor=_PREFETCHED if self.loaders else None,
            multiprocessing_context="spawn" if self.loaders else None,
            worker_init_fn=_use_one_thread,
        )
        for step, drawn in zip(steps, loader, strict=True):
            rng = generator(plan.seed, step)
            if rng.random() < plan.cutmix_share:
                yield mix(drawn, plan.cutmix_alpha, rng)
            else:
                yield collate(drawn)

    def loss(self, network: nn.Module, batch: Batch, device: torch.device) -> Tensor:
        """Return the loss of a batch; features are computed in bfloat16. See `Recipe.loss`."""
        assert isinstance(network, AspectsLocNet)
        batch = batch.to(device)
        with torch.autocast(device.type, torch.bfloat16):
            features = network.features(batch.hu)
        return training_loss(network.score(features, batch.lengths), batch.truths)

    def evaluate(self, network: nn.Module, measured: Measured, device: torch.device) -> Record:
        """Return loss, accuracy on the watched samples, and time. See `Recipe.evaluate`."""
        assert isinstance(network, AspectsLocNet)
        samples = self.watched(self.plan.sizes[measured.step - 1])
        accuracy = asdict(evaluate(network, samples, device))
        return {
            "step": measured.step,
            "loss": measured.loss,
            "accuracy": accuracy,
            "seconds": measured.seconds,
            "waiting": measured.waiting,
        }


def train_localizer_network(
    recipe: LocalizerRecipe, out: Path, machine: Machine, progress: Progress = no_progress
) -> AspectsLocNet:
    """Train ASPECTSLoc-Net, or go on where an interrupted run of the same plan stopped.

    Parameters
    ----------
    recipe : LocalizerRecipe
        What to train, on what.
    out : Path
        The folder for the checkpoint and the curve.
    machine : Machine
        Where.
    progress : callable
        Told the stage, how many steps are done and how many there are.

    Returns
    -------
    AspectsLocNet
        In evaluation mode.

    Raises
    ------
    InputError
        The checkpoint in the folder is damaged or of another training.
    """
    network = train(recipe, out, device=machine.device, progress=progress).network
    assert isinstance(network, AspectsLocNet)
    return network


class _Samples(Dataset[Sample]):
    """The samples of a training, by number; their size is that of the stage they are for."""

    def __init__(self, draw: DrawSample, plan: Plan) -> None:
        self.draw = draw
        self.batch, self.sizes = plan.batch, plan.sizes

    def __len__(self) -> int:
        return self.batch * len(self.sizes)

    def __getitem__(self, number: int) -> Sample:
        return self.draw(number, self.sizes[number // self.batch])


def _use_one_thread(_: int) -> None:
    torch.set_num_threads(1)
