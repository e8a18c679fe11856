"""Whether an image lies in MNI space as registration finds, and the lesion on the right side.

Brains are nearly symmetric: an image whose affine mirrors left and right looks like any other, and
nothing here or elsewhere can tell. What can be told is a lesion on the wrong side of its own
image, an image with its front at the back or its top at the bottom, and a registration that failed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.dwi.mni_brain import mni_brain
from atlas_builder.core.flags import Flag
from atlas_builder.core.lesion import Lesion
from atlas_builder.core.volume import Volume
from atlas_builder.metrics.overlap import dice
from atlas_builder.registration.volumes import SpaceTransform

_STEP = 4  # mm between the points compared
_LEAST_OVERLAP = 0.85
_BRIGHTER = 1.15  # what lies opposite a lesion is not brighter by more than this
_CENTRE = np.array([[0.0], [-17.0], [5.0]])  # mm: the middle of the MNI brain
_TURNED = {1: "front to back", 2: "upside down"}


def placement_remarks(
    image: Volume, brain: NDArray[np.bool_], lesion: Lesion, transform: SpaceTransform
) -> Iterator[Flag]:
    """Find what speaks against the placement of a registered image and of the lesion on it.

    Parameters
    ----------
    image : Volume
        The diffusion image, in the patient's millimetres.
    brain : ndarray of bool, shape (x, y, z)
        On its voxels.
    lesion : Lesion
        On its voxels.
    transform : SpaceTransform
        From MNI152 millimetres to the patient's.

    Yields
    ------
    Flag
        ``orientation-doubtful``, ``poor-fit`` or ``side-doubtful``.
    """
    average = mni_brain()
    coarse = average.sampled_mask(_STEP)
    voxels = np.indices(coarse.shape).reshape(3, -1) * _STEP
    points = average.affine[:3, :3] @ voxels + average.affine[:3, 3:]
    inside = coarse.ravel()  # never empty, so that every overlap is a number
    values = Volume(brain.astype(np.float32), image.affine)
    overlaps = {
        axis: dice(inside, _at(values, transform.to_participant(_mirrored(points, axis))) > 0)
        for axis in (None, *_TURNED)
    }
    upright = overlaps[None]
    best = max(_TURNED, key=lambda axis: overlaps[axis])
    if overlaps[best] > upright:
        yield Flag(
            "orientation-doubtful",
            f"the image fits the MNI brain better {_TURNED[best]} (overlap {overlaps[best]:.2f}, "
            f"{upright:.2f} as its affine says); check the affine, also for left and right",
        )
    elif upright < _LEAST_OVERLAP:
        yield Flag(
            "poor-fit",
            f"the image fits the MNI brain poorly (overlap {upright:.2f}); check the brain and "
            "the regions on the slices",
        )
    yield from _on_side(image, lesion, transform)


def _on_side(image: Volume, lesion: Lesion, transform: SpaceTransform) -> Iterator[Flag]:
    if not lesion:
        return
    voxels = np.argwhere(lesion.mask).T
    there = lesion.affine[:3, :3] @ voxels + lesion.affine[:3, 3:]
    across = transform.affine @ np.diag([-1.0, 1, 1, 1]) @ np.linalg.inv(transform.affine)
    opposite = across[:3, :3] @ there + across[:3, 3:]
    own, other = (float(np.median(_at(image, points))) for points in (there, opposite))
    if other > _BRIGHTER * own:
        yield Flag(
            "side-doubtful",
            f"the image is {other / max(own, 1e-6):.1f} times as bright opposite the lesion as in "
            "it; check that the mask is not mirrored",
        )


def _mirrored(points: NDArray[np.float64], axis: int | None) -> NDArray[np.float64]:
    if axis is None:
        return points
    mirrored = points.copy()
    mirrored[axis] = 2 * _CENTRE[axis] - points[axis]
    return mirrored


def _at(image: Volume, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the nearest voxel's value at points in the image's millimetres, 0 outside it."""
    to_voxel = np.linalg.inv(image.affine)
    voxels = np.rint(to_voxel[:3, :3] @ points + to_voxel[:3, 3:]).astype(np.intp)
    last = np.array(image.data.shape)[:, np.newaxis] - 1
    known = ((voxels >= 0) & (voxels <= last)).all(axis=0)
    return np.where(known, image.data[tuple(np.clip(voxels, 0, last))], np.float32(0))
