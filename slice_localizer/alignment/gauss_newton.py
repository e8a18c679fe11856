"""Affine alignment of a pattern with a scan by Gauss-Newton steps.

The pattern's gradients serve in place of the scan's, whose slices may be thick (the inverse
compositional scheme [1]_), so a step needs no more than looking the scan up at the pattern's
points. A gain, an offset and the pattern's modes of appearance are found along with the affine
[2]_, and what differs by more than a few tens of HU, such as blood or a cavity, counts little [3]_.

References
----------
.. [1] Baker S, Matthews I. Lucas-Kanade 20 years on: a unifying framework. Int J Comput Vis
   56:221-255 (2004). doi:10.1023/B:VISI.0000011205.11775.fd
.. [2] Cootes TF, Edwards GJ, Taylor CJ. Active appearance models. IEEE Trans Pattern Anal Mach
   Intell 23:681-685 (2001). doi:10.1109/34.927467
.. [3] Geman S, McClure DE. Statistical methods for tomographic image reconstruction. Bull Int Stat
   Inst 52:5-21 (1987).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from slice_localizer.alignment.coarse_scan import CoarseScan

Array = NDArray[np.float64]
Freedom = Literal["shift", "similarity", "affine"]

_UNIT_MM = 50.0  # at this distance from the centre a change of shape moves points by its size in mm
_SETTLED = 1e-6  # added to the diagonal, relative
_FEWEST_POINTS = 200
LEAST_SEEN = 0.4
"""Of a pattern: a scan that shows less of it may show anything."""


@dataclass(frozen=True)
class Pattern:
    """What is looked for: densities at points of the standard head.

    Attributes
    ----------
    points : ndarray, shape (3, n)
        Millimetres of the standard head's space.
    values : ndarray, shape (n,)
        HU, windowed and blurred.
    gradients : ndarray, shape (n, 3)
        Of the values, HU a mm.
    weights : ndarray, shape (n,)
        How much each point counts.
    modes : ndarray, shape (m, n)
        How values differ between subjects: HU a standard deviation of each mode; m may be 0.
    centre : ndarray, shape (3,)
        What changes of shape leave in place, in mm.
    """

    points: Array
    values: Array
    gradients: Array
    weights: Array
    modes: Array
    centre: Array

    def of_person(self, coefficients: Array) -> Pattern:
        """Return the pattern as one subject shows it, without modes.

        Parameters
        ----------
        coefficients : ndarray, shape (2 + m,)
            As in `Alignment`.

        Returns
        -------
        Pattern
        """
        values = self.values + self.looks() @ coefficients
        return replace(self, values=values, modes=np.zeros((0, len(values))))

    def looks(self) -> Array:
        """Return how values change with gain, offset and each mode, shape (n, 2 + m)."""
        contrast = self.values - self.values.mean()
        return np.column_stack([contrast, np.ones(len(contrast)), self.modes.T])


@dataclass(frozen=True)
class Alignment:
    """Where a pattern lies in a scan.

    Attributes
    ----------
    affine : ndarray, shape (4, 4)
        From the standard head's mm to the scan's RAS+ mm.
    coefficients : ndarray, shape (2 + m,)
        Gain less one, offset in HU, and the modes' coefficients.
    correlation : float
        Of the pattern, with its modes, and the scan: weighted, without what differs widely; 0 where
        less than 0.4 of the pattern lies in the scan.
    """

    affine: Array
    coefficients: Array
    correlation: float


def align(
    pattern: Pattern,
    scan: CoarseScan,
    image: NDArray[np.float32],
    start: Array,
    freedom: Freedom,
    *,
    steps: int,
    tolerance_mm: float,
    tolerance_hu: float,
    coefficients: Array | None = None,
    mode_penalty: float = 0.0,
) -> Alignment:
    """Move a pattern to where it resembles a scan.

    Parameters
    ----------
    pattern : Pattern
        What to look for.
    scan : CoarseScan
        Where to look.
    image : ndarray, shape (columns, rows, slices)
        The scan, windowed and blurred as the pattern.
    start : ndarray, shape (4, 4)
        From the standard head's mm to the scan's.
    freedom : {'shift', 'similarity', 'affine'}
        What may change: the place; place, turn and size; or everything affine.
    steps : int
        At most.
    tolerance_mm : float
        Steps end when one moves no point within 5 cm of the centre by much more.
    tolerance_hu : float
        Differences beyond it count little.
    coefficients : ndarray, shape (2 + m,), optional
        To start from.
    mode_penalty : float
        Against unusual coefficients of the modes: HU squared a squared standard deviation.

    Returns
    -------
    Alignment
        The start, where hardly any of the pattern lies in the scan.
    """
    freedoms = _FREEDOMS[freedom]
    moving = _moving(pattern) @ freedoms
    count = moving.shape[1]
    looks = pattern.looks()
    columns = np.concatenate([moving, looks], axis=1)
    penalty = np.zeros(columns.shape[1])
    penalty[count + 2 :] = mode_penalty
    affine = start.copy()
    found = np.zeros(looks.shape[1]) if coefficients is None else coefficients.copy()
    for _ in range(steps):
        indices, inside = scan.indices(affine[:3, :3] @ pattern.points + affine[:3, 3:])
        if np.count_nonzero(inside) < _FEWEST_POINTS:
            return Alignment(start, found, 0.0)
        seen = slice(None) if inside.all() else inside  # a slice copies nothing
        rows = columns[seen]
        residuals = look_up(image, indices[:, seen]) - pattern.values[seen]
        residuals -= rows[:, count:] @ found
        weights = pattern.weights[seen] * _robust_weights(residuals, tolerance_hu)
        weighted = rows * (weights / weights.sum())[:, np.newaxis]
        normal = rows.T @ weighted + np.diag(penalty)
        downhill = weighted.T @ residuals
        downhill[count:] -= penalty[count:] * found
        normal += np.diag(_SETTLED * np.diag(normal) + _SETTLED)
        change = np.linalg.solve(normal, downhill)
        found += change[count:]
        motion = freedoms @ change[:count]
        affine = affine @ np.linalg.inv(_matrix(motion, pattern.centre))
        if float(np.abs(motion).max()) < tolerance_mm:
            break
    return Alignment(
        affine, found, _correlation(pattern, looks @ found, scan, image, affine, tolerance_hu)
    )


def look_up(image: NDArray[np.float32], indices: Array) -> Array:
    """Return an image's values at fractional indices, interpolated linearly.

    Parameters
    ----------
    image : ndarray of float32, shape (columns, rows, slices)
        Of a scan.
    indices : ndarray, shape (3, n)
        Columns, rows and slices; beyond an end the end's value holds.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    values: Array = ndimage.map_coordinates(image, indices, np.float64, order=1, mode="nearest")
    return values


