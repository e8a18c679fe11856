"""Quantum noise with the power spectrum of a reconstruction kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from head_phantom.scanner.kernels import Kernel


def correlated_noise(
    rng: np.random.Generator, shape: tuple[int, int], pixel_mm: float, kernel: Kernel
) -> NDArray[np.float32]:
    """Draw noise as a kernel leaves it.

    Parameters
    ----------
    rng : Generator
        The only source of chance.
    shape : tuple of int
        Columns and rows.
    pixel_mm : float
        The pixel size.
    kernel : Kernel
        Whose noise power spectrum it has.

    Returns
    -------
    ndarray of float32, shape (columns, rows)
        Of expected variance 1.
    """
    white = rng.standard_normal(shape, dtype=np.float32)
    power = kernel.noise_power(radial_frequency(shape, pixel_mm))
    power *= white.size / _sum_over_plane(power, shape[1])
    spectrum = fft.rfft2(white) * np.sqrt(power).astype(np.float32)
    noise: NDArray[np.float32] = fft.irfft2(spectrum, shape)
    return noise


def radial_frequency(shape: tuple[int, int], pixel_mm: float) -> NDArray[np.float64]:
    """Return the frequencies of `scipy.fft.rfft2` of an image.

    Parameters
    ----------
    shape : tuple of int
        Of the image, in pixels.
    pixel_mm : float
        The pixel size.

    Returns
    -------
    ndarray, shape (shape[0], shape[1] // 2 + 1)
        Distance from frequency 0 in cycles per mm.
    """
    along_columns = fft.fftfreq(shape[0], pixel_mm)[:, np.newaxis]
    frequency: NDArray[np.float64] = np.hypot(along_columns, fft.rfftfreq(shape[1], pixel_mm))
    return frequency


def _sum_over_plane(half: NDArray[np.float64], rows: int) -> float:
    """Sum over all frequencies what is given for those of a real transform."""
    unpaired = half[:, 0].sum() + (half[:, -1].sum() if rows % 2 == 0 else 0.0)
    return float(2.0 * half.sum() - unpaired)
