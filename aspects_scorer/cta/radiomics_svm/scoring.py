"""From the machine's probabilities to points.

The published scorer of CT angiographies [1]_: three radiomic features of each region, compared with
the other side, and one support vector machine for all regions.

References
----------
.. [1] Automated ASPECTS on CT angiography by a feature-remapping U-Net and three radiomic features
   (Mean, RootMeanSquared, HighGrayLevelRunEmphasis): AUC 0.95 for regions, ICC 0.86 for the score,
   in 90 patients of the Sixth People's Hospital, Shanghai.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aspects_scorer.cta.radiomics_svm.machine import FILE, PUBLISHED, SELECTED, load_machines
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import Array, RegionDensities
from aspects_scorer.ncct.points import Thresholds, score_by_probability
from aspects_scorer.ncct.radiomics_forest.features import RegionRadiomics, measure_radiomics
from aspects_scorer.ncct.scored_scan import ScoredScan
from atlas_builder.core.errors import InputError

METHOD, PUBLISHED_METHOD = "cta-radiomics", "cta-radiomics-published"

RULE = "barber"
"""The only rule that the machines are fitted to."""

THRESHOLDS = Thresholds(certain=0.5, likely=0.5)
"""The machine's border, as published: each region is judged alone."""


def score_by_selected(scan: MappedScan, densities: RegionDensities, rule: str) -> ScoredScan:
    """Score a CT angiography by the features that were selected; see `score_by_machine`."""
    return score_by_machine(METHOD, SELECTED, scan, densities, rule)


def score_by_published(scan: MappedScan, densities: RegionDensities, rule: str) -> ScoredScan:
    """Score a CT angiography by the three features of the paper; see `score_by_machine`."""
    return score_by_machine(PUBLISHED_METHOD, PUBLISHED, scan, densities, rule)


def score_by_machine(
    method: str,
    name: str,
    scan: MappedScan,
    densities: RegionDensities,
    rule: str,
    path: Path = FILE,
) -> ScoredScan:
    """Score a CT angiography by a support vector machine.

    Parameters
    ----------
    method : str
        The scorer's name.
    name : str
        Of the machine, see `load_machines`.
    scan : MappedScan
        The scan, its vessels cut down, see `thicken`.
    densities : RegionDensities
        Of its regions, from `measure_densities`.
    rule : str
        `RULE`.
    path : Path
        Where the machines are.

    Returns
    -------
    ScoredScan

    Raises
    ------
    InputError
        Pyradiomics is not installed, the machines cannot be read, or the rule is another one.
    """
    if rule != RULE:
        raise InputError(f"{method} is fitted to the rule {RULE}; leave --rule {rule} out")
    machine = load_machines(path)[name]
    values = differences(measure_radiomics(scan), machine.features)
    probability = machine.probabilities(values)

    def reason(row: int, column: int) -> str:
        own, other = densities.mean[row, column], densities.mean[1 - row, column]
        kind = "less" if own < other else "more"
        shown = ", ".join(one.split("_", 1)[1] for one in machine.features)
        return (
            f"probability {probability[row, column]:.2f} by {shown}; tissue {abs(own - other):.1f} "
            f"HU {kind} dense than on the other side"
        )

    return score_by_probability(method, rule, scan, densities, probability, THRESHOLDS, reason)


def differences(radiomics: RegionRadiomics, features: tuple[str, ...]) -> Array:
    """Return by how much each region's features differ from its counterpart's.

    Parameters
    ----------
    radiomics : RegionRadiomics
        Of a scan.
    features : tuple of str
        Which.

    Returns
    -------
    ndarray, shape (2, 10, features)
        Left side first; NaN where a region or its counterpart could not be measured.
    """
    own = radiomics.values[..., [radiomics.names.index(name) for name in features]]
    return np.asarray(own - own[::-1])
