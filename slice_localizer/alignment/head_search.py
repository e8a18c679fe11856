"""Where a head lies in a scan, roughly: the standard head tried at every height.

The two are compared at about 10 mm. The most alike places are moved to fit (place, turn, size), and
the one that then differs least is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from slice_localizer.alignment.coarse_scan import CoarseScan
from slice_localizer.alignment.gauss_newton import Array, align
from slice_localizer.alignment.standard_head import HEAD_WINDOW, StandardHead

_USUAL_SIZE = 0.94  # of heads against the standard head, which is MNI's
_PITCHES = (-15.0, 0.0, 15.0)  # degrees
_HEIGHT_STEP_MM = 10.0
_PROBE_MM = 10.0
_HEAD_ABOVE_MM = 170.0  # more than any head reaches above its basal ganglia level
_NECK_MM = 40.0
_CROWN_MM = 25.0  # of head are above the basal ganglia level at the least
_MIDDLE_OF_HEAD = np.array([0.0, -18.0, 4.0])  # of the standard head's outline at its BGL, in mm
_STARTS = 3
_LEAST_INSIDE = 0.5
_MOST_DIFFERENT = 150.0  # HU: more counts no more
_STEPS = 25


def find_head(
    head: StandardHead,
    stripped: bool,
    scan: CoarseScan,
    image: NDArray[np.float32],
    *,
    upside_down: bool,
) -> Array:
    """Return the standard head's place in a scan, roughly.

    Parameters
    ----------
    head : StandardHead
        What to look for.
    stripped : bool
        Whether the scan shows the brain alone.
    scan : CoarseScan
        Where to look.
    image : ndarray, shape (columns, rows, slices)
        The scan in `HEAD_WINDOW`, blurred by `HEAD_SIGMA_MM`.
    upside_down : bool
        Whether to look for a head that is mirrored from top to bottom.

    Returns
    -------
    ndarray, shape (4, 4)
        From the standard head's mm to the scan's.
    """
    comparison = _Comparison.of(head, stripped, scan, image)
    starts = sorted(_starts(scan, upside_down), key=comparison.difference)
    moved = [
        align(
            head.stripped if stripped else head.whole,
            scan,
            image,
            start,
            "similarity",
            steps=_STEPS,
            tolerance_mm=0.2,
            tolerance_hu=60.0,
        ).affine
        for start in starts[:_STARTS]
    ]
    return min(moved, key=comparison.difference)


def _starts(scan: CoarseScan, upside_down: bool) -> list[Array]:
    """Return places of the standard head to try: every height and three pitches."""
    bottom, top, middle = _extent(scan)
    affines = []
    lowest, highest = max(bottom, top - _HEAD_ABOVE_MM) - _NECK_MM, top - _CROWN_MM
    if upside_down:
        lowest, highest = bottom + _CROWN_MM, min(top, bottom + _HEAD_ABOVE_MM) + _NECK_MM
    size = np.diag([_USUAL_SIZE, _USUAL_SIZE, -_USUAL_SIZE if upside_down else _USUAL_SIZE])
    for height in np.arange(lowest, highest, _HEIGHT_STEP_MM):
        nearest = int(np.abs(scan.heights - height).argmin())
        there = scan.axes @ middle + scan.origins[nearest]
        there += scan.normal * (height - scan.heights[nearest])
        for pitch in _PITCHES:
            affine = np.eye(4)
            turn = Rotation.from_euler("x", pitch, degrees=True).as_matrix()
            affine[:3, :3] = turn @ size
            affine[:3, 3] = there - affine[:3, :3] @ _MIDDLE_OF_HEAD
            affines.append(affine)
    return affines


def _extent(scan: CoarseScan) -> tuple[float, float, Array]:
    """Return the head's lowest and highest height, and its middle in pixels."""
    body = ndimage.binary_opening(scan.hu > HEAD_WINDOW[0], np.ones((5, 5, 1)))
    labels, count = ndimage.label(body)
    if count:
        body = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    else:
        body = np.ones_like(body)
    columns, rows, slices = (np.flatnonzero(body.any(axis=o)) for o in ((1, 2), (0, 2), (0, 1)))
    middle = np.array([columns[0] + columns[-1], rows[0] + rows[-1]]) / 2
    return float(scan.heights[slices[0]]), float(scan.heights[slices[-1]]), middle


@dataclass(frozen=True)
class _Comparison:
    """How different a scan is from the standard head, wherever that is put.

    Attributes
    ----------
    points : ndarray, shape (3, n)
        Of the scan, in mm.
    values : ndarray, shape (n,)
        The scan there.
    template : ndarray, shape (x, y, z)
        The standard head.
    to_voxels : ndarray, shape (4, 4)
        From the standard head's mm to voxels of it.
    """

    points: Array
    values: NDArray[np.float32]
    template: NDArray[np.float32]
    to_voxels: Array

    @classmethod
    def of(
        cls, head: StandardHead, stripped: bool, scan: CoarseScan, image: NDArray[np.float32]
    ) -> _Comparison:
        chosen, points = scan.points(_PROBE_MM)
        to_mm = np.diag([head.grid.spacing] * 3 + [1.0])
        to_mm[:3, 3] = head.grid.origin
        template = head.blurred(head.stripped_hu if stripped else head.hu)
        return cls(points, image[chosen].ravel(), template, np.linalg.inv(to_mm))

    def difference(self, affine: Array) -> float:
        """Return the mean absolute difference in HU; inf where too little of the head is seen."""
        to_voxels = self.to_voxels @ np.linalg.inv(affine)
        voxels = to_voxels[:3, :3] @ self.points + to_voxels[:3, 3:]
        above = voxels[2] > 0.5  # the standard head's neck is cut off; what lies below may be any
        tissue = self.values > HEAD_WINDOW[0] / 2
        if np.count_nonzero(above & tissue) < _LEAST_INSIDE * np.count_nonzero(tissue):
            return float("inf")
        template = ndimage.map_coordinates(
            self.template, voxels[:, above], order=1, mode="constant", cval=HEAD_WINDOW[0]
        )
        apart = np.abs(template - self.values[above])
        return float(np.minimum(apart, _MOST_DIFFERENT).mean())
