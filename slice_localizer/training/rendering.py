"""Scans of simulated subjects, rendered in a fraction of a second and different every time.

`head_phantom.scanner.scanner` simulates a scanner; here only what may mislead a network is
varied, and far beyond what scanners do (domain randomisation [1]_): how the head lies, the slices'
angle, spacing, thickness, coverage and gaps, the head's proportions, contrast, sharpness, shading
and noise, lesions, head holders, and now and then a brain without its skull.

References
----------
.. [1] Tobin J, Fong R, Ray A, et al. Domain randomization for transferring deep neural networks
   from simulation to the real world. IROS 23-30 (2017). doi:10.1109/IROS.2017.8202133
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional

from slice_localizer.network.views import FIELD_OF_VIEW_MM
from slice_localizer.training.appearance import draw_appearance
from slice_localizer.training.sample import Sample
from slice_localizer.training.subjects import SubjectVolume

Array = NDArray[np.float64]

_AIR_HU = -1000.0
_SAMPLE_MM = 1.7  # through a slice's thickness
_MOST_SLICES = 28
_HEAD_HU = -300.0
_BELOW_MM = 40.0  # what lies lower does not count for the middle of the head


@dataclass(frozen=True)
class Stack:
    """How a scan's slices lie in a subject.

    Attributes
    ----------
    axes : ndarray, shape (3, 3)
        Unit vectors in the subject's space: along the columns, the rows and the slices' normal.
    middle : ndarray, shape (2,)
        Millimetres along columns and rows from the BGL point to the middle of the field of view.
    heights : ndarray, shape (slices,)
        Ascending, mm along the normal from the BGL point.
    thickness : float
        In mm.
    proportions : ndarray, shape (3,)
        How much larger the subject is than the volume, along x, y and z.
    bend : ndarray of float32, shape (2, n, n)
        Millimetres on an even grid over the field of view by which it is distorted.
    """

    axes: Array
    middle: Array
    heights: Array
    thickness: float
    proportions: Array
    bend: NDArray[np.float32]


def render(person: SubjectVolume, rng: np.random.Generator, size: int) -> Sample:
    """Scan a subject in a way drawn at random.

    Parameters
    ----------
    person : SubjectVolume
        The subject.
    rng : Generator
        The only source of chance.
    size : int
        Rows and columns of the slices.

    Returns
    -------
    Sample
        Up to 28 slices in a row, the basal ganglia level among them.
    """
    stack = _draw_stack(person, rng)
    points = _sample_points(stack, size)
    hu = person.hu
    if rng.random() < 0.08:
        hu = np.where(person.brain, hu, np.int16(rng.choice([-1000, 0])))
    slices = _average(hu, person, stack, points)
    if rng.random() < 0.5:  # the mirrored subject is another one
        slices = slices.flip(2)
    slices = draw_appearance(slices, stack.heights, rng)
    heights = torch.from_numpy(stack.heights.astype(np.float32))
    return Sample(slices, heights, int(np.abs(stack.heights).argmin()))


def _draw_stack(person: SubjectVolume, rng: np.random.Generator) -> Stack:
    # Slices fall towards the back by 10 to 15 degrees where they follow the orbitomeatal line.
    fall = np.clip(rng.normal(5.0, 8.0), -20.0, 30.0)
    roll = np.clip(rng.normal(0.0, 5.0), -20.0, 20.0)
    yaw = rng.uniform(-30.0, 30.0) if rng.random() < 0.5 else rng.normal(0.0, 6.0)
    turn = Rotation.from_euler("xyz", [fall, roll, yaw], degrees=True).as_matrix()
    axes = turn @ np.array([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]).T
    proportions = np.exp(rng.normal(0.0, 0.04, 3))
    middle, top = _middle_and_top(person, axes, proportions)
    bend = ndimage.gaussian_filter(
        rng.standard_normal((2, 8, 8)), (0, 1.0, 1.0), mode="nearest"
    ).astype(np.float32)
    return Stack(
        axes=axes,
        middle=middle + rng.normal(0.0, 7.0, 2),
        heights=(heights := _draw_heights(top, rng)),
        thickness=_draw_thickness(heights, rng),
        proportions=proportions,
        bend=bend * np.float32(rng.uniform(0.0, 6.0)),
    )


def _middle_and_top(person: SubjectVolume, axes: Array, proportions: Array) -> tuple[Array, float]:
    """Return the head's middle across the slices, and its height, from the BGL point."""
    voxels = np.argwhere(person.hu[::4, ::4, ::4] > _HEAD_HU) * 4.0
    places = voxels @ person.affine[:3, :3].T + person.affine[:3, 3] - person.bgl_point
    along = (places * proportions) @ axes
    counted = along[along[:, 2] > -_BELOW_MM]
    return counted[:, :2].mean(axis=0), float(along[:, 2].max())


