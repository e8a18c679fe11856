"""The loop that trains every network: batches in, weights out, resumable to the bit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.checkpoint import (
    CHECKPOINT,
    Progressed,
    read_checkpoint,
    write_checkpoint,
)
from atlas_builder.networks.training.curve import Record, write_curve
from atlas_builder.networks.training.schedule import Schedule
from atlas_builder.networks.training.seeds import seed_step
from atlas_builder.runtime.progress import Progress, no_progress

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Measured:
    """What the loop knows at an evaluation.

    Attributes
    ----------
    step : int
        Batches done.
    loss : float
        Mean of the batches since the evaluation before.
    seconds : float
        Spent in training so far, evaluations aside.
    waiting : float
        Share of the time since the evaluation before in which no batch was ready, 0-1.
    """

    step: int
    loss: float
    seconds: float
    waiting: float


class Recipe(Protocol[Batch]):
    """What one network's training is made of; everything else is the same for all of them.

    Attributes
    ----------
    seed : int
        Of everything random.
    schedule : Schedule
        The learning rate; it also says how many steps there are.
    evaluate_every : int
        Steps between evaluations.
    checkpoint_every : int
        Steps between checkpoints, beside those at evaluations.
    greatest_gradient : float
        The norm that gradients are clipped to.
    fixed : mapping
        What must be the same for an interrupted training to go on, as JSON can hold it.
    """

    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def schedule(self) -> Schedule: ...  # noqa: D102
    @property
    def evaluate_every(self) -> int: ...  # noqa: D102
    @property
    def checkpoint_every(self) -> int: ...  # noqa: D102
    @property
    def greatest_gradient(self) -> float: ...  # noqa: D102
    @property
    def fixed(self) -> Mapping[str, Any]: ...  # noqa: D102

    def build(self) -> nn.Module:
        """Return the network to train, its weights drawn at random or those to start from."""

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return the optimizer of a network's parameters.

        Parameters
        ----------
        network : nn.Module
            From `build`.

        Returns
        -------
        torch.optim.Optimizer
        """

    def batches(self, first: int) -> Iterator[Batch]:
        """Yield the batches of all steps that are left.

        Parameters
        ----------
        first : int
            The step to begin with, counted from 0.

        Yields
        ------
        Batch
            One a step.
        """

    def loss(self, network: nn.Module, batch: Batch, device: torch.device) -> Tensor:
        """Return what the network is trained to make small.

        Parameters
        ----------
        network : nn.Module
            In training mode.
        batch : Batch
            From `batches`.
        device : torch.device
            Where the network is.

        Returns
        -------
        Tensor
            A scalar.
        """

    def evaluate(self, network: nn.Module, measured: Measured, device: torch.device) -> Record:
        """Return the record of an evaluation, for the curve.

        Parameters
        ----------
        network : nn.Module
            It may be left in evaluation mode.
        measured : Measured
            What the loop knows.
        device : torch.device
            Where the network is.

        Returns
        -------
        dict
            See `Record`.
        """


@dataclass(frozen=True)
class Trained:
    """A trained network and how it got there.

    Attributes
    ----------
    network : nn.Module
        In evaluation mode, on the device it was trained on.
    done : Progressed
        Time and evaluations.
    """

    network: nn.Module
    done: Progressed


def train(
    recipe: Recipe[Batch],
    out: Path,
    *,
    device: torch.device,
    progress: Progress = no_progress,
    when_evaluated: Callable[[Record], None] = lambda record: None,
) -> Trained:
    """Train a network, or go on where an interrupted run of the same recipe stopped.

    On a CPU the weights depend on neither interruptions nor the processes that draw batches; they
    may depend on the number of threads and on the processor's instructions.

    Parameters
    ----------
    recipe : Recipe
        What to train, on what.
    out : Path
        The folder for the checkpoint and the curve; made if need be.
    device : torch.device
        Where to train.
    progress : callable
        Told the stage, how many steps are done and how many there are.
    when_evaluated : callable
        Given the record of each evaluation.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        The checkpoint in the folder is damaged or of another training.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    torch.backends.cudnn.deterministic = True
    network = recipe.build().to(device)
    optimizer = recipe.optimizer(network)
    path, fixed, steps = out / CHECKPOINT, recipe.fixed, recipe.schedule.steps
    done = Progressed(0, steps)
    if path.exists():
        done = read_checkpoint(path, network, optimizer, fixed)
        _check_steps(path, done, recipe.schedule)
        done = replace(done, planned=steps)
    write_curve(out, done.history)  # a run killed after its checkpoint has not written it
    batches = recipe.batches(done.step)
    for step in range(done.step, steps):
        started = time.perf_counter()
        batch = next(batches)
        waited = time.perf_counter() - started
        loss = _step(recipe, network, optimizer, batch, step, device)
        took = time.perf_counter() - started
        done = replace(
            done,
            step=step + 1,
            seconds=done.seconds + took,
            losses=(*done.losses, loss),
            waiting_s=done.waiting_s + waited,
            training_s=done.training_s + took,
        )
        progress("Training", step + 1, steps)
        evaluated = (step + 1) % recipe.evaluate_every == 0 or step + 1 == steps
        if evaluated:
            measured = Measured(
                step + 1,
                float(np.mean(done.losses)),
                done.seconds,
                done.waiting_s / done.training_s,
            )
            record = recipe.evaluate(network, measured, device)
            history = (*done.history, record)
            done = Progressed(step + 1, steps, done.seconds, history=history)
        if evaluated or (step + 1) % recipe.checkpoint_every == 0:
            write_checkpoint(path, network, optimizer, done, fixed)
        if evaluated:
            write_curve(out, done.history)
            when_evaluated(record)
    return Trained(network.eval(), done)


def _step(
    recipe: Recipe[Batch],
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    step: int,
    device: torch.device,
) -> float:
    """Change the weights once, and return the loss there was."""
    network.train()
    seed_step(recipe.seed, step)
    for group in optimizer.param_groups:
        group["lr"] = recipe.schedule.rate(step)
    loss = recipe.loss(network, batch, device)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), recipe.greatest_gradient)
    optimizer.step()
    return float(loss.detach())


def _check_steps(path: Path, done: Progressed, schedule: Schedule) -> None:
    """Refuse another number of steps once either number has changed the learning rate."""
    if done.planned != schedule.steps and done.step > schedule.steps_alike(done.planned):
        raise InputError(
            f"{path}: {done.step} of {done.planned} steps are done, too many to change their "
            f"number to {schedule.steps}; give --steps {done.planned}, another --out, or --restart"
        )
