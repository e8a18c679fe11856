"""Projection and its inverse; the artefacts of beam hardening; where noise is strong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from head_phantom.scanner.acquisition import Acquisition
from head_phantom.scanner.artefacts import enlarged, motion_streaks, project_artefacts
from head_phantom.scanner.projection import projector

SIZE, PIXEL = 96, 2.3
SCAN = Acquisition(pixel_mm=PIXEL, matrix=SIZE, beam_hardening=0.0, cupping=0.0)


def distance_from(x, y):
    across = (np.arange(SIZE) - (SIZE - 1) / 2) * PIXEL
    return np.hypot(across[:, np.newaxis] - x, across - y)


def head(*bones):
    """Slices of a head of 80 mm radius in a skull of 6 mm, with dense bones of 15 mm inside."""
    from_middle = distance_from(0, 0)
    image = np.where(from_middle < 86, 900.0, -1000.0)
    image[from_middle < 80] = 30.0
    for x, y in bones:
        image[distance_from(x, y) < 15] = 1500.0
    return image.astype(np.float32)[:, :, np.newaxis]


def brain_of(image):
    return (image > 0) & (image < 100)


def test_projections_are_line_integrals():
    disc = (distance_from(10, -20) < 30).astype(np.float32)[:, :, np.newaxis]
    sinogram = projector(SIZE).project(disc, PIXEL)
    np.testing.assert_allclose(sinogram.max(axis=1), 60.0, rtol=0.06)
    np.testing.assert_allclose(sinogram.sum(axis=1) * PIXEL, np.pi * 900, rtol=0.02)


def test_back_projection_is_the_adjoint_of_projection():
    rng = np.random.default_rng(0)
    rays = projector(32)
    image = rng.standard_normal((32, 32, 2)).astype(np.float32)
    sinogram = rng.standard_normal((90, rays.bins, 2)).astype(np.float32)
    forward = (rays.project(image, 1.0) * sinogram).sum()
    backward = (image * rays.back_project(sinogram)).sum() * 90
    assert forward == pytest.approx(backward, rel=1e-3)


def test_reconstruction_undoes_projection():
    image = np.stack([distance_from(0, 0) < 70, distance_from(25, 10) < 30], axis=2)
    rays = projector(SIZE)
    restored = rays.reconstruct(rays.project(image.astype(np.float32), PIXEL), PIXEL)
    inside = distance_from(25, 10) < 24
    assert restored[inside].mean(axis=0) == pytest.approx([1.0, 1.0], abs=0.02)
    assert np.abs(restored[distance_from(0, 0) > 90]).mean() < 0.03


def test_bone_darkens_the_brain_between_two_dense_bones():
    image = head((-45, 0), (45, 0))
    scan = replace(SCAN, beam_hardening=1.0)
    shading = project_artefacts(image, scan, 0, brain_of(image)).shading[:, :, 0]
    between = shading[distance_from(0, 0) < 12].mean()
    in_front = shading[distance_from(0, 50) < 12].mean()
    assert -60 < between - in_front < -8
    half = project_artefacts(image, replace(scan, beam_hardening=0.5), 0, brain_of(image))
    np.testing.assert_allclose(half.shading[:, :, 0] * 2, shading, atol=0.01)


def test_calibration_leaves_the_mean_of_the_brain_alone():
    image = head((-45, 0), (45, 0))
    brain = brain_of(image)
    scan = replace(SCAN, beam_hardening=1.0, cupping=0.5)
    assert abs(project_artefacts(image, scan, 0, brain).shading[brain].mean()) < 0.01


def test_hardening_by_water_hollows_the_image():
    image = head()
    scan = replace(SCAN, cupping=1.0)
    shading = project_artefacts(image, scan, 0, brain_of(image)).shading[:, :, 0]
    rim = (distance_from(0, 0) > 65) & (distance_from(0, 0) < 75)
    assert 0.5 < shading[rim].mean() - shading[distance_from(0, 0) < 15].mean() < 8
    assert not project_artefacts(image, SCAN, 0, brain_of(image)).shading.any()


def test_noise_is_stronger_in_the_middle_and_behind_more_bone():
    image = np.concatenate([head(), head((-45, 0), (45, 0))], axis=2)
    brain = brain_of(image)
    noise = project_artefacts(image, SCAN, 0, brain).noise
    middle, rim = distance_from(0, 0) < 10, distance_from(0, 0) > 90
    assert np.sqrt((noise[:, :, 0] ** 2)[brain[:, :, 0]].mean()) == pytest.approx(1.0, abs=0.01)
    assert noise[middle, 0].mean() > noise[rim, 0].mean() * 1.1
    assert noise[middle, 1].mean() > noise[middle, 0].mean() * 1.1


def test_maps_are_enlarged_without_a_shift():
    coarse = np.add.outer(np.arange(8.0), 2 * np.arange(8.0)).astype(np.float32)
    large = enlarged(coarse, 32)
    # Pixel centres: four fine pixels to a coarse one.
    places = (np.arange(32) + 0.5) / 4 - 0.5
    expected = np.add.outer(places, 2 * places)
    np.testing.assert_allclose(large[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-4)


def test_a_head_that_moves_within_a_turn_leaves_streaks_that_do_not_change_its_mean():
    before, after = head((-30, 0)), np.roll(head((-30, 0)), 1, axis=0)
    streaks = motion_streaks(before - after, SCAN)
    brain = distance_from(0, 0) < 70
    assert streaks[brain].std() > 3.0
    assert abs(streaks[brain].mean()) < 0.3 * streaks[brain].std()
    np.testing.assert_allclose(motion_streaks(before - before, SCAN), 0.0, atol=1e-4)
    # The head as it was at the start leads at the first angles, as it is at the end at the last.
    np.testing.assert_allclose(motion_streaks(after - before, SCAN), -streaks, atol=1e-2)
