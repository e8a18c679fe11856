"""The correction of an aligned level by the residuals around it.

Once the standard head is aligned with a scan, the differences that remain are small and have
causes: nuclei that lie a little higher, a ventricle that reaches a little further down. The level's
shift is a linear function of these residuals (one step of supervised descent [1]_), fitted by ridge
regression [2]_ to simulated subjects whose level is known.

References
----------
.. [1] Xiong X, De la Torre F. Supervised descent method and its applications to face alignment.
   CVPR 532-539 (2013). doi:10.1109/CVPR.2013.75
.. [2] Hoerl AE, Kennard RW. Ridge regression: biased estimation for nonorthogonal problems.
   Technometrics 12:55-67 (1970). doi:10.1080/00401706.1970.10488634
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slice_localizer.alignment.coarse_scan import CoarseScan
from slice_localizer.alignment.gauss_newton import LEAST_SEEN, Alignment, Array, Pattern, look_up

REACH_MM = 11.5
"""Standard deviation of the weights about the level of what is compared."""

_MOST_HU = 10.0  # larger differences are lesions
_FARTHEST_MM = 2.0
_RIDGE = 0.2  # of the mean variance of what is compared
_DECIMALS = 9  # of mm a HU: the last bits depend on the threads that sum


@dataclass(frozen=True)
class Correction:
    """The level's shift as a linear function of an alignment's residuals.

    Attributes
    ----------
    weights : ndarray, shape (3, n)
        Millimetres of the standard head a HU of `residuals_of`.
    offset : ndarray, shape (3,)
        The shift where all residuals are 0, in mm.
    """

    weights: Array
    offset: Array

    def of(self, residuals: Array) -> Array:
        """Return the shift from the aligned level to the corrected one.

        Parameters
        ----------
        residuals : ndarray, shape (n,)
            From `residuals_of`.

        Returns
        -------
        ndarray, shape (3,)
            In mm of the standard head, at most 2 mm long.
        """
        shift = self.weights @ residuals + self.offset
        return np.asarray(shift * min(1.0, _FARTHEST_MM / max(float(np.linalg.norm(shift)), 1e-9)))


def residuals_of(
    pattern: Pattern, scan: CoarseScan, image: NDArray[np.float32], found: Alignment
) -> Array:
    """Return the weighted residuals of an aligned pattern.

    Parameters
    ----------
    pattern : Pattern
        The standard head around its level, with its modes.
    scan : CoarseScan
        The scan.
    image : ndarray of float32, shape (columns, rows, slices)
        The scan, windowed and blurred as the pattern.
    found : Alignment
        Where the pattern lies.

    Returns
    -------
    ndarray, shape (n,)
        Scan less pattern in HU, times the pattern's weights. It is 0 at points beyond the scan, and
        at all of them where the scan shows less than 0.4 of the pattern.
    """
    indices, inside = scan.indices(found.affine[:3, :3] @ pattern.points + found.affine[:3, 3:])
    expected = pattern.of_person(found.coefficients).values
    residuals = np.clip(look_up(image, indices) - expected, -_MOST_HU, _MOST_HU)
    if pattern.weights[inside].sum() < LEAST_SEEN * pattern.weights.sum():
        inside = np.zeros_like(inside)
    return np.asarray(np.where(inside, residuals, 0.0) * pattern.weights)


def fit_correction(residuals: Array, shifts: Array) -> Correction:
    """Fit the correction to alignments with scans whose level is known.

    Parameters
    ----------
    residuals : ndarray, shape (scans, n)
        From `residuals_of`.
    shifts : ndarray, shape (scans, 3)
        From each aligned level to the true one, in mm of the standard head.

    Returns
    -------
    Correction
    """
    centred = residuals - residuals.mean(axis=0)
    gram = centred @ centred.T
    gram += np.eye(len(gram)) * (_RIDGE * float(np.trace(gram)) / len(gram))
    weights = np.linalg.solve(gram, shifts - shifts.mean(axis=0)).T @ centred
    offset = shifts.mean(axis=0) - weights @ residuals.mean(axis=0)
    return Correction(weights.round(_DECIMALS), offset.round(_DECIMALS))
