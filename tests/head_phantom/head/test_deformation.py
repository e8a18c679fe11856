"""Flows are invertible, keep orientation, and open as much volume as their sources ask for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from head_phantom.head.deformation import Lattice, flow_back, potential_flow, smooth_noise

LATTICE = Lattice((36, 40, 32), 2.0, np.array([-35.0, -39.0, -31.0]))


def inner(margin: int) -> tuple[slice, ...]:
    return tuple(slice(margin, n - margin) for n in LATTICE.shape)


def random_velocity(seed: int, size: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    velocity = size * np.stack([smooth_noise(LATTICE, 9.0, rng) for _ in range(3)])
    rim = np.zeros(LATTICE.shape)
    rim[inner(1)] = 1
    return velocity * rim


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 3.0))
def test_the_flow_of_the_opposite_velocity_is_the_inverse(seed, size):
    velocity = random_velocity(seed, size)
    back, forth = flow_back(LATTICE, velocity), flow_back(LATTICE, -velocity)
    points = LATTICE.points()[(slice(None), *inner(8))]
    there = forth.origins(points)
    assert np.linalg.norm(there - points, axis=0).max() > 0.3 * size
    assert np.linalg.norm(back.origins(there) - points, axis=0).max() < 0.15 * size


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 3.0))
def test_no_volume_is_turned_inside_out(seed, size):
    assert flow_back(LATTICE, random_velocity(seed, size)).jacobian().min() > 0


def test_a_potential_flow_has_the_divergence_it_was_given():
    x, y, z = LATTICE.points()
    sources = np.exp(-(x**2 + y**2 + z**2) / 72) - np.exp(-((x - 12) ** 2 + y**2 + z**2) / 72)
    velocity = potential_flow(LATTICE, sources)
    divergence = sum(np.gradient(velocity[a], LATTICE.spacing, axis=a) for a in range(3))
    np.testing.assert_allclose(divergence[inner(3)], sources[inner(3)], atol=0.06)


def test_a_source_opens_the_volume_it_is_asked_for():
    x, y, z = LATTICE.points()
    radius = np.sqrt(x**2 + y**2 + z**2)
    hollow = (radius < 8).astype(np.float32)
    ring = ((radius > 18) & (radius < 28)).astype(np.float32)
    gain = 1.5 * hollow  # the hollow's volume grows to 2.5 times its size
    flow = flow_back(LATTICE, potential_flow(LATTICE, gain - ring * gain.sum() / ring.sum()), gain)
    grown = LATTICE.sample(hollow, flow.origins(LATTICE.points())).sum()
    assert grown / hollow.sum() == pytest.approx(2.5, rel=0.08)
    # At the rim only what was pushed out of the hollow has been diluted by fluid.
    assert flow.welled[radius < 7].min() > 0.5
    assert np.abs(flow.welled[radius > 14]).max() < 0.05


def test_points_beyond_the_lattice_stay():
    flow = flow_back(LATTICE, random_velocity(1, 2.0))
    outside = np.array([[100.0, 0.0], [0.0, -80.0], [5.0, 5.0]], np.float32)
    np.testing.assert_array_equal(flow.origins(outside), outside)


@pytest.mark.parametrize("wavelength", [3.0, 10.0, 40.0])
def test_noise_has_unit_variance_and_the_wavelength(wavelength):
    rng = np.random.default_rng(4)
    fields = np.stack([smooth_noise(LATTICE, wavelength, rng) for _ in range(60)])
    assert fields.var() == pytest.approx(1, rel=0.2)
    # White noise under a Gaussian of deviation s correlates as exp(-d^2 / 4 s^2).
    steps = max(round(wavelength / LATTICE.spacing), 1)
    distance = steps * LATTICE.spacing
    correlation = (fields[:, steps:] * fields[:, :-steps]).mean() / fields.var()
    expected = np.exp(-(distance**2) / (4 * wavelength**2))
    assert correlation == pytest.approx(expected, abs=0.1)
