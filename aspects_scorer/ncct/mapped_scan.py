"""What every scorer of a non-contrast CT is given: the scan and the regions on all its slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region, Side
from atlas_builder.core.flags import Flag
from slice_localizer.alignment.deformation import BrainPlace


@dataclass(frozen=True)
class MappedScan:
    """A head CT with the twenty regions on every slice.

    Attributes
    ----------
    hu : ndarray of float32, shape (columns, rows, slices)
        Densities.
    labels : ndarray of uint8, shape (columns, rows, slices)
        1-10 on the patient's left, 11-20 on the right, 0 elsewhere.
    brain : ndarray of bool, shape (columns, rows, slices)
        The brain with its ventricles and sulci.
    affines : ndarray, shape (slices, 4, 4)
        From each slice's pixels to the patient's RAS+ mm, as in `Scan`.
    age : float or None
        In years, where it is known.
    confidences : mapping of Side and Region to float
        How far each region's place on the key slices can be trusted, 0-1.
    flags : tuple of Flag
        Reservations about the map.
    place : BrainPlace or None
        Of the standard brain in the scan, where it is known.
    """

    hu: NDArray[np.float32]
    labels: NDArray[np.uint8]
    brain: NDArray[np.bool_]
    affines: NDArray[np.float64]
    age: float | None = None
    confidences: Mapping[tuple[Side, Region], float] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    place: BrainPlace | None = None

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Size of a pixel along columns and rows, and the usual distance of slices, mm."""
        columns, rows, normal = (self.affines[0, :3, axis] for axis in range(3))
        heights = (self.affines[:, :3, 3] - self.affines[0, :3, 3]) @ (
            normal / np.linalg.norm(normal)
        )
        apart = np.median(np.abs(np.diff(heights))) if len(heights) > 1 else np.linalg.norm(normal)
        return float(np.linalg.norm(columns)), float(np.linalg.norm(rows)), float(apart)
