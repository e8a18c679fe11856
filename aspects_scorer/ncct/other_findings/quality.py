"""What makes densities doubtful all over a scan: motion between slices, metal and its streaks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.other_findings.coarse_head import CoarseHead
from atlas_builder.core.flags import Flag

_METAL_HU = 2800.0  # enamel reaches 2500
_LEAST_METAL_ML = 0.02
_BEYOND_BRAIN_MM = 15.0  # the skull, not the teeth
_STREAK_DEPTH_MM = 6.0
_STREAK_HU = -15.0
_LEAST_STREAK_SHARE = 0.01
_MOTION_MM = 4.0
_LEAST_AREA_MM2 = 5000.0
_LEAST_JUMPS = 4  # two slices are off where the skull's base begins


def find_metal(scan: MappedScan) -> Iterator[Flag]:
    """Tell metal in or beside the brain.

    Parameters
    ----------
    scan : MappedScan
        The scan.

    Yields
    ------
    Flag
        ``metal``, at most one.
    """
    dense = scan.hu > _METAL_HU
    slices = np.flatnonzero(dense.any(axis=(0, 1)))
    voxel_ml = float(np.prod(scan.spacing)) / 1000
    reach = [round(_BEYOND_BRAIN_MM / size) for size in scan.spacing[:2]]
    found, volume = [], 0.0
    for index in slices:
        boxes = ndimage.find_objects(scan.brain[:, :, index].astype(np.uint8))
        if not boxes:
            continue
        box = tuple(
            slice(max(part.start - more, 0), part.stop + more)
            for part, more in zip(boxes[0], reach, strict=True)
        )
        own = np.count_nonzero(dense[:, :, index][box]) * voxel_ml
        if own > 0:
            found.append(int(index))
            volume += own
    if volume >= _LEAST_METAL_ML:
        yield Flag(
            "metal",
            f"{volume:.2f} mL above {_METAL_HU:g} HU, slices {found[0]} to {found[-1]}: metal; "
            "densities on these slices are doubtful, judge them by eye",
        )


def find_streaks(head: CoarseHead) -> Iterator[Flag]:
    """Tell streaks: densities inside the brain that no tissue has.

    Parameters
    ----------
    head : CoarseHead
        The head.

    Yields
    ------
    Flag
        ``streaks``, at most one.
    """
    deep = head.brain & (head.depth > _STREAK_DEPTH_MM) & head.cerebrum
    sizes = np.maximum(np.count_nonzero(deep, axis=(0, 1)), 1)
    dark = np.count_nonzero(deep & (head.smooth < _STREAK_HU), axis=(0, 1)) / sizes
    bad = dark > _LEAST_STREAK_SHARE
    if bad.any():
        worst = int(dark.argmax())
        yield Flag(
            "streaks",
            f"{dark[worst]:.0%} of the brain on slice {head.indices[worst]} is below "
            f"{_STREAK_HU:g} HU, {np.count_nonzero(bad)} slices are like it: streaks or air; "
            "densities on these slices are doubtful, judge them by eye",
        )


def find_motion(head: CoarseHead) -> Iterator[Flag]:
    """Tell that the head moved between slices.

    A head's outline changes evenly from slice to slice; where it moved, a slice lies off the middle
    of its neighbours.

    Parameters
    ----------
    head : CoarseHead
        The head.

    Yields
    ------
    Flag
        ``strong-motion``, at most one.
    """
    jumps = slice_jumps(head)
    bad = np.flatnonzero(jumps > _MOTION_MM)
    if len(bad) >= _LEAST_JUMPS:
        worst = int(np.nanargmax(jumps))
        yield Flag(
            "strong-motion",
            f"slices lie up to {jumps[worst]:.0f} mm off the middle of their neighbours "
            f"(slice {head.indices[worst]}, {len(bad)} slices above {_MOTION_MM:g} mm): the head "
            "moved; densities and regions are doubtful, repeat the scan or read it by eye",
        )


def slice_jumps(head: CoarseHead) -> NDArray[np.float64]:
    """Return how far each slice of the cerebrum lies off the middle of its neighbours, mm.

    Parameters
    ----------
    head : CoarseHead
        The head.

    Returns
    -------
    ndarray, shape (slices,)
        NaN where a slice or a neighbour shows no whole vault.
    """
    pixel = float(np.prod(head.spacing))
    wanted = head.cerebrum & (np.count_nonzero(head.inside, axis=(0, 1)) * pixel > _LEAST_AREA_MM2)
    middles = np.full((len(wanted), 2), np.nan)
    for index in np.flatnonzero(wanted):
        edges = [np.flatnonzero(head.inside[:, :, index].any(axis=axis)) for axis in (1, 0)]
        middles[index] = [
            (edge[0] + edge[-1]) / 2 * size for edge, size in zip(edges, head.spacing, strict=True)
        ]
    off = np.full(middles.shape, np.nan)
    off[1:-1] = middles[1:-1] - (middles[:-2] + middles[2:]) / 2
    return np.asarray(np.hypot(off[:, 0], off[:, 1]))
