"""Volumes of the standard head at the voxels of a subject."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Box = tuple[slice, slice, slice]


def halve_spacing(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Interpolate a field at the midpoints of its nodes.

    Parameters
    ----------
    field : ndarray of float32, shape (..., x, y, z)
        One value a node; earlier axes are components.

    Returns
    -------
    ndarray of float32, shape (..., 2 x - 1, 2 y - 1, 2 z - 1)
    """
    for axis in range(field.ndim - 3, field.ndim):
        before = [slice(None)] * field.ndim
        after = list(before)
        even, odd = list(before), list(before)
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        even[axis], odd[axis] = slice(0, None, 2), slice(1, None, 2)
        shape = list(field.shape)
        shape[axis] = 2 * shape[axis] - 1
        fine = np.empty(shape, np.float32)
        fine[tuple(even)] = field
        fine[tuple(odd)] = (field[tuple(before)] + field[tuple(after)]) / 2
        field = fine
    return field


def sample_volume(
    volume: NDArray[np.generic], indices: NDArray[np.float32], outside: float = 0.0
) -> NDArray[np.float32]:
    """Interpolate a volume linearly at fractional indices.

    Parameters
    ----------
    volume : ndarray, shape (x, y, z)
        Of any type.
    indices : ndarray of float32, shape (3, ...)
        Voxels, counted from 0.
    outside : float
        The value beyond the outermost voxels.

    Returns
    -------
    ndarray of float32, shape (...)
    """
    sampled: NDArray[np.float32] = ndimage.map_coordinates(
        volume, indices, np.float32, order=1, mode="constant", cval=outside
    )
    return sampled


def sample_label_volume(
    labels: NDArray[np.uint8], indices: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Interpolate labels at fractional indices: the label, or none, with the greatest weight.

    Borders come out smoother than with the nearest voxel.

    Parameters
    ----------
    labels : ndarray of uint8, shape (x, y, z)
        0 where there is no label.
    indices : ndarray of float32, shape (3, i, j, k)
        Voxels, counted from 0.

    Returns
    -------
    ndarray of uint8, shape (i, j, k)
        0 beyond the outermost voxels.
    """
    nearest: NDArray[np.uint8] = ndimage.map_coordinates(labels, indices, order=0, mode="constant")
    there = ndimage.find_objects(labels)
    best = np.zeros(nearest.shape, np.uint8)
    best_weight = np.zeros(nearest.shape, np.float32)
    total = np.zeros(nearest.shape, np.float32)
    for label, here in enumerate(ndimage.find_objects(nearest), start=1):
        if here is None:
            continue
        box = _grown(here, nearest.shape)
        source = _grown(there[label - 1], labels.shape)
        corner = np.array([s.start for s in source], np.float32).reshape(3, 1, 1, 1)
        member = (labels[source] == label).astype(np.float32)
        here_indices = np.stack([axis[box] for axis in indices])
        weight = sample_volume(member, here_indices - corner)
        wins = weight > best_weight[box]
        best[box][wins] = label
        best_weight[box][wins] = weight[wins]
        total[box] += weight
    best[best_weight <= 1 - total] = 0
    return best


def _grown(box: Box, shape: tuple[int, ...]) -> Box:
    x, y, z = (
        slice(max(s.start - 2, 0), min(s.stop + 2, n)) for s, n in zip(box, shape, strict=True)
    )
    return x, y, z
