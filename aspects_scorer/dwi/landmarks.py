"""Where fluid, brain and scalp lie in an image whose place in MNI space is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.dwi.mni_brain import mni_brain
from atlas_builder.core.volume import Volume
from atlas_builder.registration.volumes import SpaceTransform

_FLUID = 0.8  # of a voxel of the average brain
_AROUND_MM = 8.0  # subjects' ventricles lie that far from the average's border at most
_VENTRICLES = ((-32.0, -50.0, -8.0), (32.0, 42.0, 30.0))  # mm: their bodies and frontal horns
_SCALP_MM = (3.0, 20.0)  # from the brain: skull, then scalp
_ABOVE_MM = 12.0  # of MNI space: higher than eyes, muscles of the face and petrous bones


@dataclass(frozen=True)
class Landmarks:
    """Voxels of an image that show what is told apart on every kind of image.

    Attributes
    ----------
    ventricles : ndarray of bool, shape (x, y, z)
        The average brain's ventricles.
    around : ndarray of bool, shape (x, y, z)
        Ventricles and what lies close to them.
    brain : ndarray of bool, shape (x, y, z)
        The brain without these.
    scalp : ndarray of bool, shape (x, y, z)
        A layer around the vault, which holds skull, scalp and some air.
    """

    ventricles: NDArray[np.bool_]
    around: NDArray[np.bool_]
    brain: NDArray[np.bool_]
    scalp: NDArray[np.bool_]


def find_landmarks(image: Volume, brain: NDArray[np.bool_], transform: SpaceTransform) -> Landmarks:
    """Find the landmarks of a registered image.

    Parameters
    ----------
    image : Volume
        In the patient's millimetres.
    brain : ndarray of bool, shape (x, y, z)
        On its voxels.
    transform : SpaceTransform
        From MNI152 millimetres to the patient's.

    Returns
    -------
    Landmarks
    """
    shape = image.data.shape
    ventricles, around = (
        _voxels_at(transform.to_participant(points), shape, image.affine) & brain
        for points in _ventricle_points()
    )
    steps = np.linalg.norm(image.affine[:3, :3], axis=0)
    away = ndimage.distance_transform_edt(~brain, sampling=steps)
    nearest, farthest = _SCALP_MM
    to_template = np.linalg.inv(transform.affine) @ image.affine
    heights = np.tensordot(to_template[2, :3], np.indices(shape, np.float32), 1)
    above = heights + to_template[2, 3] > _ABOVE_MM
    scalp = (away > nearest) & (away < farthest) & above
    return Landmarks(ventricles, around, brain & ~around, scalp)


@cache
def _ventricle_points() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points in the average ventricles and in and around them, shape (3, n), MNI mm."""
    average = mni_brain()
    low, high = (
        np.rint(np.linalg.inv(average.affine) @ (*corner, 1))[:3].astype(int)
        for corner in _VENTRICLES
    )
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    fluid = average.csf[box] > 255 * _FLUID
    near = ndimage.distance_transform_edt(~fluid) <= _AROUND_MM  # voxels of 1 mm
    inside, beside = (
        average.affine[:3, :3] @ (np.argwhere(mask) + low).T + average.affine[:3, 3:]
        for mask in (fluid, near)
    )
    return inside, beside


def _voxels_at(
    points: NDArray[np.float64], shape: tuple[int, ...], affine: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return the voxels in which points lie."""
    to_voxel = np.linalg.inv(affine)
    voxels = np.rint(to_voxel[:3, :3] @ points + to_voxel[:3, 3:]).astype(np.intp)
    last = np.array(shape)[:, np.newaxis]
    inside = voxels[:, ((voxels >= 0) & (voxels < last)).all(axis=0)]
    found = np.zeros(shape, bool)
    found[tuple(inside)] = True
    return found
