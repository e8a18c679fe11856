"""What the network is trained and validated on, drawn from tissue scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.dwi.segmentation.network import CROP
from aspects_scorer.dwi.segmentation.preprocessing import (
    PIXEL_MM,
    Sampling,
    network_grid,
    relative_signals,
)
from aspects_scorer.dwi.segmentation.training.signal import Signal, draw_signal
from aspects_scorer.dwi.segmentation.training.tissue_scans import TissueScan
from head_phantom.head.deformation import Lattice, smooth_noise

_AT_INFARCT = 0.8  # share of crops that hold a part of the infarct
_WITHOUT_INFARCT = 0.2
_WITHOUT_ADC = 0.5
_SKULL_LEFT = 0.12  # share of crops around whose brain skull and scalp were left
_SKULL_MM = (4.0, 16.0)

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """The network's input, and the truth.

    Attributes
    ----------
    channels : ndarray of float32, shape (3, x, y, z)
        As `aspects_scorer.dwi.segmentation.preprocessing.relative_signals` makes them.
    infarct : ndarray of bool, shape (x, y, z)
        The truth.
    """

    channels: Array
    infarct: NDArray[np.bool_]


def draw_crop(scans: Sequence[TissueScan], rng: np.random.Generator) -> Example:
    """Draw a subject, an infarct, a signal, and a crop of `CROP` voxels of the network's grid.

    Parameters
    ----------
    scans : sequence of TissueScan
        The subjects to draw from.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    Example
        With `CROP` as its shape; some have no infarct, and some no ADC.
    """
    scan = scans[int(rng.integers(len(scans)))]
    lesion = scan.lesions[int(rng.integers(len(scan.lesions)))]
    if rng.random() < _WITHOUT_INFARCT:
        lesion = np.zeros_like(lesion)
    slices, above = _slab(scan, lesion, rng)
    infarct = lesion[:, :, slices] / np.float32(255)
    signal = draw_signal(scan, slices, infarct, rng)
    brain = _imperfect_brain(scan, slices, rng)
    adc = None if rng.random() < _WITHOUT_ADC else signal.adc
    channels = relative_signals(_altered(signal, brain, rng), adc, brain)
    sampling = _in_plane(scan, slices, above, rng)
    flip = slice(None, None, -1 if rng.random() < 0.5 else 1)
    seen = np.stack([sampling.of(channel) for channel in channels])
    return Example(
        np.ascontiguousarray(seen[:, flip]),
        np.ascontiguousarray(sampling.of(infarct)[flip] >= 0.5),
    )


def whole_scan(scan: TissueScan, lesion: int, with_adc: bool, rng: np.random.Generator) -> Example:
    """Draw the signal of a whole scan, on the network's grid, as a patient's would be.

    Parameters
    ----------
    scan : TissueScan
        The person.
    lesion : int
        Which infarct.
    with_adc : bool
        Whether there is an ADC map.
    rng : numpy.random.Generator
        Draws the signal.
    """
    slices = slice(0, scan.grey.shape[2])
    infarct = scan.lesions[lesion] / np.float32(255)
    signal = draw_signal(scan, slices, infarct, rng)
    brain = _brain_share(scan, slices) >= 0.5
    channels = relative_signals(signal.b1000, signal.adc if with_adc else None, brain)
    grid = network_grid(brain, scan.spacing)
    return Example(np.stack([grid.of(c) for c in channels]), grid.of(infarct) >= 0.5)


def _slab(
    scan: TissueScan, lesion: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[slice, int]:
    """Draw slices, and how many empty ones the crop has below them."""
    depth, count = CROP[2], scan.grey.shape[2]
    rows = np.flatnonzero((lesion >= 128).any(axis=(0, 1)))
    if not rows.size or rng.random() > _AT_INFARCT:
        rows = np.flatnonzero((scan.grey >= 128).any(axis=(0, 1)))
    at = int(rows[int(rng.integers(len(rows)))])
    below = int(rng.integers(depth))
    first = at - below
    return slice(max(first, 0), min(first + depth, count)), max(-first, 0)


def _brain_share(scan: TissueScan, slices: slice) -> Array:
    parts = (scan.grey, scan.white, scan.csf)
    return np.asarray(sum(p[:, :, slices].astype(np.float32) for p in parts) / 255)


def _imperfect_brain(
    scan: TissueScan, slices: slice, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return the brain with a border some millimetres too wide or too narrow here and there."""
    share = _brain_share(scan, slices)
    if rng.random() < _SKULL_LEFT:
        away = ndimage.distance_transform_edt(share < 0.5, sampling=scan.spacing)
        return np.asarray(away < rng.uniform(*_SKULL_MM))
    pixel = float(scan.spacing[0])
    soft = ndimage.gaussian_filter(share, (2.5 / pixel, 2.5 / pixel, 0))
    bumps = smooth_noise(Lattice(share.shape, 1.0, np.zeros(3)), 12 / pixel, rng)
    brain = soft + rng.uniform(0, 0.2) * bumps > rng.uniform(0.2, 0.65)
    return brain if brain.any() else np.ones(share.shape, np.bool_)


def _altered(signal: Signal, brain: NDArray[np.bool_], rng: np.random.Generator) -> Array:
    """Bend the intensity scale, as filters and the colour tables of exports do."""
    if rng.random() > 0.3:
        return signal.b1000
    top = max(float(np.percentile(signal.b1000[brain], 99)), 1e-6)
    return np.asarray((signal.b1000 / top) ** rng.uniform(0.8, 1.25), dtype=np.float32)


def _in_plane(scan: TissueScan, slices: slice, above: int, rng: np.random.Generator) -> Sampling:
    """Return the crop's grid: turned, scaled and shifted in plane, slice by slice as the scan."""
    pixel = float(scan.spacing[0])
    angle = np.deg2rad(rng.normal(0, 8))
    step = PIXEL_MM / pixel * np.exp(rng.normal(0, 0.06))
    matrix = np.eye(3)
    matrix[:2, :2] = step * np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    brain = np.asarray((scan.grey[:, :, slices] >= 128).any(axis=2))
    middle = [(s.start + s.stop - 1) / 2 for s in _bounds(brain)]
    centre = np.array([*(middle + rng.uniform(-18, 18, 2) / pixel), 0.0])
    half = np.array([(CROP[0] - 1) / 2, (CROP[1] - 1) / 2, above])
    return Sampling(matrix, centre - matrix @ half, CROP)


def _bounds(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    if not mask.any():
        return tuple(slice(0, n) for n in mask.shape)
    found: tuple[slice, ...] = ndimage.find_objects(mask.astype(np.uint8))[0]
    return found
