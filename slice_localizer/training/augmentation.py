"""Augmentation of real samples: the same change to every slice, in one resampling.

What the ASPECTS-281 paper names [1]_: random crop and resize, flips, rotation by 0 to 30 degrees,
grid distortion and Gaussian noise. CutMix, which needs two samples, is in `cutmix`.

References
----------
.. [1] Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from slice_localizer.training.sample import Sample

MOST_SLICES = 28
"""More slices in a row are not kept: as many as simulated samples have."""

_AIR_HU, _DENSEST_HU = -1024.0, 3071.0
_LEAST_SHARE = 0.64  # of the area that a crop keeps
_PROPORTIONS = 0.1  # by which width and height may differ from each other, as a logarithm
_ROTATION_DEG = 30.0
_MIRRORED, _BACK_TO_FRONT = 0.5, 0.1
_NODES = 6  # of the distorted grid, along each axis
_DISTORTION = 0.02  # standard deviation of the nodes' shift, in halves of the field of view
_MOST_NOISE_HU = 4.0


def augment(sample: Sample, rng: np.random.Generator, size: int) -> Sample:
    """Change a sample in ways drawn at random.

    Parameters
    ----------
    sample : Sample
        As it is.
    rng : Generator
        The only source of chance.
    size : int
        Rows and columns of the sample returned.

    Returns
    -------
    Sample
        Up to `MOST_SLICES` slices in a row, the basal ganglia slice among them, float16.
    """
    part = _run(len(sample.heights_mm), sample.bgl, rng)
    # Pixels are averaged before they are resampled, or fine detail would come out as noise.
    hu = _averaged(sample.hu[part], size)[:, None]
    grid = _places(rng, size).expand(len(hu), -1, -1, -1)
    # What lies beyond the field of view is air.
    moved = functional.grid_sample(hu - _AIR_HU, grid, mode="bilinear", align_corners=False)
    noise = rng.standard_normal(tuple(moved[:, 0].shape), dtype=np.float32)
    noisy = moved[:, 0] + _AIR_HU + rng.uniform(0.0, _MOST_NOISE_HU) * torch.from_numpy(noise)
    return Sample(
        noisy.clamp(_AIR_HU, _DENSEST_HU).half(), sample.heights_mm[part], sample.bgl - part.start
    )


def resized(sample: Sample, size: int) -> Sample:
    """Return a sample with its pixels averaged to other rows and columns, and else as it is.

    Parameters
    ----------
    sample : Sample
        Of any size.
    size : int
        Rows and columns of the sample returned.

    Returns
    -------
    Sample
        Of the same dtype.
    """
    return Sample(_averaged(sample.hu, size).to(sample.hu.dtype), sample.heights_mm, sample.bgl)


def _averaged(hu: Tensor, size: int) -> Tensor:
    return functional.adaptive_avg_pool2d(hu.float()[:, None], size)[:, 0]


def _run(count: int, bgl: int, rng: np.random.Generator) -> slice:
    """Choose slices in a row, one of them the basal ganglia slice."""
    if count <= MOST_SLICES:
        return slice(0, count)
    first = int(rng.integers(max(0, bgl - MOST_SLICES + 1), min(bgl, count - MOST_SLICES) + 1))
    return slice(first, first + MOST_SLICES)


def _places(rng: np.random.Generator, size: int) -> Tensor:
    """Return where each pixel is taken from, -1 to 1 along columns and rows, shape (n, n, 2)."""
    matrix, offset = _crop_and_turn(rng)
    steps = (np.arange(size) + 0.5) * (2.0 / size) - 1.0
    across, down = np.meshgrid(steps, steps, indexing="xy")
    places = np.stack([across, down], axis=-1) @ matrix.T + offset
    nodes = rng.standard_normal((1, 2, _NODES, _NODES)).astype(np.float32) * _DISTORTION
    bend = functional.interpolate(
        torch.from_numpy(nodes), size=(size, size), mode="bicubic", align_corners=True
    )[0].permute(1, 2, 0)
    return torch.from_numpy(places.astype(np.float32)) + bend


def _crop_and_turn(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw the part of the field of view that fills the picture, its turn and its flips."""
    side = np.sqrt(rng.uniform(_LEAST_SHARE, 1.0))
    proportion = np.exp(rng.uniform(-_PROPORTIONS, _PROPORTIONS) / 2.0)
    sides = np.array([side * proportion, side / proportion])
    offset = rng.uniform(-1.0, 1.0, 2) * np.maximum(0.0, 1.0 - sides)
    flips = np.where(rng.random(2) < (_MIRRORED, _BACK_TO_FRONT), -1.0, 1.0)
    angle = np.radians(rng.uniform(-_ROTATION_DEG, _ROTATION_DEG))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.diag(sides * flips), offset
