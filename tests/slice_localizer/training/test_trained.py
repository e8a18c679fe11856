"""A trained network as a file: small, without pickles, and the same when it is run."""

from __future__ import annotations

import json
import pickle

import onnx
import pytest
import torch

from atlas_builder.core.errors import InputError
from slice_localizer.network.calibration import Calibration
from slice_localizer.network.model import read_localizer
from slice_localizer.training.aspectslocnet import AspectsLocNet
from slice_localizer.training.plan import Plan
from slice_localizer.training.trained import Trained, read_trained, write_trained


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A small network, trained never, and its files."""
    torch.manual_seed(4)
    network = AspectsLocNet("resnet18", context_units=16).eval()
    path = tmp_path_factory.mktemp("weights") / "localizer.onnx"
    training = {"plan": Plan(backbone="resnet18", context_units=16).describe()}
    write_trained(path, Trained(network, Calibration(1.4, 0.7, 0.3), 96, training))
    return network, path


@pytest.fixture
def copied(written, tmp_path):
    """Files that a test may damage."""
    _, path = written
    copy = tmp_path / path.name
    for suffix in (".onnx", ".json"):
        copy.with_suffix(suffix).write_bytes(path.with_suffix(suffix).read_bytes())
    return copy


def test_eight_bits_cost_half_a_step_at_most(written):
    network, path = written
    read = read_trained(path)
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


def test_stored_in_8_bits_it_predicts_much_the_same(written):
    network, path = written
    hu = torch.randn(6, 48, 48, generator=torch.Generator().manual_seed(1)) * 40 + 30
    with torch.inference_mode():
        before, after = network(hu, [6])[0], read_trained(path).network(hu, [6])[0]
    assert (before.logits - after.logits).abs().max() < 0.02
    assert (before.heights_mm - after.heights_mm).abs().max() < 0.3


def test_what_is_known_of_it_comes_back(written):
    read = read_trained(written[1])
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
    with pytest.raises(InputError, match="cannot be read as the model"):
        read_trained(copied)
    assert not (tmp_path / "sprung").exists()


def cut(path):
    path.write_bytes(path.read_bytes()[:100_000])


def without_a_layer(path):
    model = onnx.load(path)
    kept = [t for t in model.graph.initializer if "of_scoring" not in t.name]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    path.write_bytes(model.SerializeToString())


def of_another_network(path):
    model = onnx.load(path)
    model.metadata_props[0].value = "infarct-segmenter"
    path.write_bytes(model.SerializeToString())


def undescribed(path):
    path.with_suffix(".json").unlink()


def misdescribed(path):
    described = json.loads(path.with_suffix(".json").read_text())
    described["training"]["plan"]["backbone"] = "resnet34"
    path.with_suffix(".json").write_text(json.dumps(described))


@pytest.mark.parametrize(
    "damage", [cut, without_a_layer, of_another_network, undescribed, misdescribed]
)
def test_damaged_files_are_refused_in_one_line(copied, damage):
    damage(copied)
    with pytest.raises(InputError, match=r"localizer\.(onnx|json): cannot be read") as refused:
        read_trained(copied)
    assert "train it anew" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("damage", [cut, without_a_layer, of_another_network, undescribed])
def test_damaged_files_are_not_run(copied, damage):
    damage(copied)
    with pytest.raises(InputError, match=r"localizer\.(onnx|json): cannot be read") as refused:
        read_localizer(copied)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("shape", [(1, 48, 48), (7, 48, 48), (4, 64, 80)])
def test_the_model_gives_what_the_network_gives(written, shape):
    network = read_trained(written[1]).network
    hu = torch.randn(shape, generator=torch.Generator().manual_seed(2)) * 40 + 30
    logits, heights = read_localizer(written[1]).predict(hu.numpy())
    with torch.inference_mode():
        expected = network(hu, [len(hu)])[0]
    assert logits == pytest.approx(expected.logits.numpy(), abs=1e-4)
    assert heights == pytest.approx(expected.heights_mm.numpy(), abs=1e-3)
