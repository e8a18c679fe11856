"""Whole scans and label volumes out, as NIfTI."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.io.nifti.images import write_volume

_TOLERANCE_MM = 0.01


def write_scan(path: Path, scan: Scan) -> None:
    """Write a scan as one NIfTI volume.

    Slices of a tilted gantry are not stacked along their normal. The affine then is sheared; the
    sform carries it and the qform, which cannot, is left unset. A small shear is left out of both,
    see `straightened`.

    Parameters
    ----------
    path : Path
        ``.nii`` or ``.nii.gz``; written whole or not at all.
    scan : Scan
        Of two or more slices; values and their order are kept.

    Raises
    ------
    InputError
        The slices are spaced unevenly or turned against each other, which no affine expresses.
    """
    affine = volume_affine(scan.affines)
    if affine is None:
        raise InputError(
            f"{path}: the slices are spaced unevenly, which NIfTI cannot express; write DICOM"
        )
    write_volume(path, scan.data, affine)


def volume_affine(affines: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the affine that places all slices of a scan; None where there is none.

    Parameters
    ----------
    affines : ndarray, shape (slices, 4, 4)
        As in `Scan`.

    Returns
    -------
    ndarray, shape (4, 4), or None
        From ``(column, row, slice, 1)`` to RAS+ mm.
    """
    line = np.linspace(affines[0, :3, 3], affines[-1, :3, 3], len(affines))
    off = np.abs(affines[:, :3, 3] - line).max()
    turned = np.abs(affines[:, :3, :2] - affines[0, :3, :2]).max()
    if len(affines) < 2 or off > _TOLERANCE_MM or turned > 1e-6:
        return None
    affine: NDArray[np.float64] = affines[0].copy()
    affine[:3, 2] = (affines[-1, :3, 3] - affines[0, :3, 3]) / (len(affines) - 1)
    return affine
