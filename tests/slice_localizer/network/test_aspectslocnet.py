"""The network: a scan's scores depend on the scan alone, and on the order of its slices."""

from __future__ import annotations

import pytest
import torch

from slice_localizer.training.aspectslocnet import (
    HEIGHT_UNIT_MM,
    AspectsLocNet,
    MultiResolutionBlock,
)

LENGTHS = (1, 7, 30, 2)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return AspectsLocNet("resnet18").eval()


@pytest.fixture(scope="module")
def features():
    return torch.randn(sum(LENGTHS), 512, generator=torch.Generator().manual_seed(1))


def said(network, features, lengths):
    with torch.inference_mode():
        return network.score(features, lengths)


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.logits, other[0], atol=2e-6, rtol=1e-5)
        torch.testing.assert_close(one.heights_mm, other[1], atol=4e-5, rtol=1e-5)


def test_a_scan_is_scored_as_if_it_were_alone(network, features):
    together = said(network, features, LENGTHS)
    start = 0
    for length in LENGTHS:
        part = slice(start, start + length)
        alone = said(network, features[part], [length])
        assert_same(alone, [(one.logits[part], one.heights_mm[part]) for one in together])
        start += length


def test_the_order_of_the_scans_does_not_matter(network, features):
    first, second = features[:7], features[7:20]
    forth = said(network, torch.cat([first, second]), [7, 13])
    back = said(network, torch.cat([second, first]), [13, 7])
    turned = [
        (
            torch.cat([s.logits[13:], s.logits[:13]]),
            torch.cat([s.heights_mm[13:], s.heights_mm[:13]]),
        )
        for s in back
    ]
    assert_same(forth, turned)


def test_neighbours_have_a_say_but_not_in_what_the_features_say_alone(network, features):
    scan = features[:9]
    other = scan.clone()
    other[6:] += 1.0
    before, after = said(network, scan, [9]), said(network, other, [9])
    final, in_context, alone = (
        float((b.logits[0] - a.logits[0]).abs()) for b, a in zip(before, after, strict=True)
    )
    assert final > 1e-4
    assert in_context > 1e-4
    assert alone == 0.0


def test_slices_pass_the_backbone_one_by_one(network):
    hu = torch.randn(5, 40, 40, generator=torch.Generator().manual_seed(2)) * 50 + 30
    with torch.inference_mode():
        together, alone = network.features(hu), network.features(hu[3:4])
    torch.testing.assert_close(together[3:4], alone, atol=1e-5, rtol=1e-4)


def test_it_has_the_published_parts():
    with torch.device("meta"):  # nothing is computed
        network = AspectsLocNet()
    assert network.context.input_size == 2048
    assert network.context.hidden_size == 512
    assert network.context.bidirectional
    assert network.scoring.bidirectional
    assert len(network.blocks) == 2
    assert all(isinstance(block, MultiResolutionBlock) for block in network.blocks)


def test_every_parameter_learns(network):
    """Nothing is cut off from the loss."""
    trained = AspectsLocNet("resnet18").train()
    hu = torch.randn(6, 40, 40, generator=torch.Generator().manual_seed(3)) * 50 + 30
    scores = trained(hu, [4, 2])
    sum((s.logits.sum() + s.heights_mm.sum() / HEIGHT_UNIT_MM) for s in scores).backward()
    still = [name for name, value in trained.named_parameters() if not value.grad.abs().sum() > 0]
    assert still == []
