"""Which infarcts a simulated cohort has: occlusions of the middle cerebral artery and its branches.

A branch supplies several regions; how many of them become ischaemic, and how much of each, depends
on collaterals, here on chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.anatomy import SIDES, Region
from atlas_builder.phantom.infarct import Infarct, Territory

# The regions behind an occlusion, those that depend on it most first, and how often it occurs.
_OCCLUSIONS: tuple[tuple[float, tuple[Region, ...]], ...] = (
    # The trunk: deep regions have no collaterals, the cortex has.
    (0.45, (Region.L, Region.IC, Region.C, Region.I, *map(Region, range(5, 11)))),
    # The superior and the inferior division.
    (0.2, (Region.I, Region.M5, Region.M4, Region.M1, Region.M2)),
    (0.2, (Region.M3, Region.M6, Region.M2, Region.I)),
    # The lenticulostriate arteries.
    (0.15, (Region.L, Region.IC, Region.C)),
)
_HOURS = (1.0, 12.0)


def draw_infarct(rng: np.random.Generator) -> Infarct:
    """Draw an acute infarct of the middle cerebral artery's territory, 1 to 12 hours old."""
    side = SIDES[int(rng.integers(2))]
    odds = [share for share, _ in _OCCLUSIONS]
    _, behind = _OCCLUSIONS[int(rng.choice(len(_OCCLUSIONS), p=odds))]
    count = int(rng.integers(1, len(behind) + 1))
    regions = tuple(sorted(behind[:count]))
    return Infarct(
        place=Territory(side, regions, extent=float(rng.uniform(0.5, 1.0))),
        hours=float(rng.uniform(*_HOURS)),
        seed=int(rng.integers(2**32)),
    )


def involvement(
    regions: NDArray[np.uint8], lesion: NDArray[np.bool_], first_label: int
) -> dict[Region, float]:
    """Return how much of each region of one side a lesion takes.

    Parameters
    ----------
    regions : ndarray of uint8
        1-10 on the left, 11-20 on the right.
    lesion : ndarray of bool
        Of the same shape.
    first_label : int
        1 for the left, 11 for the right.

    Returns
    -------
    dict
        The share of each region's volume, 0 to 1.
    """
    volume = np.bincount(regions.ravel(), minlength=2 * len(Region) + 1)
    taken = np.bincount(regions[lesion], minlength=2 * len(Region) + 1)
    label = {region: first_label - 1 + region for region in Region}
    return {
        region: float(taken[label[region]] / max(volume[label[region]], 1)) for region in Region
    }
