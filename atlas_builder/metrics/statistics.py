"""Tests, intervals and effect sizes for the comparison of two sets of scores.

The ASPECTS-281 paper reports paired t-tests [1]_. Dice coefficients are bounded and skewed, so the
rank test, a bootstrap interval that resamples participants, and effect sizes stand beside it. With
fewer than `LEAST_PARTICIPANTS` no rank test can reach p < 0.05 two-sided, and intervals from so few
are too short: the tests are withheld.

References
----------
.. [1] Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

LEAST_PARTICIPANTS = 6
"""With five pairs the smallest two-sided p of the signed-rank test is 0.0625."""

RESAMPLES = 10_000
CONFIDENCE = 0.95
_NAN = float("nan")


@dataclass(frozen=True)
class Comparison:
    """Two sets of scores compared.

    Attributes
    ----------
    n_first, n_second : int
        Participants with a finite score; the same number when they are paired.
    mean_first, sd_first, mean_second, sd_second : float
        Of the scores; standard deviations with n - 1.
    difference : float
        ``mean_first - mean_second``.
    low, high : float
        95% percentile bootstrap interval of `difference`, participants resampled.
    t, p_t : float
        Student's paired t, or Welch's for independent groups; two-sided.
    rank, p_rank : float
        Wilcoxon's signed-rank statistic, or Mann and Whitney's U for independent groups;
        two-sided.
    effect : float
        Cohen's dz (paired), or Hedges' g (independent groups).
    rank_biserial : float
        Matched-pairs rank-biserial correlation, or that of independent groups; -1 to 1, positive
        where the first set is higher.
    p_t_holm, p_rank_holm : float
        The same p after Holm's correction over the family of tests, see `with_holm`.
    note : str
        Why tests were withheld; empty otherwise.
    """

    n_first: int
    n_second: int
    mean_first: float
    sd_first: float
    mean_second: float
    sd_second: float
    difference: float
    low: float = _NAN
    high: float = _NAN
    t: float = _NAN
    p_t: float = _NAN
    rank: float = _NAN
    p_rank: float = _NAN
    effect: float = _NAN
    rank_biserial: float = _NAN
    p_t_holm: float = _NAN
    p_rank_holm: float = _NAN
    note: str = ""


def compare_paired(
    first: NDArray[np.float64], second: NDArray[np.float64], seed: int
) -> Comparison:
    """Compare two scores of the same participants.

    Parameters
    ----------
    first, second : ndarray, shape (participants,)
        In the same order. Participants without a finite value in both are left out.
    seed : int
        Of the bootstrap.

    References
    ----------
    Wilcoxon F. Individual comparisons by ranking methods. Biometrics Bull 1:80-83 (1945).
    doi:10.2307/3001968; Kerby DS. The simple difference formula. Compr Psychol 3 (2014).
    doi:10.2466/11.IT.3.1; Lakens D. Calculating and reporting effect sizes. Front Psychol 4:863
    (2013). doi:10.3389/fpsyg.2013.00863
    """
    from scipy import stats  # noqa: PLC0415 - slow to load

    both = np.isfinite(first) & np.isfinite(second)
    first, second = first[both], second[both]
    plain = _described(first, second)
    if len(first) < LEAST_PARTICIPANTS:
        return replace(plain, note=_too_few(f"{len(first)} participants"))
    differences = first - second
    low, high = bootstrap_interval(differences, seed)
    spread = differences.std(ddof=1)
    if _is_nothing(spread, differences):
        return replace(
            plain, low=low, high=high, note="tests withheld: all differences are the same"
        )
    t = stats.ttest_rel(first, second)
    wilcoxon = stats.wilcoxon(differences, method="auto")
    return replace(
        plain,
        low=low,
        high=high,
        t=float(t.statistic),
        p_t=float(t.pvalue),
        rank=float(wilcoxon.statistic),
        p_rank=float(wilcoxon.pvalue),
        effect=float(differences.mean() / spread),
        rank_biserial=_matched_rank_biserial(differences),
    )


def compare_groups(
    first: NDArray[np.float64], second: NDArray[np.float64], seed: int
) -> Comparison:
    """Compare the scores of two groups of different participants.

    Parameters
    ----------
    first, second : ndarray of float64, shape (participants,)
        One score a participant of each group; values that are not finite are left out.
    seed : int
        Of the bootstrap, which resamples each group.

    Returns
    -------
    Comparison
        The tests are withheld where a group has fewer than `LEAST_PARTICIPANTS`.

    References
    ----------
    Welch BL. Biometrika 34:28-35 (1947). doi:10.1093/biomet/34.1-2.28; Mann HB, Whitney DR. Ann
    Math Stat 18:50-60 (1947). doi:10.1214/aoms/1177730491; Hedges LV. J Educ Stat 6:107-128
    (1981). doi:10.3102/10769986006002107
    """
    from scipy import stats  # noqa: PLC0415 - slow to load

    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    plain = _described(first, second)
    if min(len(first), len(second)) < LEAST_PARTICIPANTS:
        return replace(plain, note=_too_few(f"groups of {len(first)} and {len(second)}"))
    low, high = bootstrap_interval_of_groups(first, second, seed)
    freedom = len(first) + len(second) - 2
    pooled = np.sqrt(
        ((len(first) - 1) * first.var(ddof=1) + (len(second) - 1) * second.var(ddof=1)) / freedom
    )
    if _is_nothing(pooled, np.concatenate([first, second])):
        return replace(
            plain, low=low, high=high, note="tests withheld: the scores of a group do not vary"
        )
    t = stats.ttest_ind(first, second, equal_var=False)
    whitney = stats.mannwhitneyu(first, second)
    unbiased = 1 - 3 / (4 * freedom - 1)
    return replace(
        plain,
        low=low,
        high=high,
        t=float(t.statistic),
        p_t=float(t.pvalue),
        rank=float(whitney.statistic),
        p_rank=float(whitney.pvalue),
        effect=float(unbiased * (first.mean() - second.mean()) / pooled),
        rank_biserial=float(2 * whitney.statistic / (len(first) * len(second)) - 1),
    )


def bootstrap_interval(values: NDArray[np.float64], seed: int) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of a mean.

    Parameters
    ----------
    values : ndarray, shape (participants,)
        One value each; participants are what is resampled, `RESAMPLES` times.
    seed : int
        The same seed gives the same interval.

    References
    ----------
    Efron B, Tibshirani RJ. An introduction to the bootstrap. Chapman & Hall (1993), chapter 13.
    """
    return _percentiles(_means_of_resamples(values, np.random.default_rng(seed)))


