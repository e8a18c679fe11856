"""Attention is shown where it was, on whatever slices a scan has."""

from __future__ import annotations

import numpy as np
import pytest
from striped_head import affines, mni_head, no_deformation

from aspects_scorer.ncct.da_net.attention import attention_of
from aspects_scorer.ncct.da_net.standard_view import view_of
from atlas_builder.core.anatomy import Region


@pytest.fixture(scope="module")
def head():
    return mni_head(noise_hu=0.0)


def shown(head, side, region):
    maps = {r: np.zeros((2, 8, 10, 7), np.float32) for r in Region}
    maps[region][("left", "right").index(side)] = 2.0
    attention = attention_of(maps, np.ones((2, 10)), view_of(head).labels, no_deformation())
    slices = [attention.on_slice(affine, head.hu.shape[:2]) for affine in affines()]
    return np.stack(slices, axis=2)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("region", [Region.M2, Region.M5, Region.L])
def test_it_lies_in_the_region_that_it_is_of(head, side, region):
    looked = shown(head, side, region)
    own = head.labels == region + (10 if side == "right" else 0)
    assert looked[own].mean() > 0.6
    assert looked[own].sum() > 0.6 * looked.sum()
    assert looked.max() <= 1.0
    other = head.labels == region + (0 if side == "right" else 10)
    assert looked[other].max() < 0.01


def test_what_speaks_against_ischaemia_is_not_shown(head):
    maps = {r: np.full((2, 8, 10, 7), -1.0, np.float32) for r in Region}
    attention = attention_of(maps, np.ones((2, 10)), view_of(head).labels, no_deformation())
    assert not attention.on_slice(affines()[10], head.hu.shape[:2]).any()


def test_a_region_is_shown_as_strongly_as_it_is_probably_affected(head):
    maps = {r: np.full((2, 8, 10, 7), 1.0, np.float32) for r in Region}
    probability = np.full((2, 10), 0.1)
    probability[0, Region.M5 - 1] = 0.8
    attention = attention_of(maps, probability, view_of(head).labels, no_deformation())
    labels = view_of(head).labels
    assert np.median(attention.log_odds[labels == Region.M5]) == pytest.approx(1.0)
    assert np.median(attention.log_odds[labels == Region.M4]) == pytest.approx(0.125)
