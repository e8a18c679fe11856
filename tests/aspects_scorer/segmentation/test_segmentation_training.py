"""Training repeats from its seed, goes on where it stopped, and learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aspects_scorer.segmentation.network import MULTIPLES, build_network
from aspects_scorer.segmentation.training import Settings, learning_rate, train
from aspects_scorer.segmentation.weights import (
    SHIPPED,
    load_weights,
    save_weights,
    tensors_of,
)
from atlas_builder.errors import InputError

SETTINGS = Settings(seed=2, persons=2, steps=6, batch=1, validate_every=3)


class StoppedError(Exception):
    """Someone ended the training."""


@pytest.fixture(scope="module")
def trained(tissue_head, tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    return train([tissue_head], [tissue_head], SETTINGS, folder / "checkpoint.safetensors")


def test_an_interrupted_training_gives_the_same_bits(tissue_head, trained, tmp_path):
    def stop(step, record):
        if step == 3:
            raise StoppedError

    file = tmp_path / "checkpoint.safetensors"
    with pytest.raises(StoppedError):
        train([tissue_head], [tissue_head], SETTINGS, file, report=stop)
    resumed = train([tissue_head], [tissue_head], SETTINGS, file)
    first, second = tensors_of(trained.network), tensors_of(resumed.network)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert resumed.done.history == trained.done.history


def test_a_validation_is_recorded_where_it_is_due(trained):
    assert [record["step"] for record in trained.done.history] == [3, 6]
    assert trained.done.history[1]["training_loss"] < trained.done.history[0]["training_loss"]


def test_a_checkpoint_of_other_settings_is_refused(tissue_head, tmp_path):
    file = tmp_path / "checkpoint.safetensors"
    one = Settings(seed=2, persons=2, steps=1, batch=1)
    train([tissue_head], [tissue_head], one, file)
    with pytest.raises(InputError, match="other settings"):
        train([tissue_head], [tissue_head], Settings(seed=3, persons=2, steps=1, batch=1), file)
    with pytest.raises(InputError, match="too many to change"):
        train([tissue_head], [tissue_head], Settings(seed=2, persons=2, steps=9, batch=1), file)
    file.write_bytes(b"torn")
    with pytest.raises(InputError, match="not a checkpoint"):
        train([tissue_head], [tissue_head], one, file)


def test_the_learning_rate_rises_stays_and_falls():
    settings = Settings(seed=1, persons=1, steps=1000)
    rates = [learning_rate(step, settings) for step in range(1000)]
    assert rates[0] < rates[20] < rates[100] == settings.learning_rate == rates[500]
    assert rates[600] > rates[800] > rates[999] > 0


def test_weights_survive_the_file_in_half_precision(trained, tmp_path):
    file = tmp_path / "weights.safetensors"
    save_weights(file, trained.network, {"seed": 2})
    other = build_network()
    load_weights(file, other)
    for name, value in tensors_of(trained.network).items():
        torch.testing.assert_close(tensors_of(other)[name], value, atol=1e-3, rtol=1e-3)
    assert file.with_suffix(".json").read_text() == '{\n "seed": 2\n}\n'


def test_weights_of_another_network_are_refused(tmp_path):
    file = tmp_path / "weights.safetensors"
    save_weights(file, torch.nn.Linear(2, 2), {})
    with pytest.raises(InputError, match="another network"):
        load_weights(file, build_network())
    with pytest.raises(InputError, match="absent"):
        load_weights(tmp_path / "absent.safetensors", build_network())


def test_the_network_keeps_the_shape_of_its_input():
    network = build_network().eval()
    shape = tuple(2 * n for n in MULTIPLES)
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, *shape)).shape == (1, 1, *shape)
    assert sum(p.numel() for p in network.parameters()) < 3e6


def test_the_shipped_weights_are_small_and_described():
    assert SHIPPED.stat().st_size < 15e6
    assert np.isfinite(np.concatenate([v.numpy().ravel() for v in _shipped().values()])).all()


def _shipped():
    network = build_network()
    load_weights(SHIPPED, network)
    return tensors_of(network)
