"""What is true of a person's infarct: volume, involvement of the regions, ASPECTS.

A deep region (C, L, IC, I) counts as involved when more than a border of it is infarcted, a
cortical one (M1-M6) when a third is. ASPECTS is 10 less one point for each involved region of the
side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from atlas_builder.anatomy import SIDES, Region, Side, map_value
from atlas_builder.phantom.volumes import Anatomy

CORTICAL_SHARE = 1 / 3
"""From this share on a cortical region is involved."""

DEEP_SHARE = 0.1
"""Above this share a deep region is involved: less is the irregular border of a lesion beside it,
which no reader would count."""

_DEEP = (Region.C, Region.L, Region.IC, Region.I)


@dataclass(frozen=True)
class InfarctTruth:
    """The truth about a person's infarct.

    Attributes
    ----------
    lesion_ml : float
        Its volume.
    involvement : mapping of (Side, Region) to float
        The share of each region's volume that is infarcted, 0 where the region is absent.
    """

    lesion_ml: float
    involvement: Mapping[tuple[Side, Region], float]

    def is_involved(self, side: Side, region: Region) -> bool:
        """Tell whether a region counts as involved."""
        share = self.involvement[side, region]
        return share > DEEP_SHARE if region in _DEEP else share >= CORTICAL_SHARE

    def aspects(self, side: Side) -> int:
        """Return the ASPECTS of a side, 0-10."""
        return 10 - sum(self.is_involved(side, region) for region in Region)


def infarct_truth(anatomy: Anatomy) -> InfarctTruth:
    """Measure a person's infarct on the person's own grid."""
    values = 2 * len(Region) + 1
    volumes = np.bincount(anatomy.regions.ravel(), minlength=values)
    infarcted = np.bincount(anatomy.regions[anatomy.lesion], minlength=values)
    shares = infarcted / np.maximum(volumes, 1)
    voxel_ml = float(abs(np.linalg.det(anatomy.affine[:3, :3]))) / 1000
    involvement = {
        (side, region): float(shares[map_value(region, side)])
        for side in SIDES
        for region in Region
    }
    return InfarctTruth(int(anatomy.lesion.sum()) * voxel_ml, involvement)
