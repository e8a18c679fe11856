"""From a patient's diffusion image to MNI space: two rigid rounds, two affine ones, then maybe SyN.

The target is made from the average brain's tissues: brain bright and fluid dark, as at b 1000. The
metric is mutual information, so b 0, whose fluid is bright, fits as well. The lesion, bright or
not, is left out of the comparison; what the image shows of scalp and eyes is taken away first.

Only points are carried, by the affine: a lesion keeps its own voxels and gets another affine, and
nothing is resampled. SyN does resample, once.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.dwi.mni_brain import mni_brain
from atlas_builder.core.lesion import Lesion
from atlas_builder.core.volume import Volume
from atlas_builder.registration.volumes import (
    PlacedVolume,
    Round,
    SpaceTransform,
    register_deformation,
    register_rounds,
)

ROUNDS = (
    Round("Rigid", (100, 50), (4, 2), (2, 1)),
    Round("Rigid", (50,), (2,), (1,)),
    Round("Affine", (100, 50), (4, 2), (2, 1)),
    Round("Affine", (50, 20), (2, 1), (1, 0)),
)
"""Two rigid rounds, then two affine ones, as published; iterations and resolutions are ours."""

_COARSE_ROUNDS = (Round("Rigid", (50,), (4,), (2,)), Round("Affine", (50,), (4,), (2,)))

_SPACING = 3.0  # mm; an affine of a whole brain needs no finer voxels
_MARGIN_MM = 12.0
_LESION_BORDER_MM = 4.0
_FLUID = 0.35  # of the brain's brightness: dark as at b 1000, and still told from nothing
_ATLAS_SPACING = 1.0


class Method(str, Enum):
    """How far a diffusion image is deformed."""

    AFFINE = "affine"
    SYN = "syn"


def register_to_template(
    image: Volume,
    brain: NDArray[np.bool_],
    lesion: NDArray[np.bool_],
    method: Method = Method.AFFINE,
) -> SpaceTransform:
    """Find how MNI space lies in a diffusion image.

    Parameters
    ----------
    image : Volume
        b 0 or b 1000 in the patient's millimetres, in any array order.
    brain, lesion : ndarray of bool, shape (x, y, z)
        On the image's voxels.
    method : Method
        Affine, or SyN after it.

    Returns
    -------
    SpaceTransform
        From MNI152 millimetres to the patient's.

    Raises
    ------
    RegistrationError
        The image has nothing in common with a brain.
    """
    fixed = template()
    moving = _upright(image.data * brain, image.affine)
    steps = np.linalg.norm(image.affine[:3, :3], axis=0)
    if lesion.any():
        apart = ndimage.distance_transform_edt(~lesion, sampling=steps) > _LESION_BORDER_MM
    else:
        apart = np.ones(lesion.shape, bool)
    left_out = _upright((~apart).astype(np.float32), image.affine)
    compared = moving.like(left_out.data < 0.5)
    start = _start(fixed, brain, image.affine)
    affine = register_rounds(fixed, moving, start=start, rounds=ROUNDS, compared=compared)
    if method is Method.AFFINE:
        return SpaceTransform(affine, None, fixed.affine)
    return register_deformation(fixed, moving, affine=affine, compared=compared)


def place_coarsely(image: Volume, brain: NDArray[np.bool_]) -> SpaceTransform:
    """Find roughly how MNI space lies in an image of any kind, in a ninth of the time.

    Enough to tell ventricles, brain and scalp from each other: their brightness is within 6% of
    that by `register_to_template` on simulated b 1000, b 0, ADC and FLAIR.

    Parameters
    ----------
    image : Volume
        In the patient's millimetres, in any array order.
    brain : ndarray of bool, shape (x, y, z)
        On the image's voxels.

    Returns
    -------
    SpaceTransform
        An affine one, from MNI152 millimetres to the patient's.

    Raises
    ------
    RegistrationError
        The image has nothing in common with a brain.
    """
    fixed = template()
    moving = _upright(image.data * brain, image.affine)
    start = _start(fixed, brain, image.affine)
    affine = register_rounds(fixed, moving, start=start, rounds=_COARSE_ROUNDS)
    return SpaceTransform(affine, None, fixed.affine)


def _start(
    fixed: PlacedVolume, brain: NDArray[np.bool_], affine: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the shift that brings the middle of the template's brain to that of another."""
    start = np.eye(4)
    start[:3, 3] = _centre(_upright(brain.astype(np.float32), affine)) - _centre(
        fixed.like(fixed.data > 0.2)
    )
    return start


