"""On the standard grid a head is where MNI space has it, and left mirrors right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from striped_head import mni_head

from aspects_scorer.ncct.da_net.patches import GROUPS, PATCH, corner_of, patches_of
from aspects_scorer.ncct.da_net.standard_view import SHAPE, view_of
from atlas_builder.core.anatomy import Region


@pytest.fixture(scope="module")
def head():
    return mni_head({("left", Region.M2): -8.0}, noise_hu=0.0)


def test_regions_keep_their_sides_densities_and_volumes(head):
    view = view_of(head)
    left, right = (view.hu[view.labels == v] for v in (Region.M2, 10 + Region.M2))
    assert np.median(left) == pytest.approx(26.0, abs=0.2)
    assert np.median(right) == pytest.approx(34.0, abs=0.2)
    for region in Region:
        counts = [np.count_nonzero(view.labels == v) for v in (region, 10 + region)]
        # The scan is cut by slices of 5 mm, the grid by 4 mm.
        assert counts[0] == pytest.approx(counts[1], rel=0.1)
        ml = np.count_nonzero(head.labels == region) * 2 * 2 * 5 / 1000
        assert counts[0] * 2 * 2 * 4 / 1000 == pytest.approx(ml, rel=0.25)


def test_the_grid_mirrors_itself(head):
    view = view_of(head)
    mirrored = np.where(view.labels > 10, view.labels - 10, view.labels + 10)[::-1]
    mirrored[view.labels[::-1] == 0] = 0
    overlap = np.count_nonzero((mirrored == view.labels) & (view.labels > 0))
    assert overlap > 0.95 * np.count_nonzero(view.labels)


def test_slices_stored_from_the_top_give_the_same_view(head):
    turned = replace(
        head,
        hu=head.hu[:, :, ::-1].copy(),
        labels=head.labels[:, :, ::-1].copy(),
        affines=head.affines[::-1].copy(),
    )
    one, other = view_of(head), view_of(turned)
    assert np.allclose(one.hu, other.hu, atol=1e-3)
    assert np.array_equal(one.labels, other.labels)


def test_a_patch_holds_its_region_and_the_mirrored_counterpart(head):
    patches = patches_of(view_of(head), tuple(Region))
    assert patches.shape == (10, 2, 2, *PATCH)
    for row, region in enumerate(Region):
        whole = np.count_nonzero(view_of(head).labels == region)
        assert patches[row, 0, 1].sum() > 0.85 * whole, region
    own, other = patches[Region.M2 - 1]
    assert np.median(own[0][own[1] > 0]) == pytest.approx((26 - 30) / 25, abs=0.03)
    assert np.median(other[0][other[1] > 0]) == pytest.approx((34 - 30) / 25, abs=0.03)


def test_patches_lie_in_the_grid_and_every_region_is_judged_once():
    for region in Region:
        assert all(0 <= a <= n - p for a, n, p in zip(corner_of(region), SHAPE, PATCH, strict=True))
    assert sorted(r for regions in GROUPS.values() for r in regions) == list(Region)


def test_without_a_place_there_is_no_view(head):
    with pytest.raises(ValueError, match="place"):
        view_of(replace(head, place=None))
