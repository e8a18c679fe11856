"""Both sides darker than they should be, which comparing them cannot show.

Infarcts of both middle cerebral arteries are told by the other territories of the same slices,
hypoxia of the whole brain by density itself, which calibration of scanners moves by a few HU only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from aspects_scorer.ncct.measures import RegionDensities
from aspects_scorer.ncct.other_findings.coarse_head import CoarseHead
from atlas_builder.core.anatomy import Region
from atlas_builder.core.flags import Flag

_CORTICAL = [index for index, region in enumerate(Region) if region >= Region.M1]
_OTHERS_HU = (15.0, 55.0)
_LEAST_OTHERS_ML = 20.0
_USUAL_HU, _FALL_HU = 33.0, 0.04  # at 40 years, and a year later
_FAR_BELOW_HU = 7.0
_BESIDE_HU = 1.5  # cortex is denser than what lies in no region, by 2


def find_dark_sides(
    head: CoarseHead, densities: RegionDensities, age: float | None
) -> Iterator[Flag]:
    """Tell that both sides are darker than usual.

    Parameters
    ----------
    head : CoarseHead
        The head.
    densities : RegionDensities
        Of the regions.
    age : float or None
        In years; 65 where it is not known.

    Yields
    ------
    Flag
        ``bilateral-hypodensity``, at most one.
    """
    usual = usual_density(65.0 if age is None else age)
    both = np.nanmedian(densities.median[:, _CORTICAL], axis=1)
    if np.isnan(both).any():
        return
    others = density_elsewhere(head)
    below = usual - both
    beside = others - both
    if below.min() > _FAR_BELOW_HU:
        reason = f"{usual:.0f} HU are usual at this age"
    elif beside.min() > _BESIDE_HU:
        reason = f"the rest of the brain on these slices has {others:.0f} HU"
    else:
        return
    yield Flag(
        "bilateral-hypodensity",
        f"M1 to M6 have {both[0]:.0f} HU on the left and {both[1]:.0f} HU on the right, where "
        f"{reason}: hypoxia or infarcts on both sides, which comparing the sides does not "
        "show; read the scan",
    )


def usual_density(age: float) -> float:
    """Return the usual density of the cortical regions' tissue, HU.

    Parameters
    ----------
    age : float
        In years.
    """
    return _USUAL_HU - _FALL_HU * (age - 40.0)


def density_elsewhere(head: CoarseHead) -> float:
    """Return the median density of tissue that lies in no region, on slices with regions, HU.

    Parameters
    ----------
    head : CoarseHead
        The head.

    Returns
    -------
    float
        NaN where there are less than 20 mL.
    """
    low, high = _OTHERS_HU
    tissue = head.brain & head.clear & (head.smooth > low) & (head.smooth < high)
    tissue &= (head.labels == 0) & head.labels.any(axis=(0, 1))
    if head.volume_ml(tissue) < _LEAST_OTHERS_ML:
        return float("nan")
    return float(np.median(head.smooth[tissue]))