def template() -> PlacedVolume:
    """Return the target of registration: the average brain, bright, with dark fluid."""
    brain = mni_brain()
    return _upright(brain.mixed(1.0, 1.0, _FLUID), brain.affine)


def to_template(lesion: Lesion, transform: SpaceTransform) -> Lesion:
    """Carry a lesion from the patient's millimetres to MNI152's.

    Parameters
    ----------
    lesion : Lesion
        In the patient's RAS+ mm.
    transform : SpaceTransform
        Of that patient.

    Returns
    -------
    Lesion
        In MNI152's RAS+ mm; resampled only where the transform is not affine.
    """
    if transform.displacement is None:
        return Lesion(lesion.mask, np.linalg.inv(transform.affine) @ lesion.affine)
    values, affine = _resampled(lesion.mask.astype(np.uint8), lesion.affine, transform, order=0)
    return Lesion(values > 0, affine)


def image_to_template(image: Volume, transform: SpaceTransform) -> Volume:
    """Carry an image from the patient's millimetres to MNI152's.

    Parameters
    ----------
    image : Volume
        In the patient's RAS+ mm.
    transform : SpaceTransform
        Of that patient.

    Returns
    -------
    Volume
        In MNI152's RAS+ mm; resampled only where the transform is not affine.
    """
    if transform.displacement is None:
        return Volume(image.data, np.linalg.inv(transform.affine) @ image.affine)
    return Volume(*_resampled(image.data, image.affine, transform, order=1))


def _resampled(
    data: NDArray[np.generic], affine: NDArray[np.float64], transform: SpaceTransform, order: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return values at voxels of 1 mm of the template, and their affine."""
    assert transform.displacement is not None
    grid = transform.grid.copy()
    scale = _ATLAS_SPACING / grid[0, 0]
    shape = tuple(int(n / scale) for n in transform.displacement.shape[1:])
    grid[:3, :3] *= scale
    points = np.indices(shape, np.float32).reshape(3, -1) * _ATLAS_SPACING + grid[:3, 3:]
    to_voxel = np.linalg.inv(affine)
    places = transform.to_participant(points)
    voxels = to_voxel[:3, :3] @ places + to_voxel[:3, 3:]
    values = ndimage.map_coordinates(data, voxels, np.float32, order=order, mode="constant")
    return values.reshape(shape), grid


def _upright(data: NDArray[np.generic], affine: NDArray[np.float64]) -> PlacedVolume:
    """Resample a volume to cubes along the axes of its own space, with room around it."""
    last = np.array(data.shape) - 1
    corners = np.indices((2, 2, 2)).reshape(3, -1) * last[:, np.newaxis]
    reached = affine[:3, :3] @ corners + affine[:3, 3:]
    low, high = reached.min(axis=1) - _MARGIN_MM, reached.max(axis=1) + _MARGIN_MM
    shape = tuple(int(n) for n in np.ceil((high - low) / _SPACING) + 1)
    to_voxel = np.linalg.inv(affine)
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    # Averaged to the size of the cubes, so that fine voxels are not merely skipped.
    blur = np.sqrt(np.maximum((_SPACING / sizes) ** 2 - 1, 0) / 12)
    smooth = ndimage.gaussian_filter(np.asarray(data, np.float32), blur)
    matrix = to_voxel[:3, :3] * _SPACING
    offset = to_voxel[:3, :3] @ low + to_voxel[:3, 3]
    values = ndimage.affine_transform(smooth, matrix, offset, shape, np.float32, order=1)
    return PlacedVolume(values, _SPACING, (float(low[0]), float(low[1]), float(low[2])))


def _centre(volume: PlacedVolume) -> NDArray[np.float64]:
    """Return the centre of mass in mm."""
    return volume.spacing * np.array(ndimage.center_of_mass(volume.data)) + volume.origin
