"""Intervals of measures over regions, by resampling participants with all their regions.

A participant's regions go together: one artery, one scan, one reader. What is resampled is
therefore the participant. Two scorers of the same participants are compared by the same resamples,
so that the difference of their measures has an interval too.

References
----------
Field CA, Welsh AH. Bootstrapping clustered data. J R Stat Soc B 69:369-390 (2007).
doi:10.1111/j.1467-9868.2007.00593.x; Rutter CM. Bootstrap estimation of diagnostic accuracy with
patient-clustered data. Acad Radiol 7:413-419 (2000). doi:10.1016/S1076-6332(00)80381-5; McGraw KO,
Wong SP. Psychol Methods 1:30-46 (1996). doi:10.1037/1082-989X.1.1.30
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.metrics.statistics import CONFIDENCE
from atlas_builder.metrics.tables import Estimate
from atlas_builder.metrics.thresholds import proportion

RESAMPLES = 2000

LEAST_OF_EACH = 2
"""Participants with a positive region, and with a negative one, below whom there is no interval."""

_AT_ONCE = 200  # resamples: what is held of them stays small


def resample(participants: int, seed: int) -> NDArray[np.float64]:
    """Return how often each resample holds each participant.

    Parameters
    ----------
    participants : int
        How many there are.
    seed : int
        The same seed gives the same resamples.

    Returns
    -------
    ndarray, shape (RESAMPLES, participants)
        Whole numbers; each row's sum is `participants`.
    """
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, max(participants, 1), (RESAMPLES, participants))
    drawn += max(participants, 1) * np.arange(RESAMPLES)[:, np.newaxis]
    counts = np.bincount(drawn.ravel(), minlength=RESAMPLES * participants)
    return counts.reshape(RESAMPLES, participants).astype(np.float64)


def resampled_share(
    hits: NDArray[np.float64], totals: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of regions that are hits in each resample.

    Parameters
    ----------
    hits, totals : ndarray, shape (participants,)
        How many hits each participant has among how many regions; or any sum and what it is
        divided by.
    counts : ndarray, shape (resamples, participants)
        From `resample`.

    Returns
    -------
    ndarray, shape (resamples,)
        NaN where a resample has no such region.
    """
    among = counts @ totals
    return np.divide(counts @ hits, among, out=np.full(len(counts), np.nan), where=among > 0)


def resampled_area(
    positive: NDArray[np.bool_],
    severity: NDArray[np.float64],
    participant: NDArray[np.intp],
    counts: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the area under the ROC curve of all regions in each resample, ties counted half.

    Parameters
    ----------
    positive : ndarray of bool, shape (regions,)
        Which are affected.
    severity : ndarray, shape (regions,)
        Finite; larger is more severe.
    participant : ndarray of int, shape (regions,)
        Whose each region is: a column of `counts`.
    counts : ndarray, shape (resamples, participants)
        From `resample`; a row of ones gives the area itself.

    Returns
    -------
    ndarray, shape (resamples,)
        NaN where a resample has no affected region or no other.
    """
    order = np.argsort(severity[~positive], kind="stable")
    healthy, healthy_of = severity[~positive][order], participant[~positive][order]
    affected, affected_of = severity[positive], participant[positive]
    below = np.searchsorted(healthy, affected, side="left")
    not_above = np.searchsorted(healthy, affected, side="right")
    areas = np.full(len(counts), np.nan)
    for start in range(0, len(counts), _AT_ONCE):
        some = counts[start : start + _AT_ONCE]
        exceeded = np.zeros((len(some), len(healthy) + 1))
        np.cumsum(some[:, healthy_of], axis=1, out=exceeded[:, 1:])
        weights = some[:, affected_of]
        pairs = weights.sum(axis=1) * exceeded[:, -1]
        won = np.sum(weights * (exceeded[:, below] + exceeded[:, not_above]), axis=1) / 2
        np.divide(won, pairs, out=areas[start : start + _AT_ONCE], where=pairs > 0)
    return areas


def resampled_icc(
    first: NDArray[np.float64], second: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ICC(A,1) of two sources' scores in each resample, see `icc_agreement`.

    Parameters
    ----------
    first, second : ndarray, shape (participants,)
        Finite.
    counts : ndarray, shape (resamples, participants)
        From `resample`; a row of ones gives the coefficient itself.

    Returns
    -------
    ndarray, shape (resamples,)
        NaN where no score of a resample differs from another.
    """
    n = len(first)
    middle = (first.mean() + second.mean()) / 2 if n else 0.0
    one, other = first - middle, second - middle
    mean_one, mean_other = counts @ one / n, counts @ other / n
    mean, apart = (mean_one + mean_other) / 2, mean_one - mean_other
    rows = 2 * (counts @ ((one + other) / 2) ** 2 - n * mean**2) / (n - 1)
    error = (counts @ (one - other) ** 2 - n * apart**2) / 2 / (n - 1)
    columns = n * apart**2 / 2
    below = rows + error + 2 * (columns - error) / n
    varied = below > 1e-9
    return np.divide(rows - error, below, out=np.full(len(counts), np.nan), where=varied)


def interval_of(resampled: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95% percentile interval of what resamples give; NaN among them is passed over.

    Parameters
    ----------
    resampled : ndarray, shape (resamples,)
        A measure, or a difference of two.

    Returns
    -------
    low, high : float
        NaN where fewer than half of the resamples give a number.
    """
    finite = resampled[np.isfinite(resampled)]
    if len(finite) < max(len(resampled) / 2, 1):
        return float("nan"), float("nan")
    beyond = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(finite, [beyond, 100 - beyond])
    return float(low), float(high)


def share_of(
    hits: NDArray[np.float64], totals: NDArray[np.float64], counts: NDArray[np.float64]
) -> Estimate:
    """Return the share of regions that are hits, with its interval.

    Parameters
    ----------
    hits, totals : ndarray, shape (participants,)
        How many hits each participant has among how many regions.
    counts : ndarray, shape (resamples, participants)
        From `resample`.

    Returns
    -------
    Estimate
        Where all regions are hits, or none, no resample differs and the interval is Wilson's, over
        the participants who have such regions. Without any interval where fewer than
        `LEAST_OF_EACH` have.
    """
    total, bearers = float(totals.sum()), int(np.count_nonzero(totals))
    if not total:
        return Estimate(float("nan"))
    value = float(hits.sum()) / total
    if bearers < LEAST_OF_EACH:
        return Estimate(value)
    if value in (0.0, 1.0):
        share = proportion(bearers if value else 0, bearers)
        return Estimate(value, share.low, share.high)
    return Estimate(value, *interval_of(resampled_share(hits, totals, counts)))


def area_of(
    positive: NDArray[np.bool_],
    severity: NDArray[np.float64],
    participant: NDArray[np.intp],
    counts: NDArray[np.float64],
) -> Estimate:
    """Return the area under the ROC curve of all regions, with its interval.

    Parameters
    ----------
    positive, severity, participant, counts
        As `resampled_area` takes them.

    Returns
    -------
    Estimate
        NaN without an affected region or without another. Without an interval where fewer than
        `LEAST_OF_EACH` participants have one of either kind, or where they are separated
        completely, so that no resample differs.
    """
    value = float(resampled_area(positive, severity, participant, np.ones((1, counts.shape[1])))[0])
    bearers = min(len(np.unique(participant[of_kind])) for of_kind in (positive, ~positive))
    if bearers < LEAST_OF_EACH or value in (0.0, 1.0):
        return Estimate(value)
    return Estimate(value, *interval_of(resampled_area(positive, severity, participant, counts)))
