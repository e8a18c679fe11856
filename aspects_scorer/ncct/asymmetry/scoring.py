"""From probabilities of regions to points, and what to say of each point lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.asymmetry.model import AsymmetryModel, load_models
from aspects_scorer.ncct.findings import flag_unjudged, make_findings
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import Array, RegionDensities
from aspects_scorer.ncct.scored_scan import ScoredScan
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import POINTS
from atlas_builder.core.flags import Flag

METHOD = "asymmetry"

CERTAIN, LIKELY = 0.5, 0.25
"""A side loses points once one of its regions is affected with the first probability; then each of
its regions does that is with the second. One doubtful region alone is more often none."""

_INTERVAL = 0.9
_UNCERTAIN = 2.0  # points that the interval may be wide without a remark
_NOTED_FLUID = 0.05
_NOTED_SPREAD_HU = 0.7


def score_by_asymmetry(scan: MappedScan, densities: RegionDensities, rule: str) -> ScoredScan:
    """Score a scan by its left-right differences.

    Parameters
    ----------
    scan : MappedScan
        The scan.
    densities : RegionDensities
        Of its regions, from `measure_densities`.
    rule : str
        Which extent of ischaemia counts, a name of `atlas_builder.core.aspects.RULES`.

    Returns
    -------
    ScoredScan

    Raises
    ------
    KeyError
        There are no weights for the rule.
    """
    model = load_models()[rule]
    probability = model.probabilities(densities)
    affected = choose_affected(probability)
    reasons = {
        (side, region): _reason(densities, model, row, column)
        for row, side in enumerate(SIDES)
        for column, region in enumerate(Region)
        if affected[row, column]
    }
    known = np.nan_to_num(probability)
    expected = {side: float(POINTS - known[row].sum()) for row, side in enumerate(SIDES)}
    interval = score_interval(known)
    flags = (*scan.flags, *_remarks(probability, interval))
    findings = make_findings(scan, densities, probability, reasons)
    return ScoredScan(METHOD, rule, findings, expected, interval, flags)


def choose_affected(probability: Array) -> NDArray[np.bool_]:
    """Return which regions lose their point.

    Parameters
    ----------
    probability : ndarray, shape (2, 10)
        Left side first; a NaN counts as 0.

    Returns
    -------
    ndarray of bool, shape (2, 10)
    """
    known = np.nan_to_num(probability)
    ill = known.max(axis=1, keepdims=True) >= CERTAIN
    return np.asarray(ill & (known >= LIKELY))


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


def _reason(densities: RegionDensities, model: AsymmetryModel, row: int, column: int) -> str:
    """Explain a lost point."""
    here, there = (row, column), (1 - row, column)
    difference = densities.median[here] - densities.median[there]
    usual = model.usual_hu[column]
    kind = "darker" if difference < 0 else "brighter"
    own, other = densities.median[here], densities.median[there]
    words = (
        f"{abs(difference):.1f} HU {kind} than the other side ({own:.1f} against {other:.1f}), "
        f"{abs(difference) / usual:.1f} times the usual difference"
    )
    spread = densities.spread[here] - densities.spread[there]
    if spread < -_NOTED_SPREAD_HU:
        words += f"; contrast of grey and white matter less by {-spread:.1f} HU"
    fluid = densities.fluid[here] - densities.fluid[there]
    if fluid > _NOTED_FLUID:
        words += f"; {fluid:.0%} more fluid, as of an old infarct or wide sulci, counts against it"
    if difference > -usual:
        words += "; judged mostly by the regions around it"
    return words


def _remarks(probability: Array, interval: tuple[float, float]) -> tuple[Flag, ...]:
    unjudged = flag_unjudged(probability)
    if interval[1] - interval[0] <= _UNCERTAIN:
        return unjudged
    uncertain = Flag(
        "uncertain-score",
        f"ASPECTS lies between {interval[0]:g} and {interval[1]:g} with a probability of 90%: "
        "look at the regions of middling probability",
    )
    return (*unjudged, uncertain)
