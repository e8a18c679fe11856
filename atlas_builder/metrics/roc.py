"""Receiver operating characteristic curves: areas, their intervals and tests.

References
----------
DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more correlated receiver
operating characteristic curves: a nonparametric approach. Biometrics 44:837-845 (1988).
doi:10.2307/2531595; Sun X, Xu W. Fast implementation of DeLong's algorithm for comparing the areas
under correlated receiver operating characteristic curves. IEEE Signal Process Lett 21:1389-1393
(2014). doi:10.1109/LSP.2014.2337313
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.metrics.statistics import CONFIDENCE

_NO_VARIANCE = 1e-15  # rounding leaves about 1e-18 where DeLong's variance is zero


@dataclass(frozen=True)
class Area:
    """The area under a ROC curve.

    Attributes
    ----------
    value : float
        The chance that a positive patient's marker is the more severe one, ties counted half.
    error : float
        DeLong's standard error.
    low, high : float
        95% interval: normal, cut at 0 and 1. NaN where the estimated variance is zero (groups
        separated or tied completely), which is no measure of the area's uncertainty.
    """

    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class AreaTest:
    """Two areas from the same patients compared.

    Attributes
    ----------
    difference : float
        The first less the second.
    low, high : float
        95% interval of it.
    z, p : float
        DeLong's test, two-sided. These and the interval are NaN where the estimated variance is
        zero: both markers order the patients alike, or separate or tie the groups completely.
    """

    difference: float
    low: float
    high: float
    z: float
    p: float


@dataclass(frozen=True)
class Curve:
    """A ROC curve.

    Attributes
    ----------
    false_positive, true_positive : ndarray, shape (points,)
        1 - specificity and sensitivity, rising from 0 to 1.
    thresholds : ndarray, shape (points,)
        In the marker's own unit; the first, at which no patient is positive, is infinite.
    """

    false_positive: NDArray[np.float64]
    true_positive: NDArray[np.float64]
    thresholds: NDArray[np.float64]


def delong_covariance(
    positive: NDArray[np.bool_], severity: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the areas of markers measured on the same patients, and the areas' covariance.

    Parameters
    ----------
    positive : ndarray of bool, shape (patients,)
        Who has the condition; at least two have and two have not.
    severity : ndarray, shape (markers, patients)
        Finite; larger is more severe.

    Returns
    -------
    areas : ndarray, shape (markers,)
        The Mann-Whitney statistic divided by the number of pairs.
    covariance : ndarray, shape (markers, markers)
        DeLong's estimate, from mid-ranks as Sun and Xu take it.

    Raises
    ------
    ValueError
        Fewer than two patients with the condition, or fewer than two without.
    """
    from scipy.stats import rankdata  # noqa: PLC0415 - slow to load

    cases, controls = severity[:, positive], severity[:, ~positive]
    n_cases, n_controls = cases.shape[1], controls.shape[1]
    if min(n_cases, n_controls) < 2:
        raise ValueError("needs at least two patients with the condition and two without")
    pooled = rankdata(np.concatenate([cases, controls], axis=1), axis=1)
    # The share of controls that each case exceeds, and of cases that exceed each control.
    of_cases = (pooled[:, :n_cases] - rankdata(cases, axis=1)) / n_controls
    of_controls = 1 - (pooled[:, n_cases:] - rankdata(controls, axis=1)) / n_cases
    covariance = np.atleast_2d(np.cov(of_cases)) / n_cases
    covariance = covariance + np.atleast_2d(np.cov(of_controls)) / n_controls
    return of_cases.mean(axis=1), covariance


def area_under(positive: NDArray[np.bool_], severity: NDArray[np.float64]) -> Area:
    """Return the area under a marker's ROC curve, with DeLong's interval.

    Parameters
    ----------
    positive : ndarray of bool, shape (patients,)
        Who has the condition; at least two have and two have not.
    severity : ndarray of float64, shape (patients,)
        The marker; finite, larger is more severe.

    Returns
    -------
    Area

    Raises
    ------
    ValueError
        See `delong_covariance`.
    """
    areas, covariance = delong_covariance(positive, severity[np.newaxis])
    area, variance = float(areas[0]), max(float(covariance[0, 0]), 0.0)
    error = float(np.sqrt(variance))
    if variance <= _NO_VARIANCE:
        return Area(area, error, float("nan"), float("nan"))
    reach = _normal_quantile() * error
    return Area(area, error, max(area - reach, 0.0), min(area + reach, 1.0))


def compare_areas(
    positive: NDArray[np.bool_], first: NDArray[np.float64], second: NDArray[np.float64]
) -> AreaTest:
    """Compare the areas of two markers of the same patients by DeLong's test.

    Parameters
    ----------
    positive : ndarray of bool, shape (patients,)
        Who has the condition; at least two have and two have not.
    first, second : ndarray of float64, shape (patients,)
        The markers; finite, larger is more severe.

    Returns
    -------
    AreaTest

    Raises
    ------
    ValueError
        See `delong_covariance`.
    """
    from scipy.stats import norm  # noqa: PLC0415 - slow to load

    areas, covariance = delong_covariance(positive, np.stack([first, second]))
    difference = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if variance <= _NO_VARIANCE:
        return AreaTest(difference, *[float("nan")] * 4)
    error = float(np.sqrt(variance))
    reach = _normal_quantile() * error
    z = difference / error
    return AreaTest(
        difference, difference - reach, difference + reach, z, float(2 * norm.sf(abs(z)))
    )


def roc_curve_of(
    positive: NDArray[np.bool_], marker: NDArray[np.float64], *, lower_is_worse: bool
) -> Curve:
    """Return the curve through every value of a marker.

    Parameters
    ----------
    positive : ndarray of bool, shape (patients,)
        Who has the condition.
    marker : ndarray, shape (patients,)
        In its own unit.
    lower_is_worse : bool
        Whether patients at or below a threshold are called positive, not those at or above it.
    """
    from sklearn.metrics import roc_curve  # noqa: PLC0415 - slow to load

    sign = -1.0 if lower_is_worse else 1.0
    false_positive, true_positive, thresholds = roc_curve(
        positive, sign * marker, drop_intermediate=False
    )
    return Curve(false_positive, true_positive, sign * thresholds)


def _normal_quantile() -> float:
    from scipy.stats import norm  # noqa: PLC0415 - slow to load

    return float(norm.ppf(0.5 + CONFIDENCE / 2))
