"""Volumes: images that are not looked at slice by slice, in the array order of their file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Volume:
    """An image with its place in the patient, or in MNI space.

    Attributes
    ----------
    data : ndarray of float32, shape (x, y, z)
        Signal in any unit; 0 is background.
    affine : ndarray, shape (4, 4)
        From voxel indices to RAS+ mm.
    """

    data: NDArray[np.float32]
    affine: NDArray[np.float64]