def _robust_weights(residuals: Array, tolerance_hu: float) -> Array:
    return np.asarray((1 + (residuals / tolerance_hu) ** 2) ** -2)


def _correlation(
    pattern: Pattern,
    looks: Array,
    scan: CoarseScan,
    image: NDArray[np.float32],
    affine: Array,
    tolerance_hu: float,
) -> float:
    indices, inside = scan.indices(affine[:3, :3] @ pattern.points + affine[:3, 3:])
    if np.count_nonzero(inside) < _FEWEST_POINTS:
        return 0.0
    seen = look_up(image, indices[:, inside])
    expected = (pattern.values + looks)[inside]
    if pattern.weights[inside].sum() < LEAST_SEEN * pattern.weights.sum():
        return 0.0  # a corner of a pattern may resemble anything
    weights = pattern.weights[inside] * _robust_weights(seen - expected, tolerance_hu)
    covariance = np.cov(np.stack([seen, expected]), aweights=weights)
    spread = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    return float(covariance[0, 1]) / spread if spread > 0 else 0.0


def _moving(pattern: Pattern) -> Array:
    """Return how the values change as each of the twelve parameters does, shape (n, 12)."""
    away = (pattern.points - pattern.centre[:, np.newaxis]).T / _UNIT_MM
    shape = pattern.gradients[:, :, np.newaxis] * away[:, np.newaxis, :]
    return np.concatenate([pattern.gradients, shape.reshape(-1, 9)], axis=1)


def _matrix(motion: Array, centre: Array) -> Array:
    """Return the affine of twelve parameters: a shift, and a change of shape about the centre."""
    shape = motion[3:].reshape(3, 3) / _UNIT_MM
    matrix = np.eye(4)
    matrix[:3, :3] += shape
    matrix[:3, 3] = motion[:3] - shape @ centre
    return matrix


def _similarity() -> Array:
    """Return shifts, turns about three axes and size as twelve parameters, shape (12, 7)."""
    kinds = np.zeros((7, 12))
    kinds[:3, :3] = np.eye(3)
    for row, (up, down) in enumerate(((2, 1), (0, 2), (1, 0)), start=3):
        kinds[row, 3 + 3 * up + down] = 1.0
        kinds[row, 3 + 3 * down + up] = -1.0
    kinds[6, 3::4] = 1.0
    return kinds.T


_FREEDOMS = MappingProxyType(
    {"shift": np.eye(12)[:, :3], "similarity": _similarity(), "affine": np.eye(12)}
)
