"""The acute infarct and the ten regions on a non-contrast CT, by the networks of Deep-ASPECTS.

References
----------
Upadhyay U, Ranjan M, Golla S, et al. Deep-ASPECTS: a segmentation-assisted model for stroke
severity measurement. ECCV Workshops (2022). arXiv:2203.03622
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit, softmax

from aspects_scorer.ncct.da_net.standard_view import (
    FIRST_MM,
    SHAPE,
    STEP_MM,
    points_of,
    read_at,
)
from aspects_scorer.ncct.deep_aspects.network import ANATOMY, INFARCT, Task
from aspects_scorer.ncct.deep_aspects.slices import unframed, volume_channels
from aspects_scorer.ncct.infarct import Infarct
from aspects_scorer.ncct.slice_lattice import SliceLattice
from atlas_builder.core.anatomy import Region
from atlas_builder.core.scan import Scan
from atlas_builder.networks.model import Model, open_model
from atlas_builder.networks.registry import DEEP_ASPECTS
from slice_localizer.alignment.coarse_scan import AIR_HU
from slice_localizer.alignment.deformation import BrainPlace

THRESHOLD = 0.6
"""Probability from which on a voxel is infarct, chosen with `LEAST_ML` on validation heads: lower
ones gain a hundredth of Dice overlap, and find infarcts in most healthy heads."""

LEAST_ML = 2.0
"""Of a part of the infarct, in the standard head's space; smaller ones are more often none."""

_TOGETHER = 13  # slices that a network is run on at once
_MIDDLE = SHAPE[0] // 2  # columns left of the midline

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Drawn:
    """What the networks drew, on the standard grid.

    Attributes
    ----------
    infarct : ndarray of float32, shape ``SHAPE``
        Probability of infarct.
    regions : ndarray of float32, shape (11, *SHAPE)
        Probability of no region and of each of the ten, or None where they were not asked for.
    place : BrainPlace
        Of the standard brain in the scan.
    """

    infarct: Array
    regions: Array | None
    place: BrainPlace


def draw_infarct(scan: Scan, place: BrainPlace, network: Path | None = None) -> Drawn:
    """Find the acute infarct on a head CT.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    place : BrainPlace
        Of the standard brain in it.
    network : Path, optional
        What ``train-deep-aspects`` wrote; by default the network that ships.

    Returns
    -------
    Drawn
        Without regions.
    """
    channels = volume_channels(read_at(scan, points_of(place), AIR_HU))
    return Drawn(_infarct(channels, network or DEEP_ASPECTS["infarct"]), None, place)


def draw_both(scan: Scan, place: BrainPlace) -> Drawn:
    """Find the acute infarct and the regions on a head CT.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    place : BrainPlace
        Of the standard brain in it.

    Returns
    -------
    Drawn
    """
    channels = volume_channels(read_at(scan, points_of(place), AIR_HU))
    regions = _run(channels, ANATOMY, DEEP_ASPECTS["anatomy"], lambda x: softmax(x, axis=1))
    infarct = _infarct(channels, DEEP_ASPECTS["infarct"])
    return Drawn(infarct, np.moveaxis(regions, (0, 1), (3, 0)), place)


def infarct_on(scan: Scan, drawn: Drawn) -> Infarct:
    """Return the infarct on a scan's own voxels.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    drawn : Drawn
        On the standard grid.

    Returns
    -------
    Infarct
    """
    probability = np.where(_near_large_parts(drawn.infarct), drawn.infarct, 0)
    mask = np.zeros(scan.data.shape, np.bool_)
    for index in range(len(scan)):
        lattice = _lattice(scan, index, drawn.place)
        found = lattice.look_up(probability)
        if found.max() > THRESHOLD:
            mask[:, :, index] = lattice.enlarged(found) > THRESHOLD
    return Infarct(mask, scan.affines)


