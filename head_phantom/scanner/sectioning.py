"""Labels of a volume on slices: each pixel has the label that fills most of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from head_phantom.scanner.sampling import Plane, average, pixels_over

_MARGIN = 2
_SMOOTHING = 0.6  # voxels; takes the steps of the voxels' edges off the boundaries


@dataclass(frozen=True)
class LabelBlock:
    """One label of a volume.

    Attributes
    ----------
    label : int
        Its value.
    first : ndarray, shape (3,)
        The voxel of the volume at the block's corner.
    share : ndarray of float32
        How much of each voxel of the block it fills.
    """

    label: int
    first: NDArray[np.int64]
    share: NDArray[np.float32]


def label_blocks(labels: NDArray[np.uint8]) -> list[LabelBlock]:
    """Cut the labels of a volume out, each in a block of its own.

    Parameters
    ----------
    labels : ndarray of uint8, shape (x, y, z)
        0 is the background.
    """
    blocks = []
    for label, found in enumerate(ndimage.find_objects(labels), start=1):
        if found is None:
            continue
        box = tuple(
            slice(max(part.start - _MARGIN, 0), min(part.stop + _MARGIN, length))
            for part, length in zip(found, labels.shape, strict=True)
        )
        share = ndimage.gaussian_filter((labels[box] == label).astype(np.float32), _SMOOTHING)
        blocks.append(LabelBlock(label, np.array([part.start for part in box]), share))
    return blocks


def section(plane: Plane, blocks: list[LabelBlock]) -> NDArray[np.uint8]:
    """Return the labels on one slice.

    Parameters
    ----------
    plane : Plane
        The slice, in voxels of the volume the blocks come from.
    blocks : list of LabelBlock
        From `label_blocks`.

    Returns
    -------
    ndarray of uint8, shape (columns, rows)
        The label that fills most of each pixel over the slice's thickness, the background
        included.
    """
    labels = np.zeros(plane.shape, dtype=np.uint8)
    most = np.zeros(plane.shape, dtype=np.float32)
    total = np.zeros(plane.shape, dtype=np.float32)
    for block in blocks:
        last = block.first + block.share.shape - 1
        box = pixels_over(plane, block.first.astype(np.float64), last.astype(np.float64))
        if box is None:
            continue
        share = average(_moved(plane, block.first), block.share, box)
        more = share > most[box]
        labels[box][more] = block.label
        most[box] = np.maximum(most[box], share)
        total[box] += share
    labels[most < 1.0 - total] = 0
    return labels


def _moved(plane: Plane, first: NDArray[np.int64]) -> Plane:
    """Describe a slice in the voxels of a block."""
    to_voxels = plane.to_voxels.copy()
    to_voxels[:3, 3] -= first
    return Plane(plane.shape, to_voxels, plane.offsets, plane.weights)
