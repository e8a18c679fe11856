"""What every scorer says of a region, beside its own probability."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import Array, RegionDensities
from aspects_scorer.ncct.scored_scan import RegionFinding
from atlas_builder.core.anatomy import SIDES, Region, Side
from atlas_builder.core.flags import Flag


def make_findings(
    scan: MappedScan,
    densities: RegionDensities,
    probability: Array,
    reasons: Mapping[tuple[Side, Region], str],
) -> tuple[RegionFinding, ...]:
    """Describe the twenty regions.

    Parameters
    ----------
    scan : MappedScan
        Gives how far each region's place can be trusted.
    densities : RegionDensities
        Of the scan.
    probability : ndarray, shape (2, 10)
        Of being affected, left side first; NaN where the method gives none.
    reasons : mapping of Side and Region to str
        Those that are affected, and why.

    Returns
    -------
    tuple of RegionFinding
        Twenty, left before right, each side in label order.
    """
    findings = []
    for row, side in enumerate(SIDES):
        for column, region in enumerate(Region):
            here, there = (row, column), (1 - row, column)
            findings.append(
                RegionFinding(
                    region=region,
                    side=side,
                    probability=float(probability[here]),
                    affected=(side, region) in reasons,
                    mean_hu=float(densities.mean[here]),
                    contralateral_mean_hu=float(densities.mean[there]),
                    difference_hu=float(densities.mean[here] - densities.mean[there]),
                    error_hu=float(np.hypot(densities.error[here], densities.error[there])),
                    volume_ml=float(densities.volume_ml[here]),
                    confidence=scan.confidences.get((side, region), float("nan")),
                    reason=reasons.get((side, region), ""),
                )
            )
    return tuple(findings)


def add_densities(words: str, densities: RegionDensities, row: int, column: int) -> str:
    """Add to what a method says of a region how its tissue compares with the other side's.

    Parameters
    ----------
    words : str
        What the method says.
    densities : RegionDensities
        Of the scan.
    row, column : int
        Side (0 for the left) and region (0-9).

    Returns
    -------
    str
        The same words where there is no tissue to compare.
    """
    own, other = densities.mean[row, column], densities.mean[1 - row, column]
    if np.isnan(own - other):
        return words
    kind = "darker" if own < other else "brighter"
    return f"{words}; tissue {abs(own - other):.1f} HU {kind} than on the other side"


def flag_unjudged(probability: Array) -> tuple[Flag, ...]:
    """Name the regions for which there is no probability.

    Parameters
    ----------
    probability : ndarray, shape (2, 10)
        Of being affected; NaN where a region could not be judged.

    Returns
    -------
    tuple of Flag
        One or none.
    """
    unknown = np.any(np.isnan(probability), axis=0)
    if not unknown.any():
        return ()
    names = ", ".join(region.name for region, bad in zip(Region, unknown, strict=True) if bad)
    reason = f"no tissue to compare in {names}: they keep their points"
    return (Flag("regions-not-judged", reason),)
