from __future__ import annotations

import json
import pickle
from dataclasses import asdict

import pytest
import torch
from safetensors.torch import load_file, save_file

from atlas_builder.core.errors import InputError
from slice_localizer.network import aspectslocnet as network_module
from slice_localizer.network.aspectslocnet import AspectsLocNet
from slice_localizer.network.calibration import Calibration
from slice_localizer.network.weights import Trained, read_weights, write_weights
from slice_localizer.training.plan import Plan


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A small network, trained never, and its files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network_module, "_LSTM_UNITS", 16)
        torch.manual_seed(4)
        network = AspectsLocNet("resnet18").eval()
        path = tmp_path_factory.mktemp("weights") / "localizer.safetensors"
        training = {"plan": asdict(Plan(backbone="resnet18"))}
        write_weights(path, Trained(network, Calibration(1.4, 0.7, 0.3), 96, training))
        yield network, path


@pytest.fixture
def copied(written, tmp_path):
    """Files that a test may damage."""
    _, path = written
    copy = tmp_path / path.name
    for suffix in (".safetensors", ".json"):
        copy.with_suffix(suffix).write_bytes(path.with_suffix(suffix).read_bytes())
    return copy


def test_eight_bits_cost_half_a_step_at_most(written):
    network, path = written
    read = read_weights(path)
    restored = read.network.state_dict()
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        if value.ndim < 2:
            assert torch.equal(restored[name], value)
            continue
        rows = value.flatten(1)
        step = rows.abs().amax(dim=1) / 127
        assert ((restored[name].flatten(1) - rows).abs().amax(dim=1) <= 0.501 * step).all(), name
    assert not read.network.training


def test_the_network_says_the_same(written):
    network, path = written
    hu = torch.randn(6, 48, 48, generator=torch.Generator().manual_seed(1)) * 40 + 30
    with torch.inference_mode():
        before, after = network(hu, [6])[0], read_weights(path).network(hu, [6])[0]
    assert (before.logits - after.logits).abs().max() < 0.02
    assert (before.heights_mm - after.heights_mm).abs().max() < 0.3


def test_what_is_known_of_it_comes_back(written):
    read = read_weights(written[1])
    assert read.calibration == Calibration(1.4, 0.7, 0.3)
    assert read.size == 96
    assert read.training["plan"]["backbone"] == "resnet18"


def test_the_file_is_a_quarter_of_the_weights(written):
    network, path = written
    whole = sum(4 * value.numel() for value in network.state_dict().values())
    assert path.stat().st_size < 0.27 * whole


def test_no_pickle_is_loaded(copied, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    copied.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(InputError, match="cannot be read as the weights"):
        read_weights(copied)
    assert not (tmp_path / "sprung").exists()


def cut(path):
    path.write_bytes(path.read_bytes()[:100_000])


def without_a_layer(path):
    tensors = load_file(path)
    save_file({k: v for k, v in tensors.items() if not k.startswith("of_scoring")}, path)


def undescribed(path):
    path.with_suffix(".json").unlink()


def misdescribed(path):
    described = json.loads(path.with_suffix(".json").read_text())
    described["training"]["plan"]["backbone"] = "resnet34"
    path.with_suffix(".json").write_text(json.dumps(described))


@pytest.mark.parametrize("damage", [cut, without_a_layer, undescribed, misdescribed])
def test_damaged_files_are_refused_in_one_line(copied, damage):
    damage(copied)
    with pytest.raises(InputError, match=r"localizer\.safetensors: cannot be read") as refused:
        read_weights(copied)
    assert "train it anew" in str(refused.value)
