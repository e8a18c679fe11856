"""The two placements that a NIfTI header can hold, qform and sform: which is followed.

The sform is followed where it has a code, as most programs do, else the qform. Programs that
prefer the qform put a file elsewhere where the two differ.

References
----------
NIfTI-1 data format, https://nifti.nimh.nih.gov/nifti-1 (qform, sform, their codes and units).
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.io.nifti.damage import refusing_damage

_PIXEL_SIZES = (0.05, 20.0)
_SAME_DIRECTION = 0.7  # as a cosine
_MILLIMETRES_PER_UNIT = {1: 1000.0, 2: 1.0, 3: 0.001}
_SAME_SIZE = 0.02  # as a share
_SAME_ANGLE = 2.0  # degrees
_SAME_PLACE = 1.0  # of the longest side of a voxel


def affine_of(path: Path, image: Any) -> tuple[NDArray[np.float64], tuple[Flag, ...]]:
    """Return the affine of a file's array, checked.

    Parameters
    ----------
    path : Path
        The file, for messages.
    image : nibabel.Nifti1Pair
        Its header, parsed.

    Returns
    -------
    affine : ndarray, shape (4, 4)
        From voxel indices to RAS+ mm.
    remarks : tuple of Flag
        ``forms-disagree`` where qform and sform put the volume to different places: their voxel
        sizes differ by more than 2%, their directions by more than 2 degrees (a shear of the sform,
        which no qform can hold, aside), or each corner by more than the longest side of a voxel.

    Raises
    ------
    InputError
        The header does not say where left and right are, says two things about it, or holds voxels
        of no head scan.
    """
    with refusing_damage(path):
        qform, sform = image.get_qform(coded=True)[0], image.get_sform(coded=True)[0]
    if qform is None and sform is None:
        raise InputError(
            f"{path}: says nothing about left and right (qform and sform codes are 0); convert it "
            "again from DICOM, for example with dcm2niix"
        )
    axes = min(len(image.shape), 3)
    both = qform is not None and sform is not None
    if both and not _are_alike(qform[:3, :axes], sform[:3, :axes]):
        raise InputError(
            f"{path}: its qform and sform disagree about left and right; convert it again from "
            "DICOM, for example with dcm2niix"
        )
    scale = millimetres_per_unit(image)
    affine = np.array(qform if sform is None else sform, dtype=np.float64)
    affine[:3] *= scale
    if len(image.shape) == 2 and np.isfinite(affine).all():
        normal = np.cross(affine[:3, 0], affine[:3, 1])
        affine[:3, 2] = normal / max(float(np.linalg.norm(normal)), np.finfo(float).tiny)
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    least, most = _PIXEL_SIZES
    if not (np.isfinite(affine).all() and (sizes >= least).all() and (sizes <= most).all()):
        sizes_text = " x ".join(f"{size:.3g}" for size in sizes)
        raise InputError(
            f"{path}: voxels of {sizes_text} mm are no head scan's; correct the header's geometry"
        )
    if abs(np.linalg.det(affine[:3, :3] / sizes)) < 0.1:
        raise InputError(f"{path}: its affine flattens the volume; correct the header's geometry")
    if not both or axes < 3 or not np.isfinite(qform).all():
        return affine, ()
    qform = np.array(qform, dtype=np.float64)
    qform[:3] *= scale
    differences = _differences(qform, affine, image.shape[:3])
    if not differences:
        return affine, ()
    reason = f"the header's two placements differ ({', '.join(differences)}); the sform is followed"
    return affine, (Flag("forms-disagree", reason),)


def _are_alike(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Tell whether two affines' axes point the same ways; those without a direction count for none.

    A qform cannot hold the shear of a tilted gantry, so its axes may be 30 degrees off.
    """
    lengths = np.linalg.norm([a, b], axis=1)
    directed = (np.isfinite(lengths) & (lengths > 0)).all(axis=0)
    a, b = (
        axes[:, directed] / length[directed] for axes, length in zip((a, b), lengths, strict=True)
    )
    cosines = (a * b).sum(axis=0)
    return bool((cosines > _SAME_DIRECTION).all())


def _differences(
    qform: NDArray[np.float64], sform: NDArray[np.float64], shape: tuple[int, ...]
) -> list[str]:
    """Say in what two affines in mm differ by more than a little; nothing where they do not."""
    ours, theirs = (np.linalg.norm(form[:3, :3], axis=0) for form in (sform, qform))
    found = []
    # Along a sheared axis a qform may hold the way from voxel to voxel, or that between slices.
    heights = 1 / np.linalg.norm(np.linalg.inv(sform[:3, :3]), axis=1)
    if (theirs < (1 - _SAME_SIZE) * heights).any() or (theirs > (1 + _SAME_SIZE) * ours).any():
        texts = [" x ".join(f"{size:.3g}" for size in sizes) for sizes in (theirs, ours)]
        found.append(f"voxels of {texts[0]} mm by the qform, {texts[1]} mm by the sform")
    if not theirs.all():
        return found
    ours_axes, theirs_axes = sform[:3, :3] / ours, qform[:3, :3] / theirs
    cosines = np.abs(ours_axes.T @ ours_axes - np.eye(3)).max()
    shear = float(np.degrees(np.arcsin(min(1.0, cosines))))
    between = np.degrees(np.arccos(np.clip((ours_axes * theirs_axes).sum(axis=0), -1, 1)))
    if (between > _SAME_ANGLE + shear).any():
        found.append(f"turned by {between.max():.1f} degrees")
    corners = np.array(list(itertools.product((0, 1), repeat=3))) * (np.array(shape) - 1)
    apart = corners @ (qform - sform)[:3, :3].T + (qform - sform)[:3, 3]
    nearest = float(np.linalg.norm(apart, axis=1).min())
    if nearest > _SAME_PLACE * ours.max():
        found.append(f"{nearest:.1f} mm apart or more")
    return found


def millimetres_per_unit(image: Any) -> float:
    """Return the length in mm of the unit of a NIfTI header, mm where it names none.

    Parameters
    ----------
    image : nibabel.Nifti1Pair
        From `load`.

    Returns
    -------
    float
        1000 for metres, 1 for millimetres, 0.001 for micrometres.
    """
    return _MILLIMETRES_PER_UNIT.get(int(image.header["xyzt_units"]) & 7, 1.0)
