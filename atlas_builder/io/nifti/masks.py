"""Lesion masks in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.core.lesion import Lesion
from atlas_builder.io.nifti.damage import refusing_damage
from atlas_builder.io.nifti.storage import examine, load

_SAME_VALUE = 1e-3  # relative: what rounding of a scaled file leaves between equal values


def read_lesion(path: Path) -> Lesion:
    """Read a lesion mask.

    Parameters
    ----------
    path : Path
        A NIfTI file (``.nii``, ``.nii.gz``, or a ``.hdr``/``.img`` pair) of one volume that holds 0
        outside the lesion and one other value inside, such as 1 or 255, stored as integers or
        floats. A mask of zeros is a lesion that is empty.

    Returns
    -------
    Lesion

    Raises
    ------
    InputError
        The file is missing or damaged, is no NIfTI volume, does not say where the patient's left
        and right are (see `examine`), or is not binary: several values, a value that is not a
        finite number, or no background.
    """
    storage = examine(path)
    if len(storage.shape) < 3:
        raise InputError(f"{path}: a single slice; give the lesion mask as a volume (3-D)")
    image = load(storage.path)
    with refusing_damage(storage.path):
        values = np.asanyarray(image.dataobj).reshape(storage.shape[:3])
    return Lesion(_binary(path, values), storage.affine)


def _binary(path: Path, values: NDArray[np.generic]) -> NDArray[np.bool_]:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        count = np.count_nonzero(~np.isfinite(values))
        raise InputError(
            f"{path}: {count} of its voxels are not finite numbers; write the lesion mask again "
            "with 0 outside the lesion and 1 inside"
        )
    mask = np.ascontiguousarray(values != 0)
    stored = values.ravel("K")  # in the file's order, which is the fastest
    inside = stored[stored != 0].astype(np.float64)
    if inside.size == 0:
        return mask
    low, high = inside.min(), inside.max()
    if high - low > _SAME_VALUE * max(abs(low), abs(high)):
        fractional = bool((inside != np.rint(inside)).any())
        kind = "a probability map or an image" if fractional else "a label map or an image"
        remedy = "set a threshold" if fractional else "keep one label"
        raise InputError(
            f"{path}: not binary (values from {low:g} to {high:g} beside 0): {kind}, not a lesion "
            f"mask; {remedy} and give a mask of two values"
        )
    if mask.all():
        raise InputError(
            f"{path}: every voxel holds {low:g}; a lesion mask is 0 outside the lesion"
        )
    return mask
