"""Scans and their slices: arrays in HU with their place in the patient.

Every slice is held in one orientation, whatever the file's: the first array axis runs towards the
patient's left, the second towards the back (a DICOM image's columns and rows). Positions are RAS+
millimetres as in NIfTI. Each slice has an affine of its own, so gantry tilt and slice spacing that
changes inside the scan need no special case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Slice:
    """One axial slice.

    Attributes
    ----------
    data : ndarray, shape (columns, rows)
        float32 HU, or uint8 label values. Axis 0 runs to the patient's left, axis 1 to the back.
    affine : ndarray, shape (4, 4)
        From ``(column, row, 0, 1)`` to RAS+ millimetres; its third column is the unit normal.
    """

    data: NDArray[np.generic]
    affine: NDArray[np.float64]

    @property
    def spacing(self) -> tuple[float, float]:
        """Pixel size in mm, (along columns axis 0, along axis 1)."""
        return (
            float(np.linalg.norm(self.affine[:3, 0])),
            float(np.linalg.norm(self.affine[:3, 1])),
        )


@dataclass(frozen=True)
class Scan:
    """A stack of axial slices in the file's own order.

    Attributes
    ----------
    data : ndarray, shape (columns, rows, slices)
        float32 HU, or uint8 label values.
    affines : ndarray, shape (slices, 4, 4)
        The affine of each slice, see `Slice`.
    """

    data: NDArray[np.generic]
    affines: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of slices."""
        return self.data.shape[2]

    def __getitem__(self, index: int) -> Slice:
        """Return one slice by its zero-based index along the scan's axial axis."""
        return Slice(self.data[:, :, index], self.affines[index])

    def part(self, indices: Sequence[int]) -> Scan:
        """Return some of the slices, copied.

        Parameters
        ----------
        indices : sequence of int
            Zero-based, in the order in which they are wanted.

        Returns
        -------
        Scan
        """
        places = list(indices)
        return Scan(np.ascontiguousarray(self.data[:, :, places]), self.affines[places])
