"""The training of Deep-ASPECTS repeats from its seed and goes on where it stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from striped_head import mni_head

from aspects_scorer.ncct.da_net.standard_view import SHAPE, view_of
from aspects_scorer.ncct.deep_aspects.network import ANATOMY, INFARCT, TASKS
from aspects_scorer.ncct.deep_aspects.slices import CHANNELS, FRAME
from aspects_scorer.ncct.deep_aspects.training.cases import Case, read_case, write_case
from aspects_scorer.ncct.deep_aspects.training.examples import draw_slice
from aspects_scorer.ncct.deep_aspects.training.losses import OverlapLoss
from aspects_scorer.ncct.deep_aspects.training.network import (
    build_network,
    read_network,
    write_network,
)
from aspects_scorer.ncct.deep_aspects.training.recipe import Settings, SliceRecipe
from atlas_builder.core.anatomy import Region
from atlas_builder.core.errors import InputError
from atlas_builder.networks.model import open_model
from atlas_builder.networks.training.loop import train
from atlas_builder.networks.training.schedule import Cyclic
from atlas_builder.networks.training.state import state_of

CPU = torch.device("cpu")


class StoppedError(Exception):
    """Someone ended the training."""


def head_of(side=None, region=Region.M5):
    view = view_of(mni_head({} if side is None else {(side, region): -6.0}))
    lesion = np.zeros(SHAPE, np.uint8)
    if side is not None:
        lesion[view.labels == region + 10 * (side == "right")] = 255
    regions = np.where(view.labels > 10, view.labels - 10, view.labels)
    return Case(np.rint(view.hu).astype(np.int16), regions.astype(np.uint8), lesion)


@pytest.fixture(scope="module")
def cases():
    return [head_of(), head_of("left"), head_of("right")]


def run(cases, task, settings, out, **more):
    torch.set_num_threads(1)
    return train(SliceRecipe(task, cases, cases, settings), out, device=CPU, **more)


def test_a_case_survives_its_file(cases, tmp_path):
    write_case(tmp_path / "case.npz", cases[1])
    found = read_case(tmp_path / "case.npz")
    for name in ("hu", "regions", "lesion"):
        assert np.array_equal(getattr(found, name), getattr(cases[1], name))
    assert found.infarcted
    assert not cases[0].infarcted


@pytest.mark.parametrize("task", TASKS)
def test_slices_are_drawn_alike_for_the_same_chance(cases, task):
    one, other = (draw_slice(cases, task, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.channels, other.channels)
    assert np.array_equal(one.classes, other.classes)
    assert one.channels.shape == (CHANNELS, *FRAME)
    assert one.distances.shape == (task.outputs, *FRAME)


def test_drawn_infarcts_are_dark_where_they_are_true(cases):
    differences = []
    for seed in range(60):
        example = draw_slice(cases, INFARCT, np.random.default_rng(seed))
        if example.classes.sum() > 40:
            differences.append(np.median(example.channels[7][example.classes > 0]))
    assert len(differences) > 15
    assert np.mean(np.array(differences) < 0) > 0.8


def test_distances_are_negative_inside_alone(cases):
    for seed in range(8):
        example = draw_slice(cases, ANATOMY, np.random.default_rng(seed))
        for value in np.unique(example.classes):
            inside = example.classes == value
            assert (
                example.distances[value][inside].mean() < example.distances[value][~inside].mean()
            )
        assert np.abs(example.distances).max() <= 1


@pytest.mark.parametrize("task", TASKS)
def test_the_loss_is_least_for_the_truth(cases, task):
    example = draw_slice(cases[1:], task, np.random.default_rng(2))
    truth = torch.from_numpy(example.classes.astype(int))[None, None]
    if task is INFARCT:
        right = 12.0 * (truth.float() - 0.5)
    else:
        right = 12.0 * torch.nn.functional.one_hot(truth[0], 11).permute(0, 3, 1, 2).float()
    distances = torch.from_numpy(example.distances)[None]
    loss = OverlapLoss(task.outputs)
    at_truth = float(loss(right, truth, distances))
    assert at_truth < float(loss(torch.zeros_like(right), truth, distances)) - 0.5
    assert at_truth < float(loss(right.roll(12, dims=2), truth, distances)) - 0.1


def test_the_cyclic_rate_goes_up_and_down():
    schedule = Cyclic(5e-3, 1000, half_cycle=100)
    assert schedule.rate(0) == pytest.approx(5e-4)
    assert schedule.rate(100) == pytest.approx(5e-3)
    assert schedule.rate(200) == pytest.approx(5e-4)
    assert schedule.rate(50) == schedule.rate(150) == schedule.rate(250)
    assert schedule.steps_alike(600) == 600


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_an_interrupted_training_gives_the_same_bits(cases, tmp_path, optimizer):
    settings = Settings(2, 4, 2, optimizer, validate_every=2, mixed_precision=False)
    whole = run(cases, INFARCT, settings, tmp_path / "whole")

    def stop(record):
        if record["step"] == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(cases, INFARCT, settings, tmp_path / "parts", when_evaluated=stop)
    resumed = run(cases, INFARCT, settings, tmp_path / "parts")
    first, second = state_of(whole.network), state_of(resumed.network)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_network_survives_its_file(tmp_path):
    torch.manual_seed(3)
    file = tmp_path / "network.onnx"
    write_network(file, build_network(INFARCT).eval(), INFARCT, {"settings": {}})
    assert file.stat().st_size < 10e6  # two of them are to stay below 20 MB
    slices = torch.rand(3, CHANNELS, *FRAME)
    with torch.inference_mode():
        read = read_network(file, INFARCT)(slices).numpy()
    found = open_model(file, INFARCT.kind).run(slices=slices.numpy())[0]
    assert np.allclose(found, read, atol=1e-3)
    with pytest.raises(InputError, match="it holds deep-aspects-infarct"):
        read_network(file, ANATOMY)
