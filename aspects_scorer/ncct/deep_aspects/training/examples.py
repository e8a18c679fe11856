"""Slices that the networks are trained on: altered more than scanners, patients and maps do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.da_net.standard_view import SHAPE
from aspects_scorer.ncct.deep_aspects.network import ANATOMY, INFARCT, Task
from aspects_scorer.ncct.deep_aspects.slices import channels_of, framed, volume_channels
from aspects_scorer.ncct.deep_aspects.training.cases import Case

_PLANTED = 0.6  # share of the heads without an infarct of their own that get one
_UPTAKE = (0.015, 0.18)  # share of the density that is lost; early and late
_AT_TRUTH = {INFARCT: 0.65, ANATOMY: 0.85}  # share of slices that show what is sought
_FROM = 128  # of 255: the share of a voxel from which on it is infarct
_TURN_DEG = {INFARCT: 3.0, ANATOMY: 5.0}
_SHIFT, _SCALE = {INFARCT: 1.0, ANATOMY: 2.0}, 0.04
_BETWEEN = 0.4  # of the way to the neighbouring slice
_GAIN, _OFFSET_HU, _LEAN_HU = 0.03, 1.5, 0.8
_NOISE_HU, _PATCHY_HU, _PATCHES = 3.0, 1.2, 12
_FAR = 10.0  # pixels from a border: more counts no more

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """A network's input, and the truth.

    Attributes
    ----------
    channels : ndarray of float32, shape (CHANNELS, *FRAME)
        As `aspects_scorer.ncct.deep_aspects.slices.channels_of` makes them.
    classes : ndarray of uint8, shape FRAME
        0 and 1 for the infarct, or 0 and 1-10 for the regions.
    distances : ndarray of float32, shape (outputs, *FRAME)
        To the border of each class that the network gives, -1 deep inside it to 1 far away.
    """

    channels: Array
    classes: NDArray[np.uint8]
    distances: Array


def truth_of(case: Case, task: Task) -> NDArray[np.uint8]:
    """Return the classes of a head's voxels.

    Parameters
    ----------
    case : Case
        The head.
    task : Task
        Which network's.

    Returns
    -------
    ndarray of uint8, shape ``SHAPE``
    """
    return case.regions if task is ANATOMY else (case.lesion >= _FROM).astype(np.uint8)


def draw_slice(cases: Sequence[Case], task: Task, rng: np.random.Generator) -> Example:
    """Draw a slice of a head: turned, scaled, shifted and mirrored, with other densities.

    Parameters
    ----------
    cases : sequence of Case
        The heads to draw from, and the infarcts to plant.
    task : Task
        Whose slice.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    Example
    """
    case = cases[int(rng.integers(len(cases)))]
    if task is INFARCT and not case.infarcted and rng.random() < _PLANTED:
        case = _with_infarct(case, cases[int(rng.integers(len(cases)))].lesion, rng)
    truth = case.regions if task is ANATOMY else case.lesion
    at = _choose_slice(truth_of(case, task), _AT_TRUTH[task], rng)
    hu = _altered(_slab(case.hu, at, rng.uniform(-_BETWEEN, _BETWEEN)), rng)
    matrix, offset = _in_plane(task, rng)
    moved = np.stack(
        [
            ndimage.affine_transform(hu[:, :, k], matrix, offset, order=1, mode="nearest")
            for k in range(3)
        ],
        axis=2,
    )
    moved += rng.normal(0, rng.uniform(0, _NOISE_HU), moved.shape).astype(np.float32)
    order = 0 if task is ANATOMY else 1
    classes = ndimage.affine_transform(truth[:, :, at], matrix, offset, order=order)
    if task is INFARCT:
        classes = (classes >= _FROM).astype(np.uint8)
    if rng.random() < 0.5:
        moved, classes = moved[::-1], classes[::-1]
    return _example(channels_of(np.ascontiguousarray(moved)), classes, task)


def plain_slices(case: Case) -> Array:
    """Return the input of all slices of a head as they are scored.

    Parameters
    ----------
    case : Case
        The head.

    Returns
    -------
    ndarray of float32, shape (slices, CHANNELS, *FRAME)
    """
    return volume_channels(case.hu.astype(np.float32))


def _example(channels: Array, classes: NDArray[np.uint8], task: Task) -> Example:
    seen = framed(classes, 0)
    values = range(task.outputs) if task is ANATOMY else (1,)
    distances = np.stack([_signed_distance(seen == value) for value in values])
    return Example(channels, np.ascontiguousarray(seen, np.uint8), distances)


def _signed_distance(inside: NDArray[np.bool_]) -> Array:
    """Return the distance to a border, of every other pixel: it changes little between."""
    coarse = inside[::2, ::2]
    if not coarse.any():
        return np.ones(inside.shape, np.float32)
    if coarse.all():
        return -np.ones(inside.shape, np.float32)
    away = ndimage.distance_transform_edt(~coarse) - ndimage.distance_transform_edt(coarse)
    scaled = np.clip(2 * away / _FAR, -1, 1).astype(np.float32)
    return np.repeat(np.repeat(scaled, 2, axis=0), 2, axis=1)


def _choose_slice(truth: NDArray[np.uint8], share: float, rng: np.random.Generator) -> int:
    showing = np.flatnonzero(truth.any(axis=(0, 1)))
    if showing.size and rng.random() < share:
        return int(showing[int(rng.integers(showing.size))])
    return int(rng.integers(SHAPE[2]))


def _slab(hu: NDArray[np.int16], at: int, between: float) -> Array:
    """Return three slices, each with a part of its neighbour on one side."""
    to = 1 if between > 0 else -1
    wanted = np.clip([at - 1, at, at + 1], 0, SHAPE[2] - 1)
    beside = np.clip(wanted + to, 0, SHAPE[2] - 1)
    own, other = (hu[:, :, indices].astype(np.float32) for indices in (wanted, beside))
    return np.asarray(own + np.float32(abs(between)) * (other - own))


def _with_infarct(case: Case, lesion: NDArray[np.uint8], rng: np.random.Generator) -> Case:
    """Plant another head's infarct, on either side, in tissue."""
    if rng.random() < 0.5:
        lesion = lesion[::-1]
    tissue = (case.hu > 15) & (case.hu < 60)
    share = np.where(tissue, lesion, 0).astype(np.float32) / 255
    darker = case.hu * (1 - np.float32(rng.uniform(*_UPTAKE)) * share)
    return replace(case, hu=np.rint(darker).astype(np.int16), lesion=lesion)


