"""Gaps of the skull's vault: craniotomies and burr holes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.other_findings.coarse_head import CoarseHead, Mask
from atlas_builder.core.flags import Flag

_DIRECTIONS = 180
_BONE_HU = 120.0  # of thin bone averaged with what lies beside it
_RAY_MM, _STEP_MM = 24.0, 1.0
_INWARDS_MM = 3.0
_LEAST_GAP_MM = 9.0
_LEAST_CM2 = 0.8  # a burr hole has 1.5 cm2
_MOST_BARE = 0.5  # of the directions of a slice: it shows no skull, or part of one
_LEAST_RADIUS_MM = 35.0  # of a slice's brain: nearer the vertex, rays run along bone


def find_skull_defects(head: CoarseHead) -> Iterator[Flag]:
    """Tell gaps of the vault.

    Parameters
    ----------
    head : CoarseHead
        The head.

    Yields
    ------
    Flag
        ``skull-defect``, one for each, the largest first.
    """
    gaps, radius = _gaps(head)
    if gaps is None:
        return
    step = 2 * np.pi / _DIRECTIONS
    ring = np.concatenate([gaps, gaps, gaps])
    wide = np.stack(
        [
            ndimage.binary_opening(
                ring[:, index],
                np.ones(max(1, int(_LEAST_GAP_MM / (max(radius[index], 1.0) * step)))),
            )
            for index in range(ring.shape[1])
        ],
        axis=1,
    )[_DIRECTIONS : 2 * _DIRECTIONS]
    apart = head.voxel_ml * 1000 / (head.spacing[0] * head.spacing[1])
    parts, count = ndimage.label(np.concatenate([wide, wide]), np.ones((3, 3)))
    found: dict[tuple[int, ...], tuple[float, str]] = {}
    for number in range(1, count + 1):
        where = parts == number
        per_slice = np.minimum(np.count_nonzero(where, axis=0), _DIRECTIONS)
        area = float((per_slice * radius * step) @ apart) / 100
        slices = np.flatnonzero(per_slice)
        direction = (np.flatnonzero(where.any(axis=1)).mean() * step) % (2 * np.pi)
        side = "left" if np.sin(direction) > 0 else "right"
        if area >= _LEAST_CM2 and len(slices) > 1:
            key = (slices[0], slices[-1])
            if area > found.get(key, (0.0, ""))[0]:
                found[key] = (area, side)
    for (first, last), (area, side) in sorted(found.items(), key=lambda item: -item[1][0]):
        yield Flag(
            "skull-defect",
            f"the skull has a gap of {area:.1f} cm2 on the {side}, slices {head.indices[first]} to "
            f"{head.indices[last]}: surgery or a fracture; densities beneath it may not be early "
            "ischaemia, read the scan",
        )


def _gaps(head: CoarseHead) -> tuple[Mask | None, NDArray[np.float64]]:
    """Return where rays from the brain's middle meet no bone, by direction and slice.

    Directions run from the patient's front over the left.
    """
    count = head.hu.shape[2]
    gaps = np.zeros((_DIRECTIONS, count), bool)
    radii = np.zeros(count)
    angles = np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS
    left = np.array([np.gradient(head.lateral[:, :, 0], axis=axis).mean() for axis in (0, 1)])
    left /= np.linalg.norm(left)
    front = np.array([left[1], -left[0]])  # the second axis runs to the back
    size = np.array(head.spacing)
    ways = np.outer(np.cos(angles), front) + np.outer(np.sin(angles), left)
    along = np.arange(0, 130.0, _STEP_MM)
    for index in np.flatnonzero(head.cerebrum):
        brain = head.brain[:, :, index]
        area = np.count_nonzero(brain) * size.prod()
        if area < np.pi * _LEAST_RADIUS_MM**2:
            continue
        middle = np.argwhere(brain).mean(axis=0)
        places = middle[:, None, None] + (ways.T[:, :, None] * along) / size[:, None, None]
        values = ndimage.map_coordinates(
            head.hu[:, :, index], places, order=0, cval=-1000.0, prefilter=False
        )
        in_brain = ndimage.map_coordinates(brain, places, order=0, cval=0, prefilter=False)
        last = in_brain.shape[1] - 1 - np.argmax(in_brain[:, ::-1], axis=1)
        beyond = along[np.newaxis] - along[last][:, np.newaxis]
        near = (beyond > -_INWARDS_MM) & (beyond < _RAY_MM)
        bone = (near & (values > _BONE_HU)).any(axis=1)
        cut = (near & (values < -900)).any(axis=1)
        if np.count_nonzero(~bone) > _MOST_BARE * _DIRECTIONS:
            continue
        gaps[:, index] = ~bone & ~cut
        radii[index] = along[last].mean()
    return (gaps, radii) if gaps.any() else (None, radii)
