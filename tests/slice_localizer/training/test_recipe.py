"""Training: it learns, it goes on where it stopped, and the same plan gives the same bits."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from atlas_builder.core.errors import InputError
from atlas_builder.networks.training.device import Machine
from atlas_builder.networks.training.start import Start
from atlas_builder.runtime.progress import no_progress
from slice_localizer.training.plan import Plan, Stage
from slice_localizer.training.recipe import LocalizerRecipe, train_localizer_network
from slice_localizer.training.simulated_samples import SimulatedSamples
from slice_localizer.training.subjects import SubjectVolume

PLAN = Plan(
    stages=(Stage(32, 4), Stage(40, 2)),
    batch=2,
    cutmix_share=0.5,
    backbone="resnet18",
    seed=3,
    check_every=2,
    context_units=16,  # so that checkpoints are small
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def train(draw, watched, plan, out, *, loaders=0, start=None, progress=no_progress):
    recipe = LocalizerRecipe(draw, watched, plan, loaders, start)
    return train_localizer_network(recipe, out, Machine(torch.device("cpu")), progress)


class InterruptionError(Exception):
    pass


def interrupt_at(step):
    def show(stage, done, total):
        if done == step:
            raise InterruptionError

    return show


def same(network, other):
    mine, others = network.state_dict(), other.state_dict()
    return all(torch.equal(mine[name], others[name]) for name in mine)


@pytest.fixture
def watched(sample_of):
    return lambda size: [sample_of(100, size), sample_of(101, size)]


@pytest.mark.slow
def test_an_interrupted_training_gives_the_same_bits(sample_of, watched, tmp_path):
    whole = train(sample_of, watched, PLAN, tmp_path / "whole")
    for step in (1, 3, 6):  # before the first checkpoint, between two, in the next size
        with pytest.raises(InterruptionError):
            train(
                sample_of,
                watched,
                PLAN,
                tmp_path / "cut",
                progress=interrupt_at(step),
            )
    drawn = []

    def draw(number, size):
        drawn.append(number)
        return sample_of(number, size)

    resumed = train(draw, watched, PLAN, tmp_path / "cut")
    assert drawn == [8, 9, 10, 11]  # steps 4 and 5, of two samples each
    assert same(whole, resumed)
    lines = [
        [json.loads(line) for line in (tmp_path / name / "curve.jsonl").read_text().splitlines()]
        for name in ("whole", "cut")
    ]
    assert [line["step"] for line in lines[1]] == [2, 4, 6]
    for one, other in zip(*lines, strict=True):
        assert (one["loss"], one["accuracy"]) == (other["loss"], other["accuracy"])
    finished = train(unexpected, watched, PLAN, tmp_path / "cut")
    assert same(whole, finished)


def unexpected(number, size):
    raise AssertionError("nothing is left to learn")


@pytest.mark.slow
def test_other_processes_draw_the_same(person, watched, tmp_path):
    """Loaders are processes of their own; the network does not know how many there are."""
    path = tmp_path / "person.npz"
    keep(person, path)
    draw = SimulatedSamples((path,), 5)
    plan = replace(PLAN, stages=(Stage(32, 2),), batch=1)
    here = train(draw, watched, plan, tmp_path / "here")
    there = train(draw, watched, plan, tmp_path / "there", loaders=1)
    assert same(here, there)


def keep(person: SubjectVolume, path):
    np.savez(
        path,
        hu=person.hu,
        brain=np.packbits(person.brain),
        affine=person.affine,
        bgl_point=person.bgl_point,
    )


def test_another_plan_does_not_go_on(sample_of, watched, tmp_path):
    plan = replace(PLAN, stages=(Stage(32, 1),))
    train(sample_of, watched, plan, tmp_path)
    with pytest.raises(InputError, match="a training with other settings stopped here"):
        train(sample_of, watched, replace(plan, seed=4), tmp_path)
    checkpoint = tmp_path / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        train(sample_of, watched, plan, tmp_path)


@pytest.mark.slow
def test_it_learns_where_the_level_is(sample_of, tmp_path):
    """Brightness tells the height; a few dozen steps from a random start find that."""
    plan = replace(PLAN, stages=(Stage(32, 24),), cutmix_share=0.0, check_every=8)
    train(
        sample_of,
        lambda _: [sample_of(n) for n in range(1000, 1008)],
        plan,
        tmp_path,
    )
    curve = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert curve[-1]["loss"] < 0.7 * curve[0]["loss"]
    assert all(0 <= line["waiting"] <= 1 for line in curve)


def test_samples_are_watched_in_the_size_of_the_stage(sample_of, tmp_path):
    sizes = []

    def watched(size):
        sizes.append(size)
        return [sample_of(100, size)]

    plan = replace(PLAN, stages=(Stage(32, 2), Stage(48, 2)), batch=1, check_every=1)
    train(sample_of, watched, plan, tmp_path)
    assert sizes == [32, 48]  # each drawn once


def test_a_training_goes_on_from_another_network(sample_of, watched, tmp_path):
    other = train(sample_of, watched, PLAN, tmp_path / "other")
    start = Start(other.state_dict(), "sha")
    plan = replace(PLAN, stages=(Stage(32, 1),), start="sha", learning_rate=1e-9)
    network = train(sample_of, watched, plan, tmp_path, start=start)
    for name, value in network.named_parameters():
        torch.testing.assert_close(value, other.get_parameter(name), rtol=0, atol=1e-7)
    with pytest.raises(ValueError, match="not that of the plan"):
        train(sample_of, watched, plan, tmp_path / "third")


def test_the_learning_rate_rises_then_falls_along_a_cosine():
    plan = Plan(stages=(Stage(32, 150), Stage(64, 50)), learning_rate=1e-3)
    rates = np.array([plan.schedule.rate(step) for step in range(200)])
    assert rates[0] == pytest.approx(1e-4)
    assert rates[9] == rates.max() == pytest.approx(1e-3)
    assert rates[10 + 95] == pytest.approx(5e-4)
    assert rates[-1] < 1e-6
    assert (np.diff(rates[:10]) > 0).all()
    assert (np.diff(rates[10:]) < 0).all()
