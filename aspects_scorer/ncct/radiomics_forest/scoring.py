"""From the forests' probabilities to points.

The rival in the paper of DA-Net [1]_: pyradiomics' features of each region and a random forest for
each region, after Kuang et al. [2]_. Regions are judged apart: what lies around one is not asked.

References
----------
.. [1] Cao Z, Xu J, Song B, et al. Deep learning derived automated ASPECTS on non-contrast CT scans
   of acute ischemic stroke patients. Hum Brain Mapp 43:3023-3036 (2022). doi:10.1002/hbm.25845
.. [2] Kuang H, Najm M, Chakraborty D, et al. Automated ASPECTS on noncontrast CT scans in patients
   with acute ischemic stroke using machine learning. AJNR Am J Neuroradiol 40:33-38 (2019).
   doi:10.3174/ajnr.A5889
"""

from __future__ import annotations

import numpy as np

from aspects_scorer.ncct.findings import add_densities, flag_unjudged, make_findings
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import RegionDensities
from aspects_scorer.ncct.radiomics_forest.features import measure_radiomics
from aspects_scorer.ncct.radiomics_forest.forest import load_forests
from aspects_scorer.ncct.scored_scan import ScoredScan
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import POINTS

METHOD = "radiomics-forest"


def score_by_forest(scan: MappedScan, densities: RegionDensities, rule: str) -> ScoredScan:
    """Score a scan by random forests on radiomic features.

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
        Without an interval, as regions that are judged apart say nothing of each other.

    Raises
    ------
    InputError
        Pyradiomics is not installed.
    KeyError
        There are no forests for the rule.
    """
    model = load_forests()[rule]
    probability = model.probabilities(*measure_radiomics(scan).beside_counterparts())
    known = np.nan_to_num(probability)
    reasons = {
        (side, region): _reason(densities, float(known[row, column]), model.threshold, row, column)
        for row, side in enumerate(SIDES)
        for column, region in enumerate(Region)
        if known[row, column] >= model.threshold
    }
    expected = {side: float(POINTS - known[row].sum()) for row, side in enumerate(SIDES)}
    flags = (*scan.flags, *flag_unjudged(probability))
    findings = make_findings(scan, densities, probability, reasons)
    return ScoredScan(METHOD, rule, findings, expected, None, flags)


def _reason(
    densities: RegionDensities, probability: float, threshold: float, row: int, column: int
) -> str:
    """Explain a lost point as far as a forest can."""
    words = (
        f"probability {probability:.2f} by its radiomic features, from {threshold:.2f} on it counts"
    )
    return add_densities(words, densities, row, column)