def regions_on(scan: Scan, drawn: Drawn) -> NDArray[np.uint8]:
    """Return the regions on a scan's own voxels.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    drawn : Drawn
        On the standard grid, with regions.

    Returns
    -------
    ndarray of uint8, shape (columns, rows, slices)
        1-10 on the patient's left, 11-20 on the right, 0 elsewhere.
    """
    if drawn.regions is None:
        raise ValueError("the regions were not drawn")
    maps = _by_side(drawn.regions)
    labels = np.zeros(scan.data.shape, np.uint8)
    shown = np.flatnonzero(drawn.regions.argmax(axis=0).any(axis=(0, 1)))
    if not shown.size:
        return labels
    for index in range(len(scan)):
        lattice = _lattice(scan, index, drawn.place)
        heights = lattice.indices[2]
        if heights.max() < shown[0] - 1 or heights.min() > shown[-1] + 1:
            continue
        coarse = np.stack([lattice.look_up(map_) for map_ in maps])
        coarse[0] = 1 - coarse[1:].sum(axis=0)  # beyond the grid there is no region
        present = np.unique(coarse.argmax(axis=0))
        if present[-1] == 0:
            continue
        fine = np.stack([lattice.enlarged(coarse[value]) for value in present])
        labels[:, :, index] = present[fine.argmax(axis=0)]
    return labels


def region_labels(regions: Array) -> NDArray[np.uint8]:
    """Return the most probable region of each voxel of the standard grid.

    Parameters
    ----------
    regions : ndarray of float32, shape (11, *SHAPE)
        As in `Drawn`.

    Returns
    -------
    ndarray of uint8, shape ``SHAPE``
        1-10 on the patient's left, 11-20 on the right, 0 elsewhere.
    """
    labels = regions.argmax(axis=0).astype(np.uint8)
    right = labels[_MIDDLE:]
    right[right > 0] += len(Region)
    return labels


def _by_side(regions: Array) -> Array:
    """Return the probabilities of nothing, ten regions on the left and ten on the right."""
    left, right = regions[1:].copy(), regions[1:].copy()
    left[:, _MIDDLE:] = 0
    right[:, :_MIDDLE] = 0
    return np.concatenate([regions[:1], left, right])


def _infarct(channels: Array, path: Path) -> Array:
    found = _run(channels, INFARCT, path, expit)
    return np.ascontiguousarray(np.moveaxis(found[:, 0], 0, 2))


def _run(channels: Array, task: Task, path: Path, activation: Callable[[Array], Array]) -> Array:
    """Return a network's probabilities: the mean of the head's and its mirror image's."""
    model = _opened(path, task.kind)
    parts = []
    for first in range(0, len(channels), _TOGETHER):
        part = channels[first : first + _TOGETHER]
        straight = activation(model.run(slices=part)[0])
        turned = activation(model.run(slices=mirrored(part))[0])[:, :, ::-1]
        parts.append(unframed((straight + turned) / 2))
    return np.asarray(np.concatenate(parts), np.float32)


def mirrored(channels: Array) -> Array:
    """Return what the networks see of the mirror image of a head.

    Parameters
    ----------
    channels : ndarray of float32, shape (slices, CHANNELS, x, y)
        Of the head.

    Returns
    -------
    ndarray of float32, of the same shape
    """
    return np.ascontiguousarray(channels[:, :, ::-1])


def _near_large_parts(infarct: Array) -> NDArray[np.bool_]:
    """Return the large connected parts of the infarct, with the voxels around them."""
    parts, count = ndimage.label(infarct > THRESHOLD, np.ones((3, 3, 3)))
    sizes = ndimage.sum_labels(np.ones_like(infarct), parts, np.arange(1, count + 1))
    voxel_ml = float(np.prod(STEP_MM)) / 1000
    kept = np.isin(parts, np.flatnonzero(sizes * voxel_ml >= LEAST_ML) + 1)
    return np.asarray(ndimage.binary_dilation(kept, np.ones((3, 3, 3))))


def _lattice(scan: Scan, index: int, place: BrainPlace) -> SliceLattice:
    shape = (scan.data.shape[0], scan.data.shape[1])
    return SliceLattice.of(scan.affines[index], shape, place, FIRST_MM, STEP_MM)


@cache
def _opened(path: Path, kind: str) -> Model:
    return open_model(path, kind)
