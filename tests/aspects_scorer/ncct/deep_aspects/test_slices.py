"""What the networks see: a mirrored head gives mirrored slices, and nothing leaves the frame."""

from __future__ import annotations

import numpy as np
import pytest
from striped_head import mni_head

from aspects_scorer.ncct.da_net.standard_view import SHAPE, view_of
from aspects_scorer.ncct.deep_aspects.slices import (
    CHANNELS,
    FRAME,
    channels_of,
    framed,
    unframed,
    volume_channels,
)
from atlas_builder.core.anatomy import Region


@pytest.fixture(scope="module")
def hu():
    """A head whose left M5 is 5 HU darker."""
    return view_of(mni_head({("left", Region.M5): -5.0})).hu


def test_a_mirrored_head_gives_mirrored_channels_with_the_sides_exchanged(hu):
    slab = hu[:, :, 12:15]
    seen, mirrored = channels_of(slab), channels_of(np.ascontiguousarray(slab[::-1]))
    assert seen.shape == (CHANNELS, *FRAME)
    # Own and mirrored slices are the same pictures; the turn of one is the other's.
    assert np.allclose(mirrored[:7], seen[:7, ::-1])
    assert np.allclose(mirrored[3:6], mirrored[:3, ::-1])
    assert np.allclose(mirrored[7], -seen[7], atol=1e-5)


def test_the_difference_shows_the_dark_side_in_its_units(hu):
    view = view_of(mni_head({("left", Region.M5): -5.0}))
    inside = view.labels == Region.M5
    level = int(inside.sum(axis=(0, 1)).argmax())
    difference = unframed(channels_of(hu[:, :, level - 1 : level + 2])[7])
    here = inside[:, :, level]
    # Neighbouring slices, where the region is smaller, and its borders take some away.
    assert -1.0 < np.median(difference[here]) < -0.5
    assert np.allclose(difference, -difference[::-1], atol=1e-6)
    assert np.abs(difference).max() <= 2


def test_framing_is_undone(hu):
    image = np.moveaxis(hu, 2, 0)
    assert framed(image, 0).shape == (SHAPE[2], *FRAME)
    assert np.array_equal(unframed(framed(image, 7)), image)


def test_the_outermost_slices_are_their_own_neighbours(hu):
    channels = volume_channels(hu)
    assert channels.shape == (SHAPE[2], CHANNELS, *FRAME)
    assert np.array_equal(channels[0, 0], channels[0, 1])
    assert np.array_equal(channels[-1, 1], channels[-1, 2])
    assert np.array_equal(channels[5, 2], channels[6, 1])
