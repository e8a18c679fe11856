"""A clot is a thin tube on its side, in the cisterns of the standard head."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.catalogue.mni_head import load_head
from atlas_builder.catalogue.tissues import Tissue
from head_phantom.infarct.dense_vessel import DenseVessel, Segment, clot_share, draw_dense_vessel


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("segment", list(Segment))
def test_a_clot_lies_in_fluid_on_its_side(head, side, segment):
    share = clot_share(head, DenseVessel(side, segment, 70.0, 1.8, 0.0, 20.0))
    voxels = np.argwhere(share > 0.5)
    across = voxels[:, 0] + head.affine[0, 3]
    assert (across < 0).all() if side == "left" else (across > 0).all()
    fluid = head.tissues[Tissue.CSF] / 255.0
    assert float((fluid * share).sum() / share.sum()) > 0.5
    # A tube of that radius and length, its rounded ends included.
    assert share.sum() == pytest.approx(np.pi * 1.8**2 * (20 + 4 / 3 * 1.8), rel=0.25)


def test_a_clot_ends_where_the_artery_divides(head):
    whole, longer = (
        clot_share(head, DenseVessel("left", Segment.TRUNK, 70.0, 1.8, 0.0, length))
        for length in (60.0, 90.0)
    )
    np.testing.assert_array_equal(whole, longer)


def test_most_clots_lie_in_the_trunk():
    rng = np.random.default_rng(3)
    drawn = [draw_dense_vessel("left", rng) for _ in range(200)]
    trunk = np.mean([one.segment is Segment.TRUNK for one in drawn])
    assert trunk == pytest.approx(0.8, abs=0.1)
    assert all(one.side == "left" and 50 <= one.hu <= 80 for one in drawn)
