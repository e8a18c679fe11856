"""Thick slices of a CT angiography: their means, vessels cut down, bone kept, places right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspects_scorer.cta.thick_scan import thicken
from atlas_builder.core.scan import Scan


def thin_scan(count=20, apart=1.0, hu=30.0):
    """Return a head of 90 mm with a skull of 900 HU around brain, and air around that."""
    columns, rows = np.indices((120, 120)) - 59.5
    radius = np.hypot(columns, rows)
    image = np.select([radius < 40, radius < 45], [hu, 900.0], -1000.0)
    data = np.repeat(image[:, :, np.newaxis], count, axis=2).astype(np.float32)
    affines = np.repeat(np.eye(4)[np.newaxis], count, axis=0)
    affines[:, 2, 3] = apart * np.arange(count)
    return Scan(data, affines)


def test_vessels_are_cut_down_and_bone_is_not():
    scan = thin_scan()
    scan.data[60:63, 70:73, :] = 350.0
    thick = thicken(scan)
    assert thick.brain.data[61, 71] == pytest.approx(80.0)
    assert thick.plain.data[61, 71] == pytest.approx(350.0)
    assert thick.brain.data[60, 60] == pytest.approx(30.0)
    assert thick.brain.data[60, 103] == pytest.approx(900.0)
    assert thick.brain.data[0, 0] == pytest.approx(-1000.0)


def test_a_vessel_in_one_thin_slice_of_five_counts_a_fifth_of_its_window():
    scan = thin_scan()
    scan.data[60:63, 70:73, 7] = 330.0
    thick = thicken(scan)
    assert thick.brain.data[61, 71, 1] == pytest.approx(30 + 50 / 5)
    assert thick.plain.data[61, 71, 1] == pytest.approx(30 + 300 / 5)


def test_noise_falls_with_the_root_of_the_slices():
    scan = thin_scan(25, 0.7)
    scan.data[50:70, 50:70] += np.random.default_rng(1).normal(0, 10, (20, 20, 25))
    assert len(thicken(scan).brain) == 4  # seven slices of 0.7 mm are 4.9 mm
    assert thicken(scan).brain.data[50:70, 50:70, 0].std() == pytest.approx(10 / 7**0.5, rel=0.15)


def test_slices_of_five_millimetres_stay_as_they_are():
    scan = thin_scan(6, 5.0)
    thick = thicken(scan)
    np.testing.assert_array_equal(thick.plain.data, scan.data)
    np.testing.assert_array_equal(thick.plain.affines, scan.affines)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 23), st.sampled_from([0.7, -0.8, 1.0, 2.5]))
def test_every_slice_of_the_file_belongs_to_one_thick_slice_about_it(count, apart):
    scan = thin_scan(count, apart)
    thick = thicken(scan)
    numbers = np.broadcast_to(np.arange(len(thick.brain)), (2, 2, len(thick.brain)))
    owner = thick.on_file(numbers)[0, 0]
    assert len(owner) == count
    assert owner[thick.middles].tolist() == list(range(len(thick.brain)))
    heights = scan.affines[:, 2, 3]
    for index, affine in enumerate(thick.brain.affines):
        own = heights[owner == index]
        assert affine[2, 3] == pytest.approx(own.mean())
        assert abs(heights[thick.middles[index]] - own.mean()) <= abs(apart) / 2 + 1e-9
