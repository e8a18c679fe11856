"""Simulated CBF has the flow of each tissue, less in and around the core, on the slices asked."""

from __future__ import annotations

import numpy as np
import pytest

from head_phantom.person.volumes import Anatomy
from head_phantom.scanner.perfusion import GREY_FLOW, SimulatedCbf, simulate_cbf


def head(*, lesion: bool = True) -> Anatomy:
    """A block of grey matter of 80 mm with a core of 20 mm on its right."""
    shape = (100, 100, 100)
    grey = np.zeros(shape, np.uint8)
    grey[10:90, 10:90, 10:90] = 255
    core = np.zeros(shape, bool)
    core[65:85, 40:60, 30:60] = lesion
    empty = np.zeros(shape, np.uint8)
    affine = np.eye(4)
    affine[:3, 3] = -50
    hu = np.where(grey > 0, 35, -1000).astype(np.float32)
    return Anatomy(hu, grey, empty, empty, empty, core, core & False, affine, np.zeros(3))


def sampled(cbf: SimulatedCbf, middle: tuple[float, float, float]) -> float:
    """The mean flow about a place in mm."""
    x, y, z = np.rint(np.linalg.inv(cbf.affine) @ (*middle, 1))[:3].astype(int)
    return float(cbf.flow[x - 4 : x + 5, y - 4 : y + 5, z].mean())


def test_flow_is_that_of_the_tissue() -> None:
    anatomy = head()
    cbf = simulate_cbf(anatomy, np.random.default_rng(1), coverage_mm=40)
    assert cbf.flow.shape[2] == 8
    assert cbf.affine[2, 3] == pytest.approx(-15)
    normal, core = sampled(cbf, (-25, 0, 0)), sampled(cbf, (25, 0, 0))
    assert normal == pytest.approx(GREY_FLOW, rel=0.1)  # noise
    assert 0.08 < core / normal < 0.3
    assert not (cbf.penumbra & anatomy.lesion).any()
    assert cbf.penumbra[60, 50, 45]
    assert not cbf.penumbra[:50].any()


def test_a_healthy_subject_has_no_penumbra_and_a_seed_repeats() -> None:
    one, two = (simulate_cbf(head(lesion=False), np.random.default_rng(3)) for _ in range(2))
    assert not one.penumbra.any()
    assert (one.flow == two.flow).all()


def test_a_pose_moves_the_map() -> None:
    pose = np.eye(4)
    pose[:3, 3] = (5, -7, 100)
    cbf = simulate_cbf(head(), np.random.default_rng(1), pose=pose)
    assert sampled(cbf, (30, -7, 100)) < 0.3 * sampled(cbf, (-20, -7, 100))
