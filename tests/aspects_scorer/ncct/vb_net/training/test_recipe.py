"""The cascade's training repeats from its seed, goes on where it stopped, and learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from striped_head import mni_head

from aspects_scorer.ncct.vb_net.network import COARSE, FINE, MULTIPLES, Stage
from aspects_scorer.ncct.vb_net.training.examples import (
    RegionScan,
    draw_crop,
    plain_crop,
    read_region_scan,
    write_region_scan,
)
from aspects_scorer.ncct.vb_net.training.network import VBNet, read_stage, write_stage
from aspects_scorer.ncct.vb_net.training.recipe import RegionRecipe, Settings
from atlas_builder.core.errors import InputError
from atlas_builder.networks.model import open_model
from atlas_builder.networks.registry import REGION_LOCATOR
from atlas_builder.networks.training.loop import train
from atlas_builder.networks.training.state import state_of

SMALL = replace(FINE, pixel_mm=4.0, crop=(48, 48, 16))
CPU = torch.device("cpu")


class StoppedError(Exception):
    """Someone ended the training."""


@pytest.fixture(scope="module")
def head():
    scan = mni_head()
    hu = np.rint(scan.hu.repeat(2, 0).repeat(2, 1)).astype(np.int16)
    return RegionScan(hu, scan.labels.repeat(2, 0).repeat(2, 1), 5.0)


def run(head, settings, out, stage=SMALL, **more):
    torch.set_num_threads(1)
    return train(RegionRecipe(stage, [head], [head], settings), out, device=CPU, **more)


def test_a_plain_crop_shows_the_head_and_its_regions(head):
    example = plain_crop(head, FINE)
    assert example.channels.shape == (1, *FINE.crop)
    assert set(np.unique(example.classes)) == set(range(21))
    # The patient's left lies at high columns.
    left, right = (
        np.argwhere((example.classes > low) & (example.classes <= low + 10)) for low in (0, 10)
    )
    assert left[:, 0].mean() > right[:, 0].mean() + 30
    assert np.median(example.channels[0][example.classes > 0]) == pytest.approx(-0.02, abs=0.05)


def test_crops_are_the_same_for_the_same_chance_and_mirrored_with_their_labels(head):
    drawn = [draw_crop(head, FINE, np.random.default_rng(seed)) for seed in range(6)]
    again = draw_crop(head, FINE, np.random.default_rng(0))
    assert np.array_equal(drawn[0].channels, again.channels)
    for example in drawn:
        left = np.argwhere((example.classes > 0) & (example.classes <= 10))
        right = np.argwhere(example.classes > 10)
        assert left[:, 0].mean() > right[:, 0].mean()


def test_the_coarse_network_learns_where_regions_are_not_which(head):
    assert set(np.unique(plain_crop(head, COARSE).classes)) == {0, 1}
    assert set(np.unique(draw_crop(head, COARSE, np.random.default_rng(1)).classes)) == {0, 1}


def test_a_head_survives_its_folder(head, tmp_path):
    write_region_scan(tmp_path, head)
    found = read_region_scan(tmp_path)
    assert np.array_equal(found.hu, head.hu)
    assert np.array_equal(found.regions, head.regions)
    assert found.thickness_mm == head.thickness_mm


@pytest.mark.slow
def test_an_interrupted_training_gives_the_same_bits(head, tmp_path):
    settings = Settings(seed=2, steps=6, validate_every=3, mixed_precision=False)
    whole = run(head, settings, tmp_path / "whole")

    def stop(record):
        if record["step"] == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(head, settings, tmp_path / "parts", when_evaluated=stop)
    resumed = run(head, settings, tmp_path / "parts")
    first, second = state_of(whole.network), state_of(resumed.network)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert [record["step"] for record in resumed.done.history] == [3, 6]


@pytest.mark.slow
def test_it_learns_to_find_the_regions(head, tmp_path):
    stage = Stage("region-locator", 8.0, (32, 32, 16), 2)
    settings = Settings(seed=1, steps=40, validate_every=20, mixed_precision=False)
    history = run(head, settings, tmp_path, stage).done.history
    assert history[1]["training_loss"] < history[0]["training_loss"]
    assert history[1]["validation_dice"] > 0.5


def test_the_network_survives_its_file(tmp_path):
    torch.manual_seed(3)
    network = VBNet(COARSE.outputs).eval()
    file = tmp_path / "network.onnx"
    write_stage(file, network, COARSE, {"seed": 3})
    image = torch.rand(1, 1, *(2 * n for n in MULTIPLES))
    with torch.inference_mode():
        read = read_stage(file, COARSE)(image).numpy()
        expected = network(image).numpy()
    found = open_model(file, COARSE.kind).run(hu=image.numpy())[0]
    assert np.allclose(found, read, atol=1e-4)
    assert np.allclose(found, expected, atol=0.05 * np.abs(expected).max())


def test_another_networks_weights_are_refused():
    with pytest.raises(InputError, match="it holds region-locator"):
        read_stage(REGION_LOCATOR, FINE)
