"""Whether probabilities are as high as what they tell comes true.

References
----------
Brier GW. Verification of forecasts expressed in terms of probability. Mon Weather Rev 78:1-3
(1950). doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2; Naeini MP, Cooper GF, Hauskrecht M.
Obtaining well calibrated probabilities using Bayesian binning. AAAI 29:2901-2907 (2015); Clopper
CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the case of the binomial.
Biometrika 26:404-413 (1934). doi:10.1093/biomet/26.4.404
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.metrics.statistics import CONFIDENCE
from atlas_builder.metrics.tables import Estimate

TENTHS = 10

LEAST_IN_TENTH = 30
"""Regions from which on a tenth says whether its probabilities are right."""


@dataclass(frozen=True)
class Tenth:
    """What came true of probabilities within a tenth.

    Attributes
    ----------
    first, last : float
        From which probability to which; the upper bound belongs to the next tenth, but 1 to the
        last.
    count, positive : int
        How many probabilities, and how many of them came true.
    predicted : float
        Their mean; NaN of an empty tenth.
    observed : Estimate
        The share that came true, with Clopper and Pearson's exact 95% interval, which takes the
        regions of a participant for independent.
    """

    first: float
    last: float
    count: int
    positive: int
    predicted: float
    observed: Estimate

    @property
    def deviation(self) -> float:
        """The share that came true less the mean probability."""
        return self.observed.value - self.predicted

    @property
    def says_enough(self) -> bool:
        """Whether there are `LEAST_IN_TENTH` or more."""
        return self.count >= LEAST_IN_TENTH


@dataclass(frozen=True)
class Calibration:
    """How probabilities and what came true go together.

    Attributes
    ----------
    count : int
        Probabilities.
    brier : float
        Mean squared difference of probability and outcome; 0 is perfect.
    base_rate_brier : float
        The same of giving everyone the share that came true.
    expected_error : float
        Mean distance of the tenths' shares from their mean probabilities, weighted by count.
    tenths : tuple of Tenth
        Ten, rising.
    """

    count: int
    brier: float
    base_rate_brier: float
    expected_error: float
    tenths: tuple[Tenth, ...]

    @property
    def largest_deviation(self) -> float:
        """The deviation furthest from 0 of the tenths that say enough; NaN where none does."""
        found = [tenth.deviation for tenth in self.tenths if tenth.says_enough]
        return max(found, key=abs, default=float("nan"))


def calibration_of(positive: NDArray[np.bool_], probability: NDArray[np.float64]) -> Calibration:
    """Compare probabilities with what came true.

    Parameters
    ----------
    positive : ndarray of bool, shape (regions,)
        Which came true; at least one region.
    probability : ndarray, shape (regions,)
        From 0 to 1.

    Returns
    -------
    Calibration
    """
    # A probability such as 0.3 stands for three tenths, though 0.3 * 10 falls short of 3 elsewhere.
    bounds = np.arange(1, TENTHS) / TENTHS
    place = np.searchsorted(bounds, probability, side="right")
    counts = np.bincount(place, minlength=TENTHS)
    came_true = np.bincount(place, weights=positive, minlength=TENTHS)
    sums = np.bincount(place, weights=probability, minlength=TENTHS)
    tenths = tuple(
        Tenth(
            tenth / TENTHS,
            (tenth + 1) / TENTHS,
            int(counts[tenth]),
            int(came_true[tenth]),
            float(sums[tenth] / counts[tenth]) if counts[tenth] else float("nan"),
            exact_share(int(came_true[tenth]), int(counts[tenth])),
        )
        for tenth in range(TENTHS)
    )
    share = float(np.mean(positive))
    return Calibration(
        len(probability),
        float(np.mean((probability - positive) ** 2)),
        share * (1 - share),
        float(np.abs(came_true - sums).sum() / len(probability)),
        tenths,
    )


def exact_share(count: int, total: int) -> Estimate:
    """Return a share with Clopper and Pearson's exact 95% interval.

    Parameters
    ----------
    count, total : int
        How many of how many.

    Returns
    -------
    Estimate
        NaN for none of none.
    """
    from scipy.stats import binomtest  # noqa: PLC0415 - slow to load

    if not total:
        return Estimate(float("nan"))
    interval = binomtest(count, total).proportion_ci(CONFIDENCE, method="exact")
    return Estimate(count / total, float(interval.low), float(interval.high))
