"""ASPECTS by the ratio of a region's density to the other side's: the simple baseline.

In 41 patients with an occluded M1 segment, ratios of 0.94 to 0.96 gave the score that agreed best
with the infarct a day later [1]_. The method knows no probability and no age, and the side cannot
be typed in: a region that is darker on one side is affected there.

References
----------
.. [1] Mokin M, Primiani CT, Siddiqui AH, Turk AS. ASPECTS (Alberta Stroke Program Early CT Score)
   measurement using Hounsfield unit values when selecting patients for stroke thrombectomy.
   Stroke 48:1574-1579 (2017). doi:10.1161/STROKEAHA.117.016745
"""

from __future__ import annotations

import numpy as np

from aspects_scorer.ncct.findings import make_findings
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import RegionDensities
from aspects_scorer.ncct.scored_scan import ScoredScan
from atlas_builder.core.anatomy import SIDES, Region

METHOD = "hu-ratio"

CUT_POINT = 0.95
"""Below this share of the other side's density a region is affected."""


def score_by_ratio(scan: MappedScan, densities: RegionDensities, rule: str) -> ScoredScan:
    """Score a scan by ratios of densities.

    Parameters
    ----------
    scan : MappedScan
        The scan.
    densities : RegionDensities
        Of its regions, from `measure_densities`.
    rule : str
        Noted in the result; the cut-point is one for all rules.

    Returns
    -------
    ScoredScan
        Without probabilities.
    """
    ratio = densities.mean / densities.mean[::-1]
    reasons = {
        (side, region): f"density {ratio[row, column]:.2f} of the other side's, below {CUT_POINT:g}"
        for row, side in enumerate(SIDES)
        for column, region in enumerate(Region)
        if ratio[row, column] < CUT_POINT
    }
    unknown = np.full(ratio.shape, np.nan)
    return ScoredScan(
        METHOD, rule, make_findings(scan, densities, unknown, reasons), {}, None, scan.flags
    )
