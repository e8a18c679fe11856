"""Receiver operating characteristic curves: areas, their intervals and tests, thresholds.

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

RESAMPLES = 2000
"""Of the bootstrap interval of a threshold."""

_NO_VARIANCE = 1e-15  # rounding leaves about 1e-18 where DeLong's variance is zero
_NO_INDEX = 1e-12  # sums of shares differ by rounding where Youden's index is the same


@dataclass(frozen=True)
class Proportion:
    """A share of patients.

    Attributes
    ----------
    count, total : int
        How many of how many.
    value : float
        Their quotient; NaN for none of none.
    low, high : float
        95% interval.
    """

    count: int
    total: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it finds.

    Attributes
    ----------
    threshold : float
        A patient whose marker is at least as severe is called positive; NaN where there is none,
        and so are the shares then.
    sensitivity, specificity : Proportion
        Of positive patients called so, and of the others not called so.
    """

    threshold: float
    sensitivity: Proportion
    specificity: Proportion

    @property
    def youden(self) -> float:
        """Youden's index: sensitivity + specificity - 1."""
        return self.sensitivity.value + self.specificity.value - 1


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
        separated or tied completely), which says nothing of how certain the area is.
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
        In the marker's own unit; the first, at which nobody is positive, is infinite.
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
    """Return the area under a marker's curve; arguments as for `delong_covariance`, one marker."""
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
    """Compare the areas of two markers of the same patients by DeLong's test."""
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


def youden_threshold(curve: Curve) -> float:
    """Return the threshold with the largest sensitivity + specificity - 1.

    Of several the one is taken at which the fewest are positive. NaN where no threshold is better
    than chance, which is an index of zero.

    References
    ----------
    Youden WJ. Index for rating diagnostic tests. Cancer 3:32-35 (1950).
    """
    index = curve.true_positive - curve.false_positive
    if index.max() <= _NO_INDEX:
        return float("nan")
    return float(curve.thresholds[np.flatnonzero(index >= index.max() - _NO_INDEX)[0]])


def threshold_interval(
    positive: NDArray[np.bool_],
    marker: NDArray[np.float64],
    seed: int,
    *,
    lower_is_worse: bool,
) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of Youden's threshold.

    Patients with and without the condition are resampled each on their own, `RESAMPLES` times.
    NaN where these patients have no threshold.
    """
    if np.isnan(youden_threshold(roc_curve_of(positive, marker, lower_is_worse=lower_is_worse))):
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    sign = -1.0 if lower_is_worse else 1.0
    values, place = np.unique(sign * marker, return_inverse=True)
    found = np.zeros(RESAMPLES)
    for resample in range(RESAMPLES):
        index = np.zeros(len(values))
        for group, weight in ((place[positive], 1.0), (place[~positive], -1.0)):
            drawn = generator.choice(group, len(group))
            index += weight * np.bincount(drawn, minlength=len(values)) / len(group)
        at_or_above = np.cumsum(index[::-1])
        found[resample] = values[::-1][np.argmax(at_or_above > at_or_above.max() - _NO_INDEX)]
    beyond = (1 - CONFIDENCE) / 2
    # Observed values, not means between two of them: an ASPECTS is a whole number.
    low, high = np.quantile(sign * found, [beyond, 1 - beyond], method="inverted_cdf")
    return float(low), float(high)


def operating_point(
    positive: NDArray[np.bool_],
    marker: NDArray[np.float64],
    threshold: float,
    *,
    lower_is_worse: bool,
) -> OperatingPoint:
    """Return what a threshold finds, nothing if it is NaN; arguments as for `roc_curve_of`."""
    if np.isnan(threshold):
        return OperatingPoint(threshold, proportion(0, 0), proportion(0, 0))
    called = marker <= threshold if lower_is_worse else marker >= threshold
    return OperatingPoint(
        threshold,
        proportion(int(np.count_nonzero(called & positive)), int(np.count_nonzero(positive))),
        proportion(int(np.count_nonzero(~called & ~positive)), int(np.count_nonzero(~positive))),
    )


def proportion(count: int, total: int) -> Proportion:
    """Return a share with Wilson's 95% interval.

    References
    ----------
    Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat
    Assoc 22:209-212 (1927). doi:10.1080/01621459.1927.10502953
    """
    from scipy.stats import binomtest  # noqa: PLC0415 - slow to load

    if total == 0:
        return Proportion(0, 0, float("nan"), float("nan"), float("nan"))
    interval = binomtest(count, total).proportion_ci(CONFIDENCE, method="wilson")
    return Proportion(count, total, count / total, float(interval.low), float(interval.high))


def _normal_quantile() -> float:
    from scipy.stats import norm  # noqa: PLC0415 - slow to load

    return float(norm.ppf(0.5 + CONFIDENCE / 2))
