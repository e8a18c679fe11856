"""What a slice of finite thickness sees of a volume."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float64]
Box = tuple[slice, slice]

_STEP_MM = 1.0
_GRID_VOXELS = 0.7
_EDGE = 0.12  # the sensitivity profile's edges, standard deviation in shares of the thickness


@dataclass(frozen=True)
class Plane:
    """A slice in the voxels of a volume.

    Attributes
    ----------
    shape : tuple of int
        Columns and rows.
    to_voxels : ndarray, shape (4, 4)
        From ``(column, row, mm along the normal, 1)`` to voxels of the volume.
    offsets, weights : ndarray, shape (n,)
        The slice sensitivity profile: distances along the normal in mm, evenly spaced, and how
        much each counts; the weights add up to 1.
    """

    shape: tuple[int, int]
    to_voxels: Array
    offsets: Array
    weights: Array


def plane_in(
    volume_affine: Array, slice_affine: Array, thickness_mm: float, shape: tuple[int, int]
) -> Plane:
    """Describe a slice in the voxels of a volume.

    Parameters
    ----------
    volume_affine : ndarray, shape (4, 4)
        From the volume's voxels to the space of `slice_affine`.
    slice_affine : ndarray, shape (4, 4)
        As in `atlas_builder.core.scan.Slice`.
    thickness_mm : float
        The full width at half maximum of the sensitivity profile, a box with soft edges.
    shape : tuple of int
        Columns and rows.
    """
    half = thickness_mm * (0.5 + 1.5 * _EDGE)
    offsets = np.linspace(-half, half, 2 + int(2.0 * half / _STEP_MM))
    edge = _EDGE * thickness_mm
    profile = np.tanh((offsets + thickness_mm / 2) / edge) - np.tanh(
        (offsets - thickness_mm / 2) / edge
    )
    return Plane(
        shape, np.linalg.inv(volume_affine) @ slice_affine, offsets, profile / profile.sum()
    )


def average(plane: Plane, volume: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    """Average a volume over a slice's thickness.

    The volume's voxels are larger than a scan's pixels: it is sampled on a grid in between, and
    the averages are interpolated at the pixels.

    Parameters
    ----------
    plane : Plane
        The slice.
    volume : ndarray of float32, shape (x, y, z)
        Interpolated linearly; beyond its ends it goes on as it ends.
    box : tuple of slice
        The columns and rows wanted.

    Returns
    -------
    ndarray of float32
        The values of these pixels.
    """
    # The volume's voxels are about 1 mm.
    stride = max(1.0, _GRID_VOXELS / float(np.linalg.norm(plane.to_voxels[:3, 0])))
    counts = [2 + int((part.stop - 1 - part.start) / stride) for part in box]
    step = plane.offsets[1] - plane.offsets[0]
    matrix = plane.to_voxels[:3, :3] * (stride, stride, step)
    start = plane.to_voxels @ (box[0].start, box[1].start, plane.offsets[0], 1.0)
    samples = ndimage.affine_transform(
        volume,
        matrix,
        start[:3],
        output_shape=(*counts, len(plane.offsets)),
        output=np.float32,
        order=1,
        mode="nearest",
        prefilter=False,
    )
    averages = samples @ plane.weights.astype(np.float32)
    columns, rows = (
        linear_weights(np.arange(part.stop - part.start) / stride, count)
        for part, count in zip(box, counts, strict=True)
    )
    pixels: NDArray[np.float32] = columns @ averages @ rows.T
    return pixels


def linear_weights(places: Array, count: int) -> NDArray[np.float32]:
    """Return the matrix that interpolates linearly between values.

    Parameters
    ----------
    places : ndarray, shape (n,)
        Where to interpolate, in values from the first; beyond an end the end's value holds.
    count : int
        How many values there are; at least two.

    Returns
    -------
    ndarray of float32, shape (n, count)
        Rows add up to 1.
    """
    below = np.clip(np.floor(places).astype(int), 0, count - 2)
    share = np.clip(places - below, 0.0, 1.0)
    weights = np.zeros((len(places), count), dtype=np.float32)
    weights[np.arange(len(places)), below] = 1.0 - share
    weights[np.arange(len(places)), below + 1] = share
    return weights


def pixels_over(plane: Plane, first: Array, last: Array) -> Box | None:
    """Return the pixels of a slice that a box of voxels may reach; None where it reaches none.

    Parameters
    ----------
    plane : Plane
        The slice.
    first, last : ndarray, shape (3,)
        The box's first and last voxel.
    """
    corners = np.array(
        [(*corner, 1.0) for corner in itertools.product(*zip(first, last, strict=True))]
    )
    places = corners @ np.linalg.inv(plane.to_voxels).T
    margin = 2.0
    if places[:, 2].min() - margin > plane.offsets[-1]:
        return None
    if places[:, 2].max() + margin < plane.offsets[0]:
        return None
    low = np.maximum(np.floor(places[:, :2].min(axis=0) - margin), 0).astype(int)
    high = np.minimum(np.ceil(places[:, :2].max(axis=0) + margin) + 1, plane.shape).astype(int)
    if (high <= low).any():
        return None
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def middle_of(plane: Plane) -> Plane:
    """Return the infinitely thin slice in a slice's middle.

    Parameters
    ----------
    plane : Plane
        A slice of any thickness.

    Returns
    -------
    Plane
        With the same pixels.
    """
    return Plane(plane.shape, plane.to_voxels, np.array([0.0, 1e-3]), np.array([1.0, 0.0]))
