"""The loop that trains every network: it resumes to the same bits, and refuses other trainings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.checkpoint import CHECKPOINT
from atlas_builder.networks.training.curve import Record, read_curve
from atlas_builder.networks.training.loop import Measured, train
from atlas_builder.networks.training.schedule import Plateau
from atlas_builder.networks.training.seeds import generator
from atlas_builder.networks.training.state import state_of

CPU = torch.device("cpu")


@dataclass(frozen=True)
class LineRecipe:
    """A line through noisy points, learnt by a layer with dropout and batch normalisation."""

    seed: int = 3
    steps: int = 12
    evaluate_every: int = 4
    checkpoint_every: int = 3
    greatest_gradient: float = 5.0

    @property
    def schedule(self) -> Plateau:
        return Plateau(0.05, self.steps, rising=2)

    @property
    def fixed(self) -> Mapping[str, Any]:
        return {"seed": self.seed}

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1))

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adam(network.parameters())

    def batches(self, first: int) -> Iterator[Tensor]:
        for step in range(first, self.steps):
            yield torch.from_numpy(generator(self.seed, step).normal(size=(16, 2))).float()

    def loss(self, network: nn.Module, batch: Tensor, device: torch.device) -> Tensor:
        return ((network(batch)[:, 0] - 6 * batch[:, 0] + 4) ** 2).mean()

    def evaluate(self, network: nn.Module, measured: Measured, device: torch.device) -> Record:
        network.eval()
        with torch.inference_mode():
            found = float(network(torch.tensor([[1.0, 0.0]])))
        return {"step": measured.step, "loss": measured.loss, "found": found}


class StoppedError(Exception):
    """Someone ended the training."""


def stopping_at(step):
    def show(stage, done, total):
        if done == step:
            raise StoppedError

    return show


def same_bits(one, other):
    first, second = state_of(one), state_of(other)
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


def test_an_interrupted_training_gives_the_same_bits_and_curve(tmp_path):
    whole = train(LineRecipe(), tmp_path / "whole", device=CPU)
    # Before the first checkpoint, right after one, at an evaluation, at the last step.
    for step in (2, 4, 8, 12):
        with pytest.raises(StoppedError):
            train(LineRecipe(), tmp_path / "cut", device=CPU, progress=stopping_at(step))
    resumed = train(LineRecipe(), tmp_path / "cut", device=CPU)
    assert same_bits(whole.network, resumed.network)
    assert resumed.done.history == whole.done.history
    assert read_curve(tmp_path / "cut") == list(whole.done.history)
    assert [record["step"] for record in whole.done.history] == [4, 8, 12]


def test_a_finished_training_draws_nothing_more(tmp_path):
    first = train(LineRecipe(), tmp_path, device=CPU)

    class Exhausted(LineRecipe):
        def batches(self, first: int) -> Iterator[Tensor]:
            yield from ()

    assert same_bits(first.network, train(Exhausted(), tmp_path, device=CPU).network)


def test_it_learns(tmp_path):
    curve = train(LineRecipe(steps=400, evaluate_every=10), tmp_path, device=CPU).done.history
    assert curve[-1]["loss"] < 0.3 * curve[0]["loss"]
    assert curve[-1]["found"] == pytest.approx(2.0, abs=1.5)


def test_another_seed_gives_another_network(tmp_path):
    one = train(LineRecipe(), tmp_path / "one", device=CPU)
    other = train(LineRecipe(seed=4), tmp_path / "other", device=CPU)
    assert not same_bits(one.network, other.network)


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_refused(tmp_path):
    train(LineRecipe(), tmp_path, device=CPU)
    with pytest.raises(InputError, match="a training with other settings stopped here"):
        train(LineRecipe(seed=4), tmp_path, device=CPU)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        train(LineRecipe(), tmp_path, device=CPU)


def test_the_number_of_steps_may_change_while_the_learning_rate_is_level(tmp_path):
    with pytest.raises(StoppedError):
        train(LineRecipe(steps=40), tmp_path, device=CPU, progress=stopping_at(10))
    assert train(LineRecipe(steps=20), tmp_path, device=CPU).done.step == 20
    with pytest.raises(InputError, match=r"too many to change their number to 40.*--steps 20"):
        train(LineRecipe(steps=40), tmp_path, device=CPU)


def test_time_spent_waiting_is_told(tmp_path):
    shares = []

    class Watching(LineRecipe):
        def evaluate(self, network: nn.Module, measured: Measured, device: torch.device) -> Record:
            shares.append(measured.waiting)
            return super().evaluate(network, measured, device)

    told = []
    train(Watching(), tmp_path, device=CPU, when_evaluated=told.append)
    assert [record["step"] for record in told] == [4, 8, 12]
    assert all(0 < share < 1 for share in shares)


def test_the_curve_holds_the_mean_loss_since_the_evaluation_before(tmp_path):
    every = train(replace(LineRecipe(), evaluate_every=1), tmp_path / "every", device=CPU)
    some = train(LineRecipe(), tmp_path / "some", device=CPU)
    losses = [record["loss"] for record in every.done.history]
    means = [float(np.mean(losses[n : n + 4])) for n in (0, 4, 8)]
    assert [record["loss"] for record in some.done.history] == pytest.approx(means)