def _in_plane(
    task: Task, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    angle = np.deg2rad(rng.normal(0, _TURN_DEG[task]))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn * np.exp(rng.normal(0, _SCALE, 2))
    middle = (np.array(SHAPE[:2]) - 1) / 2
    return matrix, middle - matrix @ middle + rng.normal(0, _SHIFT[task], 2)


def _altered(hu: Array, rng: np.random.Generator) -> Array:
    """Change calibration, shading and sharpness."""
    across = np.linspace(-1, 1, SHAPE[0], dtype=np.float32)[:, np.newaxis, np.newaxis]
    changed = hu * np.float32(rng.normal(1, _GAIN)) + np.float32(rng.normal(0, _OFFSET_HU))
    changed += across * np.float32(rng.normal(0, _LEAN_HU))
    coarse = [max(2, round(n / _PATCHES)) for n in SHAPE[:2]]
    patchy = rng.normal(0, rng.uniform(0, _PATCHY_HU), coarse).astype(np.float32)
    zoom = [n / m for n, m in zip(SHAPE[:2], coarse, strict=True)]
    changed += ndimage.zoom(patchy, zoom, order=1, grid_mode=True, mode="nearest")[..., np.newaxis]
    kernel = rng.uniform(-0.6, 0.7)
    soft = ndimage.gaussian_filter(changed, (abs(kernel), abs(kernel), 0))
    if kernel > 0:
        return np.asarray(soft, np.float32)
    return np.asarray(changed + 0.5 * abs(kernel) * (changed - soft), np.float32)
