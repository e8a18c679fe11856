"""Random diffusion signals of a tissue scan: wider than any one scanner, so real ones lie within.

The signal equation is that of `head_phantom.scanner.dwi`, whose references give its figures. Here
every constant is drawn, and what misleads is added: signal piled up beside the air of sinuses and
petrous bones, in bands as thin as a rim and next to voids, a bright and patchy cerebellum, arrays
of coils that shade, shine-through of white matter changed by age, bright cortex and tracts, scalp,
eyes and slices of uneven gain. That drawing more than occurs carries over to real scans is shown in
Billot B, et al. SynthSeg: segmentation of brain MRI scans of any contrast and resolution without
retraining. Med Image Anal 86:102789 (2023). doi:10.1016/j.media.2023.102789
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.dwi.segmentation.training.tissue_scans import TissueScan
from head_phantom.head.deformation import Lattice, smooth_noise
from head_phantom.scanner.dwi import B_VALUE

_BRIGHT_HINDBRAIN, _RIMS, _VOIDS = 0.7, 0.6, 0.6  # shares of the scans; voids of those with rims
_SPOTS = 0.7  # of the scans with a bright hindbrain
_RIM_AT = (0.03, 0.5)  # of the greatest nearness of air
_LEAST_CONTRAST = 1.2  # of the infarct on b 1000 against the same tissue; fainter ones are not seen


_Field: TypeAlias = Callable[[float], NDArray[np.float32]]
"""Gives smooth noise of a wavelength in mm."""


@dataclass(frozen=True)
class Signal:
    """Diffusion images on the grid of a tissue scan.

    Attributes
    ----------
    b1000 : ndarray of float32, shape (x, y, z)
        Signal in arbitrary units.
    adc : ndarray of float32, shape (x, y, z)
        Apparent diffusion coefficient in 10^-3 mm^2/s; 0 where there is no signal.
    """

    b1000: NDArray[np.float32]
    adc: NDArray[np.float32]


def draw_signal(
    scan: TissueScan, slices: slice, infarct: NDArray[np.float32], rng: np.random.Generator
) -> Signal:
    """Draw the signal of some slices.

    Parameters
    ----------
    scan : TissueScan
        The subject at the scanner's voxels.
    slices : slice
        Which slices.
    infarct : ndarray of float32, shape (x, y, slices)
        Share of each voxel that is infarcted.
    rng : numpy.random.Generator
        Draws everything.
    """
    part = {
        name: getattr(scan, name)[:, :, slices] / np.float32(255)
        for name in ("grey", "white", "csf", "leukoaraiosis", "fat", "flesh", "air", "hindbrain")
    }
    grey, white = part["grey"], part["white"]
    lattice = Lattice(grey.shape, 1.0, np.zeros(3))

    def field(wavelength_mm: float) -> NDArray[np.float32]:
        return smooth_noise(lattice, wavelength_mm / float(scan.spacing[0]), rng)

    # Share of the tissue, not of the voxel, that is infarcted.
    involved = np.clip(infarct / np.maximum(grey + white, 1e-3), 0, 1)
    ratio = float(np.clip(rng.normal(0.58, 0.1), 0.38, 0.9))
    shine = max(np.exp(rng.uniform(-0.05, 0.6)), _LEAST_CONTRAST * np.exp(0.77 * (ratio - 1)))
    texture = np.clip(1 + rng.uniform(0, 0.25) * field(8), 0.6, 1.4) * involved
    restricted = 1 + (ratio - 1) * texture
    bright = 1 + (shine - 1) * texture

    aged = np.clip(part["leukoaraiosis"] / np.maximum(white, 1e-3), 0, 1)
    grey_adc = 0.82 * np.exp(rng.normal(0, 0.05)) * restricted
    tracts = 1 + rng.uniform(0, 0.12) * field(12)
    aged_adc = 1 + rng.uniform(0.05, 0.5) * aged
    white_adc = 0.72 * np.exp(rng.normal(0, 0.06)) * restricted * tracts * aged_adc
    cortex = 1 + rng.uniform(0, 0.15) * np.abs(field(15))
    cortex += rng.uniform(0, 0.4) * np.clip(field(10) - 0.8, 0, 1.5)
    grey0 = grey * cortex * bright
    white0 = white * rng.uniform(0.7, 0.95) * (1 + rng.uniform(0, 0.5) * aged) * bright
    csf0 = part["csf"] * rng.uniform(1.8, 3.2)
    flesh0 = part["flesh"] * rng.uniform(0.02, 0.5) * np.clip(1 + 0.4 * field(10), 0, 2)
    fat = part["fat"] * rng.uniform(0.0, 0.45)
    b0 = grey0 + white0 + csf0 + flesh0 + fat
    b1000 = (
        grey0 * np.exp(-B_VALUE * grey_adc)
        + white0 * np.exp(-B_VALUE * white_adc)
        + csf0 * np.exp(-B_VALUE * 3.0)
        + flesh0 * np.exp(-B_VALUE * rng.uniform(1.0, 2.5))
        + fat
    )
    gain = _receiver(lattice, field, rng)
    gain *= (scan.pile_up[:, :, slices] / np.float32(100)) ** rng.uniform(0, 1)
    gain *= _skull_base(part["air"], part["hindbrain"], field, rng)
    if rng.random() < 0.4:
        gain *= np.exp(rng.normal(0, 0.04, grey.shape[2])).astype(np.float32)
    sigma = 1 / rng.uniform(15, 50)
    b0, b1000 = (_rician((gain * s).astype(np.float32), sigma, rng) for s in (b0, b1000))
    strong = b0 > 6 * sigma
    adc = np.where(strong, np.log(np.maximum(b0, 1e-6) / np.maximum(b1000, 1e-6)) / B_VALUE, 0)
    return Signal(b1000, np.clip(adc, 0, 4).astype(np.float32))


def _receiver(lattice: Lattice, field: _Field, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return how the coils shade: slowly, and often more on one side than on the other."""
    x, y, z = (points / max(float(points.max()), 1.0) - 0.5 for points in lattice.points())
    slope = rng.normal(0, 0.12, 3)
    steady = slope[0] * x + slope[1] * y + slope[2] * z
    return np.asarray(np.exp(rng.uniform(0.03, 0.3) * field(60) + steady), np.float32)


