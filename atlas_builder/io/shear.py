"""Volumes whose slices are not stacked along their normal: how far off an affine without shear is.

A qform, and every reader built on ITK, knows voxels with right angles only. Where the shear is
small, as rounded positions and a table that is not quite level leave it, the volume is stored
without it; see `upright` for the others.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

MOST_VOXELS_OFF = 0.25
"""How far an affine without shear may put a voxel of the volume, in sides of its shortest."""
_NO_SHEAR = 1e-6


def straightened(
    affine: NDArray[np.float64], shape: tuple[int, ...], slice_axis: int = 2
) -> NDArray[np.float64] | None:
    """Return the affine nearest to one whose axes are at right angles.

    The slices keep their directions and their distance, and the middle of the volume its place:
    slices away from it move along themselves.

    Parameters
    ----------
    affine : ndarray, shape (4, 4)
        From voxel indices to mm.
    shape : tuple of int
        The volume's first three lengths.
    slice_axis : int
        The axis along which slices are stacked.

    Returns
    -------
    ndarray, shape (4, 4), or None
        The affine itself where it has no shear; None where any voxel would move by more than a
        quarter of the shortest side of a voxel.
    """
    linear = affine[:3, :3]
    sizes = np.linalg.norm(linear, axis=0)
    axes = linear / sizes
    if np.abs(axes.T @ axes - np.eye(3)).max() <= _NO_SHEAR:
        return affine
    first, second = (axis for axis in range(3) if axis != slice_axis)
    plane = at_right_angles(axes[:, [first, second]])
    normal = np.cross(plane[:, 0], plane[:, 1])
    straight = affine.copy()
    straight[:3, first], straight[:3, second] = (plane * sizes[[first, second]]).T
    straight[:3, slice_axis] = normal * (normal @ linear[:, slice_axis])
    middle = (np.array(shape[:3]) - 1) / 2
    straight[:3, 3] += linear @ middle - straight[:3, :3] @ middle
    corners = np.array(list(itertools.product((-1, 1), repeat=3))) * middle
    off = np.linalg.norm(corners @ (straight[:3, :3] - linear).T, axis=1).max()
    return straight if off <= MOST_VOXELS_OFF * sizes.min() else None


def at_right_angles(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the two directions at right angles that are nearest to two others.

    Parameters
    ----------
    directions : ndarray, shape (3, 2)
        Unit vectors.

    Returns
    -------
    ndarray, shape (3, 2)
        Unit vectors.
    """
    left, _, right = np.linalg.svd(directions, full_matrices=False)
    found: NDArray[np.float64] = left @ right
    return found