def _draw_heights(top: float, rng: np.random.Generator) -> Array:
    spacing = 5.0 if rng.random() < 0.35 else float(np.exp(rng.uniform(np.log(2.0), np.log(10.0))))
    lowest = rng.uniform(-75.0, -25.0) if rng.random() < 0.85 else rng.uniform(-25.0, -spacing)
    highest = top + rng.uniform(-10.0, 15.0)
    if rng.random() < 0.15:
        highest = rng.uniform(30.0, 60.0)
    heights = np.arange(lowest, highest, spacing)
    # Older scans have thinner slices below; spacing may also change by a reformation's rounding.
    if rng.random() < 0.1:
        change = rng.uniform(-30.0, 30.0)
        thin = np.arange(lowest, change, spacing * rng.uniform(0.4, 0.8))
        heights = np.append(thin, np.arange(change, highest, spacing))
    if rng.random() < 0.15:
        lost = rng.choice(len(heights), size=min(3, len(heights) // 8), replace=False)
        heights = np.delete(heights, lost)
    if len(heights) > _MOST_SLICES:
        bgl = int(np.abs(heights).argmin())
        first = int(rng.integers(max(0, bgl - _MOST_SLICES + 1), bgl + 1))
        first = min(first, len(heights) - _MOST_SLICES)
        heights = heights[first : first + _MOST_SLICES]
    return np.asarray(heights)


def _draw_thickness(heights: Array, rng: np.random.Generator) -> float:
    spacing = float(np.median(np.diff(heights)))
    share = rng.uniform(0.9, 1.2) if rng.random() < 0.8 else rng.uniform(0.2, 1.0)
    return spacing * float(share)


def _sample_points(stack: Stack, size: int) -> Array:
    """Return where the pixels lie in the slices' plane, shape (rows, columns, 2), in mm."""
    pixel = FIELD_OF_VIEW_MM / size
    steps = (np.arange(size) - (size - 1) / 2.0) * pixel
    bend = functional.interpolate(
        torch.from_numpy(stack.bend)[None], size=(size, size), mode="bicubic", align_corners=True
    )[0].numpy()
    across = np.broadcast_to(steps[np.newaxis, :], (size, size)) + stack.middle[0] + bend[0]
    down = np.broadcast_to(steps[:, np.newaxis], (size, size)) + stack.middle[1] + bend[1]
    return np.stack([across, down], axis=-1)


def _average(hu: NDArray[np.int16], person: SubjectVolume, stack: Stack, points: Array) -> Tensor:
    """Average the volume over each slice's thickness, shape (slices, rows, columns)."""
    count = max(1, round(stack.thickness / _SAMPLE_MM))
    offsets = (np.arange(count) - (count - 1) / 2.0) * stack.thickness / count
    to_voxels = np.linalg.inv(person.affine)
    # From mm along columns, rows and normal to voxels of the volume.
    shrink = np.diag(1.0 / stack.proportions)
    matrix = to_voxels[:3, :3] @ shrink @ stack.axes
    origin = to_voxels[:3, :3] @ person.bgl_point + to_voxels[:3, 3]
    half = (np.array(hu.shape) - 1.0) / 2.0
    in_plane = (points @ matrix[:, :2].T + origin - half) / half
    along = matrix[:, 2] / half
    volume = torch.from_numpy(hu.astype(np.float32) - np.float32(_AIR_HU))[None, None]
    plane = torch.from_numpy(in_plane.astype(np.float32))
    direction = torch.from_numpy(along.astype(np.float32))
    slices = []
    for height in stack.heights:
        at = torch.from_numpy((height + offsets).astype(np.float32))
        grid = plane[None] + at[:, None, None, None] * direction
        # grid_sample wants the last axis first; outside there is air.
        sampled = functional.grid_sample(
            volume, grid.flip(-1)[None], mode="bilinear", align_corners=True
        )
        slices.append(sampled[0, 0].mean(dim=0))
    return torch.stack(slices) + _AIR_HU