def bootstrap_interval_of_groups(
    first: NDArray[np.float64], second: NDArray[np.float64], seed: int
) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of the difference of two groups' means.

    Parameters
    ----------
    first, second : ndarray of float64, shape (participants,)
        One finite value a participant of each group; each group is resampled, `RESAMPLES` times.
    seed : int
        The same seed gives the same interval.

    Returns
    -------
    low, high : float
        Of the mean of `first` less that of `second`.
    """
    generator = np.random.default_rng(seed)
    return _percentiles(
        _means_of_resamples(first, generator) - _means_of_resamples(second, generator)
    )


def with_holm(family: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons of one family with p corrected for their number.

    Each of the two tests is corrected over the comparisons for which it was made.

    Parameters
    ----------
    family : sequence of Comparison
        The comparisons that are corrected together.

    Returns
    -------
    list of Comparison
        In the same order, with `p_t_holm` and `p_rank_holm`.

    References
    ----------
    Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 6:65-70 (1979).
    """
    corrected_t = holm(np.array([comparison.p_t for comparison in family]))
    corrected_rank = holm(np.array([comparison.p_rank for comparison in family]))
    return [
        replace(comparison, p_t_holm=float(p_t), p_rank_holm=float(p_rank))
        for comparison, p_t, p_rank in zip(family, corrected_t, corrected_rank, strict=True)
    ]


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p after Holm's correction; NaN stays NaN and does not count.

    Parameters
    ----------
    p : ndarray of float64, shape (tests,)
        The p of one family; NaN where a test was withheld.

    Returns
    -------
    ndarray of float64, shape (tests,)
        In the same order, at most 1.
    """
    corrected = np.full(len(p), np.nan)
    made = np.flatnonzero(np.isfinite(p))
    ascending = made[np.argsort(p[made], kind="stable")]
    still_tested = np.arange(len(made), 0, -1)
    corrected[ascending] = np.minimum(np.maximum.accumulate(still_tested * p[ascending]), 1.0)
    return corrected


def _described(first: NDArray[np.float64], second: NDArray[np.float64]) -> Comparison:
    means = [float(values.mean()) if len(values) else _NAN for values in (first, second)]
    spreads = [float(values.std(ddof=1)) if len(values) > 1 else _NAN for values in (first, second)]
    return Comparison(
        len(first), len(second), means[0], spreads[0], means[1], spreads[1], means[0] - means[1]
    )


def _too_few(what: str) -> str:
    return f"tests withheld: {what}, fewer than {LEAST_PARTICIPANTS}"


def _is_nothing(spread: np.floating, values: NDArray[np.float64]) -> bool:
    """Tell whether a spread is that of equal values, up to rounding."""
    return bool(spread <= 1e-12 * max(1.0, float(np.abs(values).max())))


def _matched_rank_biserial(differences: NDArray[np.float64]) -> float:
    from scipy import stats  # noqa: PLC0415 - slow to load

    moved = differences[differences != 0]
    ranks = stats.rankdata(np.abs(moved))
    return float((ranks[moved > 0].sum() - ranks[moved < 0].sum()) / ranks.sum())


def _means_of_resamples(
    values: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.float64]:
    drawn = generator.integers(0, len(values), (RESAMPLES, len(values)))
    return values[drawn].mean(axis=1)


def _percentiles(means: NDArray[np.float64]) -> tuple[float, float]:
    beyond = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(means, [beyond, 100 - beyond])
    return float(low), float(high)
