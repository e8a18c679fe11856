"""Healthy halves of a brain differ in density by some tenths of a Hounsfield unit."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.catalogue.mni_head import load_head
from head_phantom.head.coarse_head import coarse_head
from head_phantom.person.unevenness import Unevenness, density_offsets, draw_unevenness


@pytest.fixture(scope="module")
def coarse():
    return coarse_head(load_head())


def test_the_field_has_its_strength_and_is_smooth(coarse):
    field = density_offsets(coarse, Unevenness(0.6, (0.0, 0.0), 3))
    assert field.std() == pytest.approx(0.6, rel=0.2)
    near = np.corrcoef(field[:-4].ravel(), field[4:].ravel())[0, 1]  # 8 mm apart
    far = np.corrcoef(field[:-30].ravel(), field[30:].ravel())[0, 1]  # 60 mm apart
    assert near > 0.8
    assert abs(far) < 0.3


def test_a_lean_makes_the_right_denser_than_the_left_and_the_front_than_the_back(coarse):
    field = density_offsets(coarse, Unevenness(0.0, (0.5, 0.2), 3))
    x, y, _ = coarse.lattice.points()
    right = field[np.abs(x - 60) < 1.1].mean() - field[np.abs(x + 60) < 1.1].mean()
    assert right == pytest.approx(1.0, abs=0.05)
    assert np.polyfit(y.ravel(), field.ravel(), 1)[0] > 0


def test_sides_differ_by_three_tenths_to_one_unit(coarse):
    x, y, z = coarse.lattice.points()
    around = (np.abs(y) < 15) & (np.abs(z - 20) < 10) & (np.abs(np.abs(x) - 40) < 12)
    differences = []
    for seed in range(40):
        field = density_offsets(coarse, draw_unevenness(np.random.default_rng(seed)))
        differences.append(field[around & (x < 0)].mean() - field[around & (x > 0)].mean())
    assert 0.3 < np.std(differences) < 1.0
