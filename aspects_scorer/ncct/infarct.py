"""An acute infarct as it was drawn on a non-contrast CT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slice_localizer.positions import voxel_volumes_ml


@dataclass(frozen=True)
class Infarct:
    """The infarct on a scan's own voxels.

    Attributes
    ----------
    mask : ndarray of bool, shape (columns, rows, slices)
        True inside.
    affines : ndarray, shape (slices, 4, 4)
        Of each slice, as in `Scan`.
    """

    mask: NDArray[np.bool_]
    affines: NDArray[np.float64]

    @property
    def volume_ml(self) -> float:
        """Its volume, of slices as far apart as they really are."""
        counts = self.mask.sum(axis=(0, 1))
        return float(counts @ voxel_volumes_ml(self.affines))
