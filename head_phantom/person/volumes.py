"""One subject's head before any scanner.

Volumes are indexed ``[x, y, z]`` and their affines lead to RAS+ millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Anatomy:
    """One subject's head in the subject's own space, before any scanner.

    Attributes
    ----------
    hu : ndarray of float32, shape (x, y, z)
        HU without noise or blur, air -1000.
    grey, white, csf : ndarray of uint8, shape (x, y, z)
        How much of each voxel is of that tissue, in 1/255.
    regions : ndarray of uint8, shape (x, y, z)
        The ASPECTS regions: 1-10 on the left, 11-20 on the right.
    lesion : ndarray of bool, shape (x, y, z)
        The acute infarct; empty in a subject who has none.
    cavity : ndarray of bool, shape (x, y, z)
        What old infarcts and lacunes have left.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ millimetres of the subject: an upright head looking forward.
    bgl_point : ndarray, shape (3,)
        Millimetres: the subject's point for `Head.bgl_point`.
    """

    hu: NDArray[np.float32]
    grey: NDArray[np.uint8]
    white: NDArray[np.uint8]
    csf: NDArray[np.uint8]
    regions: NDArray[np.uint8]
    lesion: NDArray[np.bool_]
    cavity: NDArray[np.bool_]
    affine: NDArray[np.float64]
    bgl_point: NDArray[np.float64]
