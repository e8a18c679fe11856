"""From probabilities of regions to points, for every scorer that gives probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.findings import flag_unjudged, make_findings
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import Array, RegionDensities
from aspects_scorer.ncct.scored_scan import ScoredScan
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import POINTS
from atlas_builder.core.flags import Flag


@dataclass(frozen=True)
class Thresholds:
    """From which probabilities on points are lost.

    A side loses points once one of its regions is affected with the first probability; then each
    of its regions does that is with the second. One doubtful region alone is more often none.

    Attributes
    ----------
    certain, likely : float
        The first and the second, 0-1.
    """

    certain: float
    likely: float


_INTERVAL = 0.9
_UNCERTAIN = 2.0  # points that the interval may be wide without a remark


def score_by_probability(
    method: str,
    rule: str,
    scan: MappedScan,
    densities: RegionDensities,
    probability: Array,
    thresholds: Thresholds,
    reason: Callable[[int, int], str],
) -> ScoredScan:
    """Score a scan by its regions' probabilities of being affected.

    Parameters
    ----------
    method, rule : str
        The scorer's and the rule's names.
    scan : MappedScan
        The scan.
    densities : RegionDensities
        Of its regions, from `measure_densities`.
    probability : ndarray, shape (2, 10)
        Left side first; NaN where a region could not be judged.
    thresholds : Thresholds
        Of the method.
    reason : callable
        Takes side (0 for the left) and region (0-9) of a point lost, and explains it.

    Returns
    -------
    ScoredScan
    """
    affected = choose_affected(probability, thresholds)
    reasons = {
        (side, region): reason(row, column) + _hedge(float(probability[row, column]), thresholds)
        for row, side in enumerate(SIDES)
        for column, region in enumerate(Region)
        if affected[row, column]
    }
    known = np.nan_to_num(probability)
    expected = {side: float(POINTS - known[row].sum()) for row, side in enumerate(SIDES)}
    interval = score_interval(known)
    flags = (*scan.flags, *flag_unjudged(probability), *flag_uncertain(interval))
    findings = make_findings(scan, densities, probability, reasons)
    return ScoredScan(method, rule, findings, expected, interval, flags)


def _hedge(probability: float, thresholds: Thresholds) -> str:
    """Say why a region counts that would not by itself."""
    if probability >= thresholds.certain:
        return ""
    least = f"{thresholds.likely:.0%}"
    return f"; counts from {least} on, as another region of this side is affected"


def choose_affected(probability: Array, thresholds: Thresholds) -> NDArray[np.bool_]:
    """Return which regions lose their point.

    Parameters
    ----------
    probability : ndarray, shape (2, 10)
        Left side first; a NaN counts as 0.
    thresholds : Thresholds
        Of the method.

    Returns
    -------
    ndarray of bool, shape (2, 10)
    """
    known = np.nan_to_num(probability)
    ill = known.max(axis=1, keepdims=True) >= thresholds.certain
    return np.asarray(ill & (known >= thresholds.likely))


def score_interval(probability: Array) -> tuple[float, float]:
    """Return between which scores that of the patient lies with a probability of 90%.

    Regions are taken as independent given their probabilities, in which their neighbours have been
    considered. The score is the lower of the sides.

    Parameters
    ----------
    probability : ndarray, shape (2, 10)
        Of each region.

    Returns
    -------
    tuple of float
        The least and the greatest score.
    """
    at_least = []
    for side in probability:
        counts = np.ones(1)
        for p in side:
            counts = np.convolve(counts, (1 - p, p))
        # Probability that no more than n points are lost, of n from 0 to 10.
        at_least.append(np.cumsum(counts))
    both = at_least[0] * at_least[1]
    tail = (1 - _INTERVAL) / 2
    fewest = int(np.searchsorted(both, tail, side="right"))
    most = int(np.searchsorted(both, 1 - tail))
    return float(POINTS - min(most, POINTS)), float(POINTS - fewest)


def flag_uncertain(interval: tuple[float, float]) -> tuple[Flag, ...]:
    """Remark on a score that is uncertain.

    Parameters
    ----------
    interval : tuple of float
        From `score_interval`.

    Returns
    -------
    tuple of Flag
        One or none.
    """
    if interval[1] - interval[0] <= _UNCERTAIN:
        return ()
    reason = (
        f"ASPECTS lies between {interval[0]:g} and {interval[1]:g} with a probability of 90%: "
        "look at the regions of middling probability"
    )
    return (Flag("uncertain-score", reason),)
