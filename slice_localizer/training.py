"""Training: exams in, weights out, resumable to the bit."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from atlas_builder.io.files import replacing
from atlas_builder.progress import Progress, no_progress
from slice_localizer.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from slice_localizer.cutmix import Batch, collate, mix
from slice_localizer.evaluation import Accuracy, evaluate
from slice_localizer.exam import Exam
from slice_localizer.loss import training_loss
from slice_localizer.network import AspectsLocNet
from slice_localizer.starting_point import Start

CHECKPOINT, CURVE = "checkpoint.safetensors", "curve.jsonl"
"""Files in the folder of a training."""

_WARM_UP = 0.05
_MOST_GRADIENT = 5.0

DrawExam = Callable[[int, int], Exam]
"""Returns the exam of a number, in a size; the same number gives the same exam."""


@dataclass(frozen=True)
class Stage:
    """A part of the training in which slices have one size.

    Attributes
    ----------
    size : int
        Rows and columns.
    steps : int
        How many batches.
    """

    size: int
    steps: int


@dataclass(frozen=True)
class Plan:
    """Everything that decides a training but the exams.

    Attributes
    ----------
    stages : tuple of Stage
        Small slices first: they teach most of it in a fraction of the time.
    exams : int
        In a batch.
    learning_rate : float
        The highest of Adam's; it rises over the first twentieth and falls along a cosine to 0.
    cutmix_share : float
        The share of batches that are mixed, see `slice_localizer.cutmix`.
    cutmix_alpha : float
        See `slice_localizer.cutmix.mix`.
    backbone : str
        See `AspectsLocNet`.
    pretrained : str or None
        See `AspectsLocNet`.
    start : str or None
        Which network the training goes on from: the SHA-256 of its file of weights. By default
        the network is new.
    seed : int
        Of everything random.
    check_every : int
        Steps between evaluations, after each of which the training can be resumed.
    """

    stages: tuple[Stage, ...] = (Stage(112, 1500), Stage(224, 300))
    exams: int = 3
    learning_rate: float = 1e-3
    cutmix_share: float = 0.2
    cutmix_alpha: float = 1.0
    backbone: str = "resnet50"
    pretrained: str | None = None
    start: str | None = None
    seed: int = 1
    check_every: int = 100

    @property
    def steps(self) -> int:
        """Of all stages."""
        return sum(stage.steps for stage in self.stages)

    @property
    def sizes(self) -> list[int]:
        """Of the slices, step by step."""
        return [stage.size for stage in self.stages for _ in range(stage.steps)]

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step."""
        warm_up = max(1, round(_WARM_UP * self.steps))
        if step < warm_up:
            return self.learning_rate * (step + 1) / warm_up
        done = (step - warm_up) / max(1, self.steps - warm_up)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))


@dataclass(frozen=True)
class Progressed:
    """How far a training was at one time.

    Attributes
    ----------
    step : int
        Batches done.
    loss : float
        Mean of the batches since the last time.
    accuracy : Accuracy
        On exams that are not trained on.
    seconds : float
        Spent in training so far.
    waiting : float
        The share of the time since the last time in which no exams were ready.
    """

    step: int
    loss: float
    accuracy: Accuracy
    seconds: float
    waiting: float