def _skull_base(
    air: NDArray[np.float32],
    hindbrain: NDArray[np.float32],
    field: _Field,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the gain of what lies near the air of the skull base, and of the cerebellum.

    All of it multiplies b 0 and b 1000 alike: an ADC map shows nothing of it.
    """
    gain = 1 + rng.uniform(0, 1.2) * air**2
    if rng.random() < _BRIGHT_HINDBRAIN:
        near = np.clip(hindbrain + 2 * air, 0, 1)
        patches = np.clip(field(rng.uniform(10, 30)), 0, 3)
        gain += rng.uniform(0, 0.45) * hindbrain + rng.uniform(0, 0.6) * patches * near
        if rng.random() < _SPOTS:
            # As bright and as sharply bordered as infarcts are: place and ADC tell them apart.
            steep = (field(rng.uniform(8, 25)) - rng.uniform(0.5, 1.6)) * rng.uniform(3, 10)
            gain += rng.uniform(0.3, 1.6) * near / (1 + np.exp(-steep))
    if rng.random() < _RIMS:
        # A band between two strengths of the field, where the distortion folds tissue together.
        at, width = np.exp(rng.uniform(*np.log(_RIM_AT))), rng.uniform(0.15, 0.5)
        band = np.exp(-0.5 * (np.log(np.maximum(air, 1e-3) / at) / width) ** 2)
        gain += rng.uniform(0.3, 3) * band * (field(20) > rng.uniform(-0.3, 1))
        if rng.random() < _VOIDS:
            gain *= 1 - np.clip((air / (1.5 * at) - 1) * 2, 0, 0.95)
    return np.asarray(gain, np.float32)


def _rician(
    signal: NDArray[np.float32], sigma: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    real, imaginary = np.float32(sigma) * rng.standard_normal((2, *signal.shape), dtype=np.float32)
    return np.hypot(signal + real, imaginary)
