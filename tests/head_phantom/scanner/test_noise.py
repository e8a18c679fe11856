"""The texture of noise: variance, spectrum and correlation of each kernel."""

from __future__ import annotations

import numpy as np
import pytest

from head_phantom.scanner.kernels import Kernel
from head_phantom.scanner.noise import correlated_noise, radial_frequency


def correlation(noise, lag):
    return float((noise[lag:] * noise[:-lag]).mean() / noise.var())


@pytest.mark.parametrize("kernel", Kernel)
@pytest.mark.parametrize(("shape", "pixel"), [((256, 256), 0.45), ((192, 255), 1.7)])
def test_variance_is_1_whatever_the_grid(kernel, shape, pixel):
    noise = correlated_noise(np.random.default_rng(5), shape, pixel, kernel)
    assert noise.shape == shape
    assert noise.dtype == np.float32
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    assert abs(noise.mean()) < 1e-3  # ramp-filtered noise has no mean


@pytest.mark.parametrize("kernel", Kernel)
def test_the_spectrum_is_the_ramp_times_the_apodisation_squared(kernel):
    rng = np.random.default_rng(2)
    power = np.mean(
        [
            np.abs(np.fft.rfft2(correlated_noise(rng, (256, 256), 0.5, kernel))) ** 2
            for _ in range(8)
        ],
        axis=0,
    )
    frequency = radial_frequency((256, 256), 0.5)
    bins = np.digitize(frequency, np.linspace(0.05, 0.9, 18))
    measured = np.array([power[bins == b].mean() for b in range(1, 18)])
    expected = np.array(
        [(frequency * kernel.apodisation(frequency) ** 2)[bins == b].mean() for b in range(1, 18)]
    )
    np.testing.assert_allclose(
        measured / measured.sum(), expected / expected.sum(), rtol=0.08, atol=1e-3
    )


def test_sharper_kernels_have_finer_noise():
    by_kernel = [
        correlation(correlated_noise(np.random.default_rng(1), (256, 256), 0.45, kernel), 1)
        for kernel in (Kernel.SMOOTH, Kernel.STANDARD, Kernel.SHARP)
    ]
    assert 0.5 < by_kernel[0] < 0.8
    assert by_kernel[0] - 0.1 > by_kernel[1] > by_kernel[2] + 0.1


def test_the_texture_is_fixed_in_millimetres():
    rng = np.random.default_rng(1)
    fine = correlated_noise(rng, (512, 512), 0.3, Kernel.STANDARD)
    coarse = correlated_noise(rng, (512, 512), 0.6, Kernel.STANDARD)
    assert correlation(fine, 2) == pytest.approx(correlation(coarse, 1), abs=0.03)


def test_kernels_keep_the_mean_and_only_the_sharp_one_enhances_much():
    frequency = np.linspace(0, 1.2, 200)
    transfer = {kernel: kernel.apodisation(frequency) for kernel in Kernel}
    assert all(values[0] == 1.0 for values in transfer.values())
    assert (transfer[Kernel.SHARP] >= transfer[Kernel.STANDARD] - 1e-12).all()
    assert (transfer[Kernel.STANDARD] >= transfer[Kernel.SMOOTH] - 1e-12).all()
    assert max(values.max() for values in transfer.values()) < 1.2


def test_one_seed_gives_one_noise():
    first, second = (
        correlated_noise(np.random.default_rng(9), (64, 64), 0.5, Kernel.SHARP) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
