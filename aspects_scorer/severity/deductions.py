"""How often each region loses its point in mild, moderate and severe strokes.

References
----------
Pearson K. Philos Mag 50:157-175 (1900). doi:10.1080/14786440009463897; Cramér H. Mathematical
methods of statistics. Princeton University Press (1946), chapter 21; Cochran WG. Some methods for
strengthening the common chi-square tests. Biometrics 10:417-451 (1954). doi:10.2307/3001616;
Haldane JBS. The estimation and significance of the logarithm of a ratio of frequencies. Ann Hum
Genet 20:309-311 (1956). doi:10.1111/j.1469-1809.1955.tb01285.x
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.severity.groups import Severity
from atlas_builder.core.anatomy import SIDES, Region, Side
from atlas_builder.metrics.statistics import CONFIDENCE, holm
from atlas_builder.metrics.thresholds import Proportion, proportion

Where: TypeAlias = Literal["left", "right", "either"]
"""A side of the patient, or the two together: whether the region loses its point on any."""

_NAN = float("nan")


@dataclass(frozen=True)
class Deduction:
    """A region's deductions by severity.

    Attributes
    ----------
    region, where
        Which region.
    frequency : mapping of Severity to Proportion
        Patients of each group whose region loses its point, of all patients of the group.
    chi_square : float
        Pearson's statistic of the table of severity by deduction, without continuity correction;
        NaN where the test cannot be made: nobody or everybody loses the point, or there is one
        group only.
    freedom : int
        Its degrees of freedom: one less than there are groups with patients.
    p, p_holm : float
        Of the test, and after Holm's correction over the family it is reported in.
    cramer_v : float
        Strength of the association, 0-1.
    least_expected : float
        The smallest expected count; below 5 the test is rough.
    odds_ratio, odds_low, odds_high : float
        Odds of a moderate or severe stroke in patients with the deduction, relative to those
        without, with a 95% interval; half a patient added to each count.
    """

    region: Region
    where: Where
    frequency: Mapping[Severity, Proportion]
    chi_square: float
    freedom: int
    p: float
    p_holm: float
    cramer_v: float
    least_expected: float
    odds_ratio: float
    odds_low: float
    odds_high: float


def deductions_by_side(
    deducted: Mapping[Side, NDArray[np.bool_]], severity: NDArray[np.intp]
) -> tuple[Deduction, ...]:
    """Return the deductions of the ten regions on either side: one family of twenty tests.

    Parameters
    ----------
    deducted : mapping of side to ndarray of bool, shape (patients, 10)
        Who loses the point of which region, regions in label order.
    severity : ndarray of int, shape (patients,)
        Values of `Severity`.
    """
    return _with_holm(
        [
            _deduction(region, side, deducted[side][:, region - 1], severity)
            for side, region in product(SIDES, Region)
        ]
    )


def deductions_of_either_side(
    deducted: Mapping[Side, NDArray[np.bool_]], severity: NDArray[np.intp]
) -> tuple[Deduction, ...]:
    """Return the deductions of the ten regions, the sides together: one family of ten tests.

    Parameters
    ----------
    deducted : mapping of side to ndarray of bool, shape (patients, 10)
        Who loses the point of which region, regions in label order.
    severity : ndarray of int, shape (patients,)
        Values of `Severity`.

    Returns
    -------
    tuple of Deduction
        In label order.
    """
    either = deducted["left"] | deducted["right"]
    return _with_holm(
        [_deduction(region, "either", either[:, region - 1], severity) for region in Region]
    )


def _deduction(
    region: Region, where: Where, lost: NDArray[np.bool_], severity: NDArray[np.intp]
) -> Deduction:
    counts = np.array(
        [
            [np.count_nonzero(lost[severity == group]), np.count_nonzero(~lost[severity == group])]
            for group in Severity
        ]
    )
    frequency = {
        group: proportion(int(of_group[0]), int(of_group.sum()))
        for group, of_group in zip(Severity, counts, strict=True)
    }
    chi_square, freedom, p, least = _pearson(counts)
    return Deduction(
        region,
        where,
        frequency,
        chi_square,
        freedom,
        p,
        _NAN,
        float(np.sqrt(chi_square / counts.sum())),  # of a table with two columns
        least,
        *_odds_ratio(counts[1:].sum(axis=0), counts[0]),
    )


def _pearson(counts: NDArray[np.intp]) -> tuple[float, int, float, float]:
    """Return chi-square, degrees of freedom, p and the smallest expected count."""
    from scipy.stats import chi2_contingency  # noqa: PLC0415 - slow to load

    counts = counts[counts.sum(axis=1) > 0]
    if len(counts) < 2 or (counts.sum(axis=0) == 0).any():
        return _NAN, 0, _NAN, _NAN
    found = chi2_contingency(counts, correction=False)
    return (
        float(found.statistic),
        int(found.dof),
        float(found.pvalue),
        float(found.expected_freq.min()),
    )


def _odds_ratio(worse: NDArray[np.intp], milder: NDArray[np.intp]) -> tuple[float, float, float]:
    from scipy.stats import norm  # noqa: PLC0415 - slow to load

    if worse.sum() == 0 or milder.sum() == 0:
        return _NAN, _NAN, _NAN
    (a, b), (c, d) = worse + 0.5, milder + 0.5
    logarithm = np.log(a * d / (b * c))
    reach = norm.ppf(0.5 + CONFIDENCE / 2) * np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    low, value, high = np.exp([logarithm - reach, logarithm, logarithm + reach])
    return float(value), float(low), float(high)


def _with_holm(family: list[Deduction]) -> tuple[Deduction, ...]:
    corrected = holm(np.array([deduction.p for deduction in family]))
    return tuple(
        replace(deduction, p_holm=float(p)) for deduction, p in zip(family, corrected, strict=True)
    )
