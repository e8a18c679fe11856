"""Thresholds of a score: Youden's, its interval, and what it comes to in patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.metrics.roc import Curve, roc_curve_of
from atlas_builder.metrics.statistics import CONFIDENCE

RESAMPLES = 2000
"""Of the bootstrap interval of a threshold."""

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


def youden_threshold(curve: Curve) -> float:
    """Return the threshold with the largest sensitivity + specificity - 1.

    Of several the one is taken at which the fewest are positive. NaN where no threshold is better
    than chance, which is an index of zero.

    Parameters
    ----------
    curve : Curve
        From `roc_curve_of`.

    Returns
    -------
    float
        In the marker's own unit, or NaN.

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

    Parameters
    ----------
    positive : ndarray of bool, shape (patients,)
        Who has the condition.
    marker : ndarray of float64, shape (patients,)
        In its own unit.
    seed : int
        Of the bootstrap; the same seed gives the same interval.
    lower_is_worse : bool
        Whether patients at or below a threshold are called positive, not those at or above it.

    Returns
    -------
    low, high : float
        In the marker's own unit; values that the marker takes.
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
    """Return sensitivity and specificity at a threshold; NaN where the threshold is NaN.

    Parameters
    ----------
    positive : ndarray of bool, shape (patients,)
        Who has the condition.
    marker : ndarray of float64, shape (patients,)
        In its own unit.
    threshold : float
        In the marker's unit; NaN where there is none.
    lower_is_worse : bool
        Whether patients at or below the threshold are called positive, not those at or above it.

    Returns
    -------
    OperatingPoint
    """
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

    Parameters
    ----------
    count, total : int
        How many of how many.

    Returns
    -------
    Proportion
        NaN for none of none.

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
