"""Diffusion images show the person's tissue and infarct, at the place where it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from head_phantom.scanner.dwi import simulate_dwi


@pytest.fixture(scope="module")
def dwi(simple_head):
    return simulate_dwi(simple_head, np.random.default_rng(3))


def test_the_same_seed_gives_the_same_bits(simple_head, dwi):
    again = simulate_dwi(simple_head, np.random.default_rng(3))
    np.testing.assert_array_equal(again.b1000, dwi.b1000)
    np.testing.assert_array_equal(again.lesion, dwi.lesion)


def test_the_infarct_is_bright_and_restricted(dwi):
    brain = (dwi.adc > 0.5) & (dwi.adc < 1.2) & ~dwi.lesion
    assert np.median(dwi.adc[brain]) == pytest.approx(0.82, abs=0.06)
    assert 0.33 < np.median(dwi.adc[dwi.lesion]) < 0.62
    assert np.median(dwi.b1000[dwi.lesion]) > 1.3 * np.median(dwi.b1000[brain])


def test_the_mask_lies_on_the_infarct_in_the_persons_space(simple_head, dwi):
    def centre(mask, affine):
        return affine[:3] @ np.append(np.mean(np.nonzero(mask), axis=1), 1)

    truth = centre(simple_head.lesion, simple_head.affine)
    assert np.linalg.norm(centre(dwi.lesion, dwi.affine) - truth) < 5
    voxel = abs(np.linalg.det(dwi.affine[:3, :3]))
    assert dwi.lesion.sum() * voxel == pytest.approx(simple_head.lesion.sum() * 8, rel=0.15)


def test_voxels_are_those_of_clinical_scans(simple_head):
    for seed in range(3):
        scan = simulate_dwi(simple_head, np.random.default_rng(seed))
        x, y, z = np.linalg.norm(scan.affine[:3, :3], axis=0)
        assert x == pytest.approx(y)
        assert 1.2 <= x <= 2.0
        assert 3.0 <= z <= 5.0


def test_fluid_is_dark_and_diffuses_freely(simple_head):
    fluid = np.zeros_like(simple_head.csf)
    grey = simple_head.grey.copy()
    hole = np.s_[30:60, 40:60, 40:55]
    fluid[hole], grey[hole] = 255, 0
    lesion = np.zeros_like(simple_head.lesion)
    wet = replace(simple_head, csf=fluid, grey=grey, lesion=lesion)
    scan = simulate_dwi(wet, np.random.default_rng(1))
    free = scan.adc > 2.0
    assert free.sum() > 300
    assert np.median(scan.b1000[free]) < 0.6 * np.median(scan.b1000[(scan.adc > 0.6) & ~free])
    assert not scan.lesion.any()


def test_noise_is_rician_outside_the_head(dwi):
    corner = dwi.b1000[:4, :4]
    # Rayleigh: mean over standard deviation is 1.913.
    assert corner.mean() / corner.std() == pytest.approx(1.913, rel=0.15)
