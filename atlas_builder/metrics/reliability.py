"""How scores of the same patients by two sources - this software, readers - agree.

References
----------
McGraw KO, Wong SP. Forming inferences about some intraclass correlation coefficients. Psychol
Methods 1:30-46 (1996). doi:10.1037/1082-989X.1.1.30; Bonett DG, Wright TA. Sample size
requirements for estimating Pearson, Kendall and Spearman correlations. Psychometrika 65:23-28
(2000). doi:10.1007/BF02294183; Bland JM, Altman DG. Statistical methods for assessing agreement
between two methods of clinical measurement. Lancet 327:307-310 (1986).
doi:10.1016/S0140-6736(86)90837-8
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.metrics.statistics import CONFIDENCE

_NAN = float("nan")
LEAST_PATIENTS = 6
"""With fewer, correlations and their intervals are withheld."""


@dataclass(frozen=True)
class Coefficient:
    """A coefficient with its 95% interval, and p where a test belongs to it."""

    value: float
    low: float = _NAN
    high: float = _NAN
    p: float = _NAN


@dataclass(frozen=True)
class ReaderAgreement:
    """How two sources agree.

    Attributes
    ----------
    first, second : str
        The sources.
    n : int
        Patients scored by both.
    spearman, icc : Coefficient
        See `spearman` and `icc_agreement`.
    bias, low, high : float
        Mean of first - second, and Bland and Altman's 95% limits of agreement.
    identical, within_one, within_two : float
        Share of patients with the same score, and with scores at most one and two points apart.
    """

    first: str
    second: str
    n: int
    spearman: Coefficient
    icc: Coefficient
    bias: float
    low: float
    high: float
    identical: float
    within_one: float
    within_two: float


def spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> Coefficient:
    """Return Spearman's correlation with Bonett and Wright's interval.

    Parameters
    ----------
    first, second : ndarray, shape (patients,)
        Finite. NaN comes out for fewer than `LEAST_PATIENTS`, or where one of them does not vary.
    """
    from scipy import stats  # noqa: PLC0415 - slow to load

    n = len(first)
    if n < LEAST_PATIENTS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Coefficient(_NAN)
    found = stats.spearmanr(first, second)
    value = float(found.statistic)
    if abs(value) > 1 - 1e-12:
        return Coefficient(value, value, value, float(found.pvalue))
    error = np.sqrt((1 + value**2 / 2) / (n - 3))
    reach = stats.norm.ppf(0.5 + CONFIDENCE / 2) * error
    low, high = np.tanh([np.arctanh(value) - reach, np.arctanh(value) + reach])
    return Coefficient(value, float(low), float(high), float(found.pvalue))


def pearson(first: NDArray[np.float64], second: NDArray[np.float64]) -> Coefficient:
    """Return Pearson's correlation with Fisher's interval.

    Parameters
    ----------
    first, second : ndarray, shape (patients,)
        Finite. NaN comes out for fewer than `LEAST_PATIENTS`, or where one of them does not vary.

    References
    ----------
    Fisher RA. On the probable error of a coefficient of correlation deduced from a small sample.
    Metron 1:3-32 (1921).
    """
    from scipy import stats  # noqa: PLC0415 - slow to load

    n = len(first)
    if n < LEAST_PATIENTS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Coefficient(_NAN)
    found = stats.pearsonr(first, second)
    value = float(found.statistic)
    if abs(value) > 1 - 1e-12:
        return Coefficient(value, value, value, float(found.pvalue))
    low, high = found.confidence_interval(CONFIDENCE)
    return Coefficient(value, float(low), float(high), float(found.pvalue))


def icc_agreement(scores: NDArray[np.float64]) -> Coefficient:
    """Return the intraclass correlation ICC(A,1): two-way, absolute agreement, a single rating.

    Parameters
    ----------
    scores : ndarray, shape (patients, sources)
        Finite. NaN comes out for fewer than `LEAST_PATIENTS`, or where no score differs.

    Notes
    -----
    McGraw and Wong's formulas, Tables 4 and 7; pingouin's are the same, and tests compare the two.
    Its columns and row names have changed between versions and it rounds intervals to two
    decimals, which is why it is not called here.
    """
    from scipy.stats import f  # noqa: PLC0415 - slow to load

    n, k = scores.shape
    if n < LEAST_PATIENTS or np.ptp(scores) == 0:
        return Coefficient(_NAN)
    grand = scores.mean()
    of_patients, of_sources = scores.mean(axis=1), scores.mean(axis=0)
    residual = scores - of_patients[:, np.newaxis] - of_sources + grand
    rows = k * np.sum((of_patients - grand) ** 2) / (n - 1)
    columns = n * np.sum((of_sources - grand) ** 2) / (k - 1)
    error = np.sum(residual**2) / ((n - 1) * (k - 1))
    value = float((rows - error) / (rows + (k - 1) * error + k * (columns - error) / n))
    if error <= 1e-12 * rows:
        # Sources that differ by a constant at most: the degrees of freedom below are 0 / 0.
        return Coefficient(value, *((value, value) if columns <= 1e-12 * rows else (_NAN, _NAN)))
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * columns + b * error) ** 2 / (
        (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    )
    tail = 0.5 + CONFIDENCE / 2
    upper, lower = f.ppf(tail, n - 1, freedom), f.ppf(tail, freedom, n - 1)
    between = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * between + n * rows)
    high = n * (lower * rows - error) / (between + n * lower * rows)
    return Coefficient(value, float(low), float(high))


def compare_scores(
    first: str, second: str, of_first: NDArray[np.float64], of_second: NDArray[np.float64]
) -> ReaderAgreement:
    """Compare two sources' scores.

    Parameters
    ----------
    first, second : str
        What they are called.
    of_first, of_second : ndarray, shape (patients,)
        In the same order; patients whom one of them has not scored (NaN) are left out.
    """
    both = np.isfinite(of_first) & np.isfinite(of_second)
    one, other = of_first[both], of_second[both]
    difference = one - other
    n = len(difference)
    bias = float(difference.mean()) if n else _NAN
    spread = 1.96 * float(difference.std(ddof=1)) if n > 1 else _NAN
    return ReaderAgreement(
        first,
        second,
        n,
        spearman(one, other),
        icc_agreement(np.stack([one, other], axis=1)),
        bias,
        bias - spread,
        bias + spread,
        float(np.mean(difference == 0)) if n else _NAN,
        float(np.mean(np.abs(difference) <= 1)) if n else _NAN,
        float(np.mean(np.abs(difference) <= 2)) if n else _NAN,
    )
