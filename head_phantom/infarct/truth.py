"""What is true of a subject's infarct: volume, involvement of the regions, ASPECTS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from atlas_builder.core.anatomy import SIDES, Region, Side, map_value
from atlas_builder.core.aspects import ANATOMICAL, POINTS
from head_phantom.person.volumes import Anatomy


@dataclass(frozen=True)
class InfarctTruth:
    """The truth about a subject's infarct.

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
        """Tell whether a region counts as involved, by the rule `ANATOMICAL`.

        Parameters
        ----------
        side : {'left', 'right'}
            The patient's side.
        region : Region
            One of the ten.

        Returns
        -------
        bool
            False where the region is absent.
        """
        return ANATOMICAL.loses_point(region, self.involvement[side, region])

    def aspects(self, side: Side) -> int:
        """Return the ASPECTS of a side.

        Parameters
        ----------
        side : {'left', 'right'}
            The patient's side.

        Returns
        -------
        int
            From 0 to 10: 10 less one for each region involved.
        """
        return POINTS - sum(self.is_involved(side, region) for region in Region)


def infarct_truth(anatomy: Anatomy) -> InfarctTruth:
    """Measure a subject's infarct on the subject's own grid.

    Parameters
    ----------
    anatomy : Anatomy
        Its `regions` and `lesion` are compared voxel by voxel.

    Returns
    -------
    InfarctTruth
        Volumes in mL.
    """
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
