"""How rendered slices look: contrast, lesions, head holder, shading, sharpness, noise."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from slice_localizer.network.views import FIELD_OF_VIEW_MM

_BRAIN_HU = 32.0
_BRAIN_REACH_HU = 90.0
_BONE_FROM_HU = 150.0
# Change in HU, from and to: acute infarcts, old ones, haemorrhages.
_LESIONS_HU = ((-12.0, -3.0), (-30.0, -15.0), (15.0, 50.0))
_LESIONS_EACH = 0.35


def draw_appearance(
    slices: Tensor, heights: NDArray[np.float64], rng: np.random.Generator
) -> Tensor:
    """Change how a scan looks, not what it shows where.

    Parameters
    ----------
    slices : Tensor of float32, shape (slices, rows, columns)
        HU.
    heights : ndarray, shape (slices,)
        Of the slices in mm.
    rng : Generator
        The only source of chance.

    Returns
    -------
    Tensor of float16, shape (slices, rows, columns)
        HU.
    """
    slices = _contrasted(slices, rng)
    for low, high in _LESIONS_HU:
        for _ in range(rng.poisson(_LESIONS_EACH)):
            _add_lesion(slices, heights, float(rng.uniform(low, high)), rng)
    if rng.random() < 0.7:
        _add_holder(slices, rng)
    slices = slices + _smooth_field(tuple(slices.shape), float(rng.uniform(0.0, 6.0)), rng)
    if rng.random() < 0.4:
        slices = _blurred(slices, float(rng.uniform(0.0, 1.0)))
    slices = slices + _noise(slices.shape, rng)
    if rng.random() < 0.1:
        slices = _cut(slices, rng)
    return slices.clamp(-1024.0, 3071.0).half()


def _grid(size: int) -> tuple[Tensor, Tensor]:
    steps = (torch.arange(size) - (size - 1) / 2.0) * (FIELD_OF_VIEW_MM / size)
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    return down, across


def _contrasted(slices: Tensor, rng: np.random.Generator) -> Tensor:
    """Change brain's density and contrast, and bone's density."""
    gain, shift = float(np.exp(rng.normal(0.0, 0.25))), float(rng.normal(0.0, 4.0))
    away = slices - _BRAIN_HU
    near = (1.0 - away.abs() / _BRAIN_REACH_HU).clamp(min=0.0)
    changed = slices + near * ((gain - 1.0) * away + shift)
    bone = (slices - _BONE_FROM_HU).clamp(min=0.0)
    return changed + bone * float(rng.uniform(-0.3, 0.3))


def _add_lesion(
    slices: Tensor, heights: NDArray[np.float64], change: float, rng: np.random.Generator
) -> None:
    """Darken or brighten an ellipsoid of soft tissue, in place."""
    down, across = _grid(slices.shape[-1])
    centre = rng.normal(0.0, (32.0, 40.0, 30.0))
    radii = np.exp(rng.uniform(np.log(4.0), np.log(32.0))) * rng.uniform(0.6, 1.4, 3)
    within = ((across - centre[0]) / radii[0]) ** 2 + ((down - centre[1]) / radii[1]) ** 2
    above = torch.from_numpy(((heights - 20.0 - centre[2]) / radii[2]) ** 2).float()
    depth = 1.0 - within[None] - above[:, None, None]
    soft = (slices > -10.0) & (slices < 80.0)
    slices += change * (depth * 3.0).clamp(0.0, 1.0) * soft


def _add_holder(slices: Tensor, rng: np.random.Generator) -> None:
    """Lay a shell around the back of the head, in place."""
    down, across = _grid(slices.shape[-1])
    half_width, half_length = rng.uniform(85.0, 125.0), rng.uniform(105.0, 135.0)
    thickness, behind = rng.uniform(2.0, 8.0), rng.uniform(-30.0, 40.0)
    radius = torch.sqrt((across / half_width) ** 2 + (down / half_length) ** 2)
    off = (radius - 1.0).abs() * min(half_width, half_length)
    shell = (off < thickness / 2.0) & (down > behind)
    held = torch.where(shell, float(rng.uniform(-300.0, 400.0)), -1024.0)
    torch.maximum(slices, held[None], out=slices)


def _smooth_field(shape: tuple[int, ...], sd: float, rng: np.random.Generator) -> Tensor:
    nodes = torch.from_numpy(rng.standard_normal((1, 1, 4, 5, 5)).astype(np.float32))
    return (
        sd * functional.interpolate(nodes, size=shape, mode="trilinear", align_corners=True)[0, 0]
    )


def _blurred(slices: Tensor, share: float) -> Tensor:
    mean = functional.avg_pool2d(slices[:, None], 3, stride=1, padding=1, count_include_pad=False)
    return torch.lerp(slices, mean[:, 0], share)


def _noise(shape: torch.Size, rng: np.random.Generator) -> Tensor:
    """Draw noise of 0.4 to 5 HU, white or coarser."""
    white = torch.from_numpy(rng.standard_normal(tuple(shape), dtype=np.float32))
    coarse = _blurred(white, float(rng.uniform(0.0, 1.0)))
    sd = float(np.exp(rng.uniform(np.log(0.4), np.log(5.0))))
    return coarse * (sd / float(coarse.std()))


def _cut(slices: Tensor, rng: np.random.Generator) -> Tensor:
    """Let the field of view end inside the head."""
    down, across = _grid(slices.shape[-1])
    centre, radius = rng.normal(0.0, 10.0, 2), rng.uniform(75.0, 110.0)
    outside = (across - centre[0]) ** 2 + (down - centre[1]) ** 2 > radius**2
    return torch.where(outside[None], torch.tensor(-1024.0), slices)
