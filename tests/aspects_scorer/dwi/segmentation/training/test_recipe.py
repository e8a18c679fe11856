"""Training repeats from its seed, goes on where it stopped, and learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from aspects_scorer.dwi.segmentation.network import KIND, MULTIPLES
from aspects_scorer.dwi.segmentation.training.network import (
    build_network,
    read_segmenter,
    write_segmenter,
)
from aspects_scorer.dwi.segmentation.training.recipe import SegmenterRecipe, Settings
from atlas_builder.core.errors import InputError
from atlas_builder.networks.model import open_model
from atlas_builder.networks.registry import INFARCT_SEGMENTER, LOCALIZER
from atlas_builder.networks.training.loop import train
from atlas_builder.networks.training.state import state_of

SETTINGS = Settings(seed=2, persons=2, steps=6, batch=1, validate_every=3)
CPU = torch.device("cpu")


class StoppedError(Exception):
    """Someone ended the training."""


def run(tissue_head, settings, out, **more):
    torch.set_num_threads(1)
    return train(SegmenterRecipe([tissue_head], [tissue_head], settings), out, device=CPU, **more)


@pytest.fixture(scope="module")
def trained(tissue_head, tmp_path_factory):
    return run(tissue_head, SETTINGS, tmp_path_factory.mktemp("training"))


@pytest.mark.slow
def test_an_interrupted_training_gives_the_same_bits(tissue_head, trained, tmp_path):
    def stop(record):
        if record["step"] == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(tissue_head, SETTINGS, tmp_path, when_evaluated=stop)
    resumed = run(tissue_head, SETTINGS, tmp_path)
    first, second = state_of(trained.network), state_of(resumed.network)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert resumed.done.history == trained.done.history


def test_a_validation_is_recorded_where_it_is_due(trained):
    assert [record["step"] for record in trained.done.history] == [3, 6]
    assert trained.done.history[1]["training_loss"] < trained.done.history[0]["training_loss"]


def test_a_training_with_other_settings_does_not_go_on(tissue_head, tmp_path):
    one = Settings(seed=2, persons=2, steps=1, batch=1)
    run(tissue_head, one, tmp_path)
    with pytest.raises(InputError, match="other settings"):
        run(tissue_head, replace(one, seed=3), tmp_path)
    with pytest.raises(InputError, match="too many to change"):
        run(tissue_head, replace(one, steps=9), tmp_path)


def test_the_learning_rate_rises_stays_and_falls(tissue_head):
    settings = Settings(seed=1, persons=1, steps=1000)
    schedule = SegmenterRecipe([], [], settings).schedule
    rates = [schedule.rate(step) for step in range(1000)]
    assert rates[0] < rates[20] < rates[100] == settings.learning_rate == rates[500]
    assert rates[600] > rates[800] > rates[999] > 0


def test_the_network_survives_its_file_in_half_precision(trained, tmp_path):
    file = tmp_path / "network.onnx"
    write_segmenter(file, trained.network, {"seed": 2})
    other = state_of(read_segmenter(file))
    for name, value in state_of(trained.network).items():
        torch.testing.assert_close(other[name], value, atol=1e-3, rtol=1e-3)
    assert file.with_suffix(".json").read_text() == '{\n  "seed": 2\n}\n'


def test_the_model_gives_what_the_network_gives(trained, tmp_path):
    file = tmp_path / "network.onnx"
    write_segmenter(file, trained.network, {})
    network, model = read_segmenter(file), open_model(file, KIND)
    for shape in ((80, 96, 16), (96, 80, 24)):
        image = torch.rand((1, 3, *shape), generator=torch.Generator().manual_seed(3))
        with torch.inference_mode():
            expected = network(image).numpy()
        (found,) = model.run(channels=image.numpy())
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="it holds aspectslocnet"):
        read_segmenter(LOCALIZER)
    with pytest.raises(InputError, match="it holds aspectslocnet"):
        open_model(LOCALIZER, KIND)
    with pytest.raises(InputError, match=r"absent\.onnx"):
        read_segmenter(tmp_path / "absent.onnx")


def test_the_network_keeps_the_shape_of_its_input():
    network = build_network().eval()
    shape = tuple(2 * n for n in MULTIPLES)
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, *shape)).shape == (1, 1, *shape)
    assert sum(p.numel() for p in network.parameters()) < 3e6


def test_the_shipped_weights_are_small_and_finite():
    assert INFARCT_SEGMENTER.stat().st_size < 15e6
    values = [
        value.numpy().ravel() for value in state_of(read_segmenter(INFARCT_SEGMENTER)).values()
    ]
    assert np.isfinite(np.concatenate(values)).all()
