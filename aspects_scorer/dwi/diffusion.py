"""Diffusion images in, and whether a mask lies on one."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.core.volume import Volume
from atlas_builder.io.nifti.damage import refusing_damage
from atlas_builder.io.nifti.storage import examine, load

_FEWEST_SLICES = 5
_TOLERANCE_VOXELS = 0.1
_SIDES = ("left and right", "front and back", "head and feet")


def read_diffusion(path: Path) -> Volume:
    """Read a diffusion-weighted image or an ADC map.

    Parameters
    ----------
    path : Path
        A NIfTI file of one volume of the head, such as b 0, b 1000 or ADC.

    Returns
    -------
    Volume
        In the array order of the file and the patient's RAS+ millimetres.

    Raises
    ------
    InputError
        See `examine`; or the file is no volume of several slices, or a value in it is not finite.
    """
    data, affine = read_volumes(path, 1)
    return Volume(data[..., 0], affine)


def read_volumes(path: Path, count: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Read the volumes of a diffusion series.

    Parameters
    ----------
    path : Path
        A NIfTI file of volumes of the head.
    count : int
        How many volumes it must hold.

    Returns
    -------
    data : ndarray of float32, shape (x, y, z, count)
        In the array order of the file.
    affine : ndarray, shape (4, 4)
        From voxels to the patient's RAS+ millimetres.

    Raises
    ------
    InputError
        See `read_diffusion`.
    """
    storage = examine(path, volumes=count)
    if len(storage.shape) < 3 or min(storage.shape[:3]) < _FEWEST_SLICES:
        raise InputError(f"{path}: too few slices for a head; give the whole diffusion volume")
    image = load(storage.path)
    with refusing_damage(storage.path):
        data = np.asarray(image.dataobj, np.float32).reshape(*storage.shape[:3], count)
    if not np.isfinite(data).all():
        missing = np.count_nonzero(~np.isfinite(data))
        raise InputError(
            f"{path}: {missing} of its voxels are not finite numbers; convert it again"
        )
    return data, storage.affine


def check_same_grid(
    path: Path, shape: tuple[int, ...], affine: NDArray[np.float64], image: Volume
) -> None:
    """Make sure that the voxels of a mask or map are those of the image it belongs to.

    The array order must be the same as well: a mask whose axes run the other way either was saved
    again by careful software or has the wrong side, and nothing in the file tells which.

    Parameters
    ----------
    path : Path
        Of the mask or map, for the message.
    shape : tuple of int
        Its number of voxels along each axis.
    affine : ndarray, shape (4, 4)
        From its voxels to RAS+ mm.
    image : Volume
        The image.

    Raises
    ------
    InputError
        The grids differ; the message tells how.
    """
    if shape != image.data.shape:
        raise _other_grid(path, f"{_times(shape)} voxels, {_times(image.data.shape)}")
    own, others = (
        axes / np.linalg.norm(axes, axis=0) for axes in (affine[:3, :3], image.affine[:3, :3])
    )
    mirrored = np.flatnonzero((own * others).sum(axis=0) < -0.9)
    if mirrored.size:
        along = int(np.argmax(np.abs(others[:, mirrored[0]])))
        raise InputError(
            f"{path}: {_SIDES[along]} are the other way round than on the diffusion image (the "
            "affines disagree); save it with the affine of the image it was drawn on"
        )
    corners = np.array([(*c, 1) for c in product(*((0, n - 1) for n in shape))]).T
    apart = np.linalg.norm((affine - image.affine)[:3] @ corners, axis=0).max()
    if apart > _TOLERANCE_VOXELS * np.linalg.norm(image.affine[:3, :3], axis=0).min():
        raise _other_grid(path, f"up to {apart:.3g} mm away from the image's, none")


def _other_grid(path: Path, difference: str) -> InputError:
    return InputError(
        f"{path}: not on the diffusion image's grid ({difference} expected); draw or resample it "
        "on the image itself"
    )


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
