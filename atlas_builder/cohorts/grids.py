"""Whether labels lie on a scan's slices, decided by positions in the patient.

Array order does not count: labels may be stored in another orientation or slice order than that
of the scan.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.io.stacking import is_even

_TOLERANCE_PIXELS = 0.1


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a stack of slices lie.

    Attributes
    ----------
    slice_shape : tuple of int
        Columns and rows of each slice.
    affines : ndarray, shape (slices, 4, 4)
        The affine of each slice, as in `Scan`.
    """

    slice_shape: tuple[int, int]
    affines: NDArray[np.float64]

    def corners(self) -> NDArray[np.float64]:
        """Return the RAS+ mm positions of each slice's corner pixels, shape (slices, 4, 3)."""
        (columns, rows) = self.slice_shape
        indices = [[c, r, 0, 1] for c in (0, columns - 1) for r in (0, rows - 1)]
        positions = self.affines @ np.transpose(np.array(indices, dtype=np.float64))
        return positions[:, :3].swapaxes(1, 2)


def match_slices(
    labels_path: Path, labels: Grid, scan: Grid, labelled: Iterable[int]
) -> dict[int, int]:
    """Find the scan's slices that labelled slices lie on.

    Both grids must have equally many slices of one shape, and every pixel must lie within a tenth
    of a pixel of its counterpart.

    One exception: the slices of a DICOM scan may be spaced unevenly, which the affine of a NIfTI
    file cannot express. Labels of such a scan are taken slice by slice (the k-th from the feet
    belongs to the k-th) as long as each labelled slice differs from its counterpart only along
    the direction in which the slices are stacked, and by less than half the distance to the next
    slice, so that no other slice is nearer. Beyond that a converter's even spacing cannot be told
    from a resampled or shifted volume, and the labels are refused: give them per level instead.

    Parameters
    ----------
    labels_path : Path
        The labels' file, for messages.
    labels, scan : Grid
        Where the slices of each lie.
    labelled : iterable of int
        Indices of the labels' slices to place.

    Returns
    -------
    dict
        From each labelled slice's index to the index of the scan's slice.

    Raises
    ------
    InputError
        The grids differ.
    """
    for ours, theirs, what in (
        (labels.slice_shape, scan.slice_shape, "columns and rows"),
        (len(labels.affines), len(scan.affines), "slices"),
    ):
        if ours != theirs:
            raise _other_grid(labels_path, f"{ours} {what}, the scan {theirs}")
    towards_head = scan.affines[0, :3, 2]
    scan_order = np.argsort(scan.affines[:, :3, 3] @ towards_head)
    labels_order = np.argsort(labels.affines[:, :3, 3] @ towards_head)
    corners = scan.corners()[scan_order]
    offsets = labels.corners()[labels_order] - corners
    distances = np.linalg.norm(offsets, axis=2).max(axis=1)
    tolerance = _TOLERANCE_PIXELS * np.linalg.norm(scan.affines[0, :3, :2], axis=0).min()
    rank = {int(index): place for place, index in enumerate(labels_order)}
    if distances.max() > tolerance:
        if is_even(corners[:, 0], tolerance):
            raise _other_grid(labels_path, f"up to {distances.max():.3g} mm away from the scan's")
        for index in labelled:
            if not _is_nearest(rank[index], offsets[rank[index]], corners[:, 0], tolerance):
                raise InputError(
                    f"{labels_path}: slice {index} lies {distances[rank[index]]:.3g} mm from the "
                    "scan's, whose uneven spacing one NIfTI file cannot express; give each key "
                    "slice in files of its own (level-BGL, level-SGL)"
                )
    return {index: int(scan_order[rank[index]]) for index in labelled}


def _other_grid(labels_path: Path, difference: str) -> InputError:
    return InputError(
        f"{labels_path}: on another grid than the scan ({difference}); draw or resample the labels "
        "on the scan itself"
    )


def _is_nearest(
    place: int, offsets: NDArray[np.float64], origins: NDArray[np.float64], tolerance: float
) -> bool:
    """Tell whether a slice is off along the stack only, and by less than half a step.

    Parameters
    ----------
    place : int
        The slice's rank from the feet.
    offsets : ndarray, shape (4, 3)
        How far its corners are off, in mm.
    origins : ndarray, shape (slices, 3)
        The scan's slice origins from the feet to the head.
    tolerance : float
        In mm.
    """
    shift = offsets.mean(axis=0)
    if np.linalg.norm(offsets - shift, axis=1).max() > tolerance:
        return False
    steps = np.diff(origins, axis=0)
    below, above = steps[max(place - 1, 0)], steps[min(place, len(steps) - 1)]
    step = above if shift @ above > 0 else -below
    share = float(shift @ step / (step @ step))
    return share < 0.5 and bool(np.linalg.norm(shift - share * step) <= tolerance)
