"""Which infarcts a simulated cohort has: occlusions of the middle cerebral artery and its branches.

A branch supplies several regions; how many of them become ischaemic, and how much of each, depends
on collaterals, here on chance.
"""

from __future__ import annotations

import numpy as np

from atlas_builder.core.anatomy import SIDES, Region
from head_phantom.infarct.infarct import Infarct, Territory

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
    """Draw an acute infarct of the middle cerebral artery's territory, 1 to 12 hours old.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws side, regions, extent and hours since onset.

    Returns
    -------
    Infarct
    """
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
