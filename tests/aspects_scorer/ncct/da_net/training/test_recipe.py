"""DA-Net's training repeats from its seed, goes on where it stopped, and is fair to both sides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from striped_head import mni_head

from aspects_scorer.ncct.da_net.network import KINDS, RULE_NAMES
from aspects_scorer.ncct.da_net.patches import CHANNELS, GROUPS, PATCH
from aspects_scorer.ncct.da_net.standard_view import view_of
from aspects_scorer.ncct.da_net.training.calibrating import calibrate
from aspects_scorer.ncct.da_net.training.examples import (
    StandardCase,
    affected_by,
    draw_pairs,
    plain_pairs,
    read_case,
    write_case,
)
from aspects_scorer.ncct.da_net.training.network import DANet, read_da_net, write_da_net
from aspects_scorer.ncct.da_net.training.recipe import DANetRecipe, Settings
from atlas_builder.core.anatomy import Region
from atlas_builder.networks.model import open_model
from atlas_builder.networks.training.loop import train
from atlas_builder.networks.training.state import state_of

CPU = torch.device("cpu")


class StoppedError(Exception):
    """Someone ended the training."""


def case_of(side=None, region=Region.M5):
    added = {} if side is None else {(side, region): -6.0}
    view = view_of(mni_head(added))
    shares = np.zeros((2, 10))
    lesion = np.zeros(view.labels.shape, np.uint8)
    if side is not None:
        row = ("left", "right").index(side)
        shares[row, region - 1] = 1.0
        lesion[view.labels == region + 10 * row] = 255
    return StandardCase(view.hu.astype(np.float16), view.labels, lesion, shares)


@pytest.fixture(scope="module")
def cases():
    return [case_of(), case_of("left"), case_of("right"), case_of("left", Region.L)]


def run(cases, settings, out, group="cortical", **more):
    torch.set_num_threads(1)
    return train(DANetRecipe(group, cases, cases, settings), out, device=CPU, **more)


def test_rules_differ_as_they_say():
    shares = np.zeros((2, 10))
    shares[0, Region.M1 - 1], shares[1, Region.L - 1] = 0.2, 0.05
    found = affected_by(shares)
    by_rule = {name: found[:, :, i] for i, name in enumerate(RULE_NAMES)}
    assert not by_rule["barber"].any()  # a third of M1; a tenth of L, known voxel by voxel
    assert by_rule["ctp"].sum() == 1
    assert by_rule["overlap"].sum() == 2


def test_heads_are_drawn_alike_for_the_same_chance(cases):
    one, other = (draw_pairs(cases, GROUPS["deep"], np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.patches, other.patches)
    assert np.array_equal(one.affected, other.affected)


def test_a_planted_infarct_is_dark_where_it_is_true(cases):
    differences = []
    for seed in range(40):
        pairs = draw_pairs([cases[0], cases[1]], GROUPS["cortical"], np.random.default_rng(seed))
        for row, side in np.argwhere(pairs.affected[:, :, 0]):
            own, other = pairs.patches[row, side], pairs.patches[row, 1 - side]
            differences.append(np.median(own[0][own[1] > 0]) - np.median(other[0][other[1] > 0]))
    assert len(differences) > 10
    # Shading may outweigh the slightest infarcts, as it does in patients.
    assert np.mean(np.array(differences) < 0) > 0.8
    assert np.median(differences) < -0.05


def test_a_case_survives_its_file(cases, tmp_path):
    write_case(tmp_path / "case.npz", cases[1])
    found = read_case(tmp_path / "case.npz")
    for name in ("hu", "labels", "lesion", "shares"):
        assert np.array_equal(getattr(found, name), getattr(cases[1], name))


def test_mirrored_patches_get_mirrored_log_odds():
    torch.manual_seed(1)
    network = DANet().eval()
    patches = torch.rand(2, 2, CHANNELS, *PATCH)
    with torch.inference_mode():
        found, attention = network(patches)
        mirrored, _ = network(patches.flip(1))
    assert torch.allclose(found, mirrored.flip(1), atol=1e-5)
    # Log-odds are the means of the activation maps, but for the same constant everywhere.
    constant = found - attention.mean(dim=(3, 4, 5))
    assert torch.allclose(constant, constant[:1, :1].expand_as(constant), atol=1e-5)


@pytest.mark.slow
def test_an_interrupted_training_gives_the_same_bits(cases, tmp_path):
    settings = Settings(seed=2, steps=6, batch=1, validate_every=3, mixed_precision=False)
    whole = run(cases, settings, tmp_path / "whole")

    def stop(record):
        if record["step"] == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(cases, settings, tmp_path / "parts", when_evaluated=stop)
    resumed = run(cases, settings, tmp_path / "parts")
    first, second = state_of(whole.network), state_of(resumed.network)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
def test_it_learns_which_side_is_dark(cases, tmp_path):
    settings = Settings(seed=1, steps=60, batch=1, validate_every=60, mixed_precision=False)
    trained = run(cases, settings, tmp_path)
    assert trained.done.history[-1]["validation_auc"]["barber"] > 0.9
    calibration = calibrate(trained.network, cases, GROUPS["cortical"])
    assert set(calibration) == set(RULE_NAMES)
    assert calibration["barber"][0] > 0
    pairs = plain_pairs(cases[1], (Region.M5,))
    with torch.inference_mode():
        log_odds, _ = trained.network(torch.from_numpy(pairs.patches))
    assert log_odds[0, 0, 0] > log_odds[0, 1, 0] + 0.5


def test_the_network_survives_its_file(tmp_path):
    torch.manual_seed(3)
    network = DANet().eval()
    file = tmp_path / "network.onnx"
    write_da_net(file, network, "deep", {"calibration": {}})
    patches = torch.rand(3, 2, CHANNELS, *PATCH)
    with torch.inference_mode():
        read = [one.numpy() for one in read_da_net(file, "deep")(patches)]
    found = open_model(file, KINDS["deep"]).run(patches=patches.numpy())
    for ours, theirs in zip(found, read, strict=True):
        assert np.allclose(ours, theirs, atol=1e-4)
