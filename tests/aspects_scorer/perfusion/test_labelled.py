"""The core of a known CBF map is found, region by region, and what is no such map is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from aspects_scorer.dwi.mni_brain import mni_brain
from aspects_scorer.perfusion.brain_scan import BrainScan
from aspects_scorer.perfusion.cbf_map import CbfMap
from aspects_scorer.perfusion.labelled import LabelledBrain, label_brain
from atlas_builder.catalogue.mni_regions import load_mni_aspects
from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.core.aspects import CTP
from atlas_builder.core.errors import InputError
from slice_localizer.alignment.deformation import BrainPlace

_MM = 2
_CORE, _PENUMBRA = 0.15, 0.5


@pytest.fixture(scope="module")
def brain() -> BrainScan:
    """The standard brain as a scan of itself."""
    standard, atlas = mni_brain(), load_mni_aspects()
    grey, white = (share[::_MM, ::_MM, ::_MM] for share in (standard.grey, standard.white))
    shape = grey.shape
    step = standard.affine @ np.diag([_MM, _MM, _MM, 1.0])
    affines = np.tile(step, (shape[2], 1, 1))
    affines[:, :3, 2] /= _MM
    affines[:, :3, 3] += np.arange(shape[2])[:, np.newaxis] * step[:3, 2]
    points = step[:3, :3] @ np.indices(shape).reshape(3, -1) + step[:3, 3:]
    back = np.linalg.inv(atlas.affine)
    voxels = np.rint(back[:3, :3] @ points + back[:3, 3:]).astype(int)
    inside = ((voxels >= 0) & (voxels < np.array(atlas.labels.shape)[:, np.newaxis])).all(axis=0)
    labels = np.zeros(points.shape[1], np.uint8)
    labels[inside] = atlas.labels[tuple(voxels[:, inside])]
    tissue = (grey.astype(int) + white) > 180
    still = np.zeros((3, 2, 2, 2), np.float32)
    return BrainScan(
        hu=np.where(tissue, 32, 5).astype(np.float32),
        labels=np.where(tissue, labels.reshape(shape), 0).astype(np.uint8),
        brain=standard.sampled_mask(_MM),
        tissue=tissue,
        affines=affines,
        place=BrainPlace(np.eye(4), still, still, np.array([-100.0, -130.0, -80.0]), 200.0),
        whole=shape,
        corner=(0, 0),
        order=np.arange(shape[2]),
    )


def core_of(brain: BrainScan, side: str = "right") -> NDArray[np.bool_]:
    """A ball in the territory of the middle cerebral artery."""
    return ball(brain, 24.0, side)


def ball(brain: BrainScan, radius: float, side: str) -> NDArray[np.bool_]:
    x, y, z = np.indices(brain.brain.shape) * _MM + brain.affines[0, :3, 3].reshape(3, 1, 1, 1)
    middle = 38.0 if side == "right" else -38.0
    return np.sqrt((x - middle) ** 2 + y**2 + (z - 10) ** 2) < radius


def flow_of(brain: BrainScan, side: str = "right") -> NDArray[np.float32]:
    grey, white = brain.grey_and_white
    flow = 60 * grey + 22 * white
    flow = np.where(ball(brain, 32.0, side), _PENUMBRA, 1) * flow
    return np.where(core_of(brain, side), _CORE / _PENUMBRA, 1).astype(np.float32) * flow


def cbf_of(brain: BrainScan, flow: NDArray[np.float32]) -> CbfMap:
    affine = brain.affines[0].copy()
    affine[:3, 2] *= _MM
    return CbfMap(flow, affine)


def shares(labelled: LabelledBrain) -> dict[tuple[str, Region], float]:
    return {(one.side, one.region): one.share for one in labelled.truth.regions}


def true_shares(brain: BrainScan, side: str = "right") -> dict[tuple[str, Region], float]:
    core = core_of(brain, side)
    return {
        (at, region): float(core[(brain.labels == map_value(region, at))].mean())
        for at, region in product(SIDES, Region)
    }


@pytest.mark.parametrize("side", ["left", "right"])
def test_shares_of_regions_are_those_of_the_core(brain: BrainScan, side: str) -> None:
    labelled = label_brain(cbf_of(brain, flow_of(brain, side)), brain, CTP)
    truth = true_shares(brain, side)
    assert max(truth.values()) > 0.75
    assert sum(0.1 < share < 0.75 for share in truth.values()) >= 2
    for key, share in shares(labelled).items():
        assert share == pytest.approx(truth[key], abs=0.06), key
    assert labelled.truth.side == side
    assert labelled.better_side != side
    assert labelled.truth.aspects(labelled.better_side) == 10
    core_ml = brain.volume_ml(core_of(brain, side) & brain.tissue)
    assert labelled.truth.core_ml == pytest.approx(core_ml, rel=0.06)


def test_a_factor_changes_nothing_but_is_named(brain: BrainScan) -> None:
    flow = flow_of(brain)
    plain, scaled = (label_brain(cbf_of(brain, flow * f), brain, CTP) for f in (1, 10))
    assert (plain.core.core == scaled.core.core).all()
    assert scaled.unit.factor == 10
    assert "flow-scaled" in {flag.code for flag in scaled.flags}
    assert "flow-scaled" not in {flag.code for flag in plain.flags}
    assert scaled.truth.regions[0].cbf == pytest.approx(plain.truth.regions[0].cbf)


def test_what_a_map_does_not_reach_is_not_known(brain: BrainScan) -> None:
    flow = flow_of(brain)
    heights = brain.heights
    flow[:, :, (heights < -5) | (heights > 18)] = np.nan
    labelled = label_brain(cbf_of(brain, flow), brain, CTP)
    unknown = {one.region for one in labelled.truth.regions if one.affected is None}
    assert Region.M5 in unknown
    assert Region.L not in unknown
    assert all(np.isnan(one.share) == (one.affected is None) for one in labelled.truth.regions)
    assert labelled.truth.lower_aspects is None
    assert "regions-not-covered" in {flag.code for flag in labelled.flags}


def test_old_cavities_are_no_part_of_core_or_region(brain: BrainScan) -> None:
    cavity = ball(brain, 12.0, "right")
    labelled = label_brain(
        cbf_of(brain, np.where(cavity, 0, flow_of(brain)).astype(np.float32)),
        replace(brain, tissue=brain.tissue & ~cavity),
        CTP,
    )
    assert not (labelled.core.core & cavity).any()


def test_a_core_on_both_sides_is_flagged(brain: BrainScan) -> None:
    flow = np.minimum(flow_of(brain, "right"), flow_of(brain, "left"))
    labelled = label_brain(cbf_of(brain, flow), brain, CTP)
    assert "low-on-both-sides" in {flag.code for flag in labelled.flags}


def test_a_time_map_is_refused(brain: BrainScan) -> None:
    time = np.where(brain.tissue, 4.0, 0).astype(np.float32)
    with pytest.raises(InputError, match="no map of flow"):
        label_brain(cbf_of(brain, time), brain, CTP)


def test_a_map_that_lies_elsewhere_is_refused(brain: BrainScan) -> None:
    cbf = cbf_of(brain, flow_of(brain))
    moved = cbf.affine.copy()
    moved[:3, 3] += (0, 150, 0)
    with pytest.raises(InputError, match="lies elsewhere"):
        label_brain(CbfMap(cbf.flow, moved), brain, CTP)


def test_what_is_no_flow_of_this_brain_is_refused(brain: BrainScan) -> None:
    grey, white = brain.grey_and_white
    # Less where flow is high.
    reverse = np.where(brain.tissue, 80 - 60 * grey - 22 * white, np.nan)
    with pytest.raises(InputError, match="resembles no flow"):
        label_brain(cbf_of(brain, reverse.astype(np.float32)), brain, CTP)