def train(
    draw: DrawExam,
    watched: Callable[[int], Sequence[Exam]],
    plan: Plan,
    out: Path,
    *,
    device: torch.device,
    loaders: int = 1,
    start: Start | None = None,
    progress: Progress = no_progress,
) -> AspectsLocNet:
    """Train a network, or go on where an interrupted run with the same plan stopped.

    Parameters
    ----------
    draw : callable
        Gives exam number ``i`` in a size. It is called in other processes.
    watched : callable
        Gives the exams to evaluate on, in a size; they decide nothing.
    plan : Plan
        What to do.
    out : Path
        The folder for the checkpoint and for ``curve.jsonl``, one line an evaluation.
    device : torch.device
        Where to train; mixed precision is used on it where it is fast (bfloat16).
    loaders : int
        Processes that draw exams; the network is the same for any number.
    start : Start, optional
        The network to go on from, that which the plan names.
    progress : callable
        Told the stage, how many steps are done and how many there are.

    Returns
    -------
    AspectsLocNet
        In evaluation mode.
    """
    if plan.start != (None if start is None else start.sha256):
        raise ValueError("the network to start from is not that of the plan")
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    network = AspectsLocNet(plan.backbone, plan.pretrained)
    if start is not None:
        network.load_state_dict(start.state)
    network = network.to(device)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), lr=plan.learning_rate)
    checkpoint = out / CHECKPOINT
    state = Checkpoint(network, optimizer)
    history = read_checkpoint(checkpoint, state, asdict(plan)) if checkpoint.exists() else []
    _write_curve(out, history)  # a run killed after its checkpoint has not written it
    done = int(history[-1]["step"]) if history else 0
    seconds = float(history[-1]["seconds"]) if history else 0.0
    losses: list[float] = []
    began, waited = time.perf_counter(), 0.0
    batches = _batches(draw, plan, done, loaders)
    watched, sizes = lru_cache(maxsize=1)(watched), plan.sizes
    for step in range(done, plan.steps):
        asked = time.perf_counter()
        batch = next(batches).to(device)
        waited += time.perf_counter() - asked
        losses.append(_step(network, optimizer, batch, plan, step, device))
        progress("Training", step + 1, plan.steps)
        if (step + 1) % plan.check_every == 0 or step + 1 == plan.steps:
            elapsed = time.perf_counter() - began
            seconds += elapsed
            accuracy = evaluate(network, watched(sizes[step]), device)
            line = Progressed(step + 1, float(np.mean(losses)), accuracy, seconds, waited / elapsed)
            history.append(asdict(line))
            write_checkpoint(checkpoint, state, asdict(plan), history)
            _write_curve(out, history)
            losses, began, waited = [], time.perf_counter(), 0.0
    return network.eval()


def _write_curve(out: Path, history: Sequence[Mapping[str, Any]]) -> None:
    with replacing(out / CURVE) as partial:
        partial.write_text("".join(json.dumps(line) + "\n" for line in history), "utf-8")


def _step(
    network: AspectsLocNet,
    optimizer: torch.optim.Adam,
    batch: Batch,
    plan: Plan,
    step: int,
    device: torch.device,
) -> float:
    network.train()
    torch.manual_seed(plan.seed + step)  # dropout, the same after a resumption
    for group in optimizer.param_groups:
        group["lr"] = plan.rate_at(step)
    with torch.autocast(device.type, torch.bfloat16):
        features = network.features(batch.hu)
    loss = training_loss(network.score(features, batch.lengths), batch.truths)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), _MOST_GRADIENT)
    optimizer.step()
    return float(loss.detach())


class _Exams(Dataset[Exam]):
    """The exams of a training, by number; their size is that of the stage they are for."""

    def __init__(self, draw: DrawExam, plan: Plan) -> None:
        self.draw = draw
        self.exams, self.sizes = plan.exams, plan.sizes

    def __len__(self) -> int:
        return self.exams * len(self.sizes)

    def __getitem__(self, number: int) -> Exam:
        return self.draw(number, self.sizes[number // self.exams])


def _batches(draw: DrawExam, plan: Plan, done: int, loaders: int) -> Iterator[Batch]:
    exams = _Exams(draw, plan)
    groups = [range(step * plan.exams, (step + 1) * plan.exams) for step in range(done, plan.steps)]
    loader: DataLoader[Exam] = DataLoader(
        exams,
        batch_sampler=[list(group) for group in groups],
        collate_fn=list,
        num_workers=loaders,
        prefetch_factor=4 if loaders else None,
        multiprocessing_context="spawn" if loaders else None,
        worker_init_fn=_use_one_thread,
    )
    for step, drawn in enumerate(loader, start=done):
        rng = np.random.default_rng([plan.seed, step])
        if rng.random() < plan.cutmix_share:
            yield mix(drawn, plan.cutmix_alpha, rng)
        else:
            yield collate(drawn)


def _use_one_thread(_: int) -> None:
    torch.set_num_threads(1)
