"""A lesion: a binary mask on any grid, with its place in millimetres.

Unlike a CT scan a lesion is never looked at slice by slice, so it keeps the array order of its
file; left and right come from the affine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Lesion:
    """A lesion as it was drawn or segmented.

    Attributes
    ----------
    mask : ndarray of bool, shape (x, y, z)
        True inside the lesion, in the array order of its file.
    affine : ndarray, shape (4, 4)
        From voxel indices to RAS+ mm.
    """

    mask: NDArray[np.bool_]
    affine: NDArray[np.float64]

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in mL."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000

    @property
    def volume_ml(self) -> float:
        """Volume of the lesion in mL, on its own grid."""
        return int(np.count_nonzero(self.mask)) * self.voxel_ml

    def __bool__(self) -> bool:
        """Tell whether there is any lesion."""
        return bool(self.mask.any())
