"""From probabilities of regions to points, and what to say of each point lost."""

from __future__ import annotations

from aspects_scorer.ncct.asymmetry.model import AsymmetryModel, load_models
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import RegionDensities
from aspects_scorer.ncct.points import Thresholds, score_by_probability
from aspects_scorer.ncct.scored_scan import ScoredScan

METHOD = "asymmetry"

THRESHOLDS = Thresholds(certain=0.5, likely=0.25)
"""Chosen by cross-validation on the subjects that the weights were fitted to."""

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

    def reason(row: int, column: int) -> str:
        return explain(densities, model, row, column)

    return score_by_probability(METHOD, rule, scan, densities, probability, THRESHOLDS, reason)


def explain(densities: RegionDensities, model: AsymmetryModel, row: int, column: int) -> str:
    """Explain a lost point.

    Parameters
    ----------
    densities : RegionDensities
        Of the scan's regions.
    model : AsymmetryModel
        Knows by how much sides usually differ.
    row, column : int
        Side (0 for the left) and region (0-9).

    Returns
    -------
    str
    """
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
