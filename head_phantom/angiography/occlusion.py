"""An occluded artery and the collaterals that take its place.

Collaterals are graded as on CT angiography [1]_: 0 fills nothing of the occluded territory, 1 up to
half of it, 2 more than half, 3 all. The larger the infarct's share of the territory, the poorer
they are.

References
----------
.. [1] Tan IYL, Demchuk AM, Hopyan J, et al. CT angiography clot burden score and collateral score:
   correlation with clinical and radiologic outcomes in acute middle cerebral artery infarct. AJNR
   Am J Neuroradiol 30:525-531 (2009). doi:10.3174/ajnr.A1408
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from atlas_builder.core.anatomy import Region, Side
from head_phantom.angiography.vessels import Segment
from head_phantom.infarct.infarct import Territory

GRADES = (0, 1, 2, 3)
"""Of collaterals."""

_VESSEL_FILLING = (0.05, 0.4, 0.75, 1.0)
_TISSUE_FILLING = (0.3, 0.55, 0.8, 1.0)
_DEEP = (Region.C, Region.L, Region.IC)
_SUPERIOR = (Region.I, Region.M1, Region.M4, Region.M5)
_INFERIOR = (Region.M2, Region.M3, Region.M5, Region.M6)
_CLOT_MM = (6.0, 18.0)
_FIRST_MM = (1.0, 8.0)
_SPREAD = 0.7  # of the grade about what the infarct lets expect


class Occluded(Enum):
    """The artery that is occluded."""

    ICA = "ICA"
    M1 = "M1"
    M2 = "M2"


@dataclass(frozen=True)
class Occlusion:
    """An occluded artery.

    Attributes
    ----------
    side : {'left', 'right'}
        Of the patient.
    artery : Occluded
        Which.
    inferior : bool
        Of an occluded M2: whether it is the inferior division.
    collaterals : int
        Grade, 0 to 3.
    from_mm, length_mm : float
        Where the clot begins along the artery, and how far it reaches.
    """

    side: Side
    artery: Occluded
    inferior: bool
    collaterals: int
    from_mm: float
    length_mm: float

    @property
    def clotted(self) -> Segment:
        """The segment that holds the clot."""
        if self.artery is Occluded.ICA:
            return Segment.CAROTID
        if self.artery is Occluded.M1:
            return Segment.TRUNK
        return Segment.INFERIOR if self.inferior else Segment.SUPERIOR

    @property
    def behind(self) -> tuple[Segment, ...]:
        """The segments that only collaterals fill.

        The anterior cerebral artery behind an occluded carotid one is filled from the other side.
        """
        branches = (Segment.SUPERIOR, Segment.INFERIOR)
        if self.artery is Occluded.ICA:
            return (Segment.TRUNK, *branches)
        return branches if self.artery is Occluded.M1 else ()

    @property
    def territory(self) -> Territory:
        """What the artery supplies."""
        if self.artery is not Occluded.M2:
            return Territory(self.side, tuple(Region))
        return Territory(self.side, _INFERIOR if self.inferior else _SUPERIOR)

    @property
    def vessel_filling(self) -> float:
        """Share of the arteries' enhancement behind the clot, 0-1."""
        return _VESSEL_FILLING[self.collaterals]

    @property
    def tissue_filling(self) -> float:
        """Share of the tissue's enhancement in the territory outside the infarct, 0-1."""
        return _TISSUE_FILLING[self.collaterals]


def draw_occlusion(
    side: Side,
    affected: tuple[Region, ...],
    rng: np.random.Generator,
    artery: Occluded | None = None,
) -> Occlusion | None:
    """Draw the occlusion behind an infarct.

    Parameters
    ----------
    side : {'left', 'right'}
        The side of the infarct.
    affected : tuple of Region
        What the infarct affects.
    rng : numpy.random.Generator
        The only source of chance.
    artery : Occluded, optional
        The artery; by default drawn: where deep regions are affected it is M1 or the carotid
        artery, with small infarcts often none that a CT angiography shows.

    Returns
    -------
    Occlusion or None
        None where no occluded artery shows.
    """
    chance = float(rng.random())
    # One draw each, so that a given artery leaves the others what they are.
    chosen = artery or _artery(affected, chance)
    within = [sum(region in own for region in affected) for own in (_SUPERIOR, _INFERIOR)]
    inferior = within[1] > within[0] or (within[0] == within[1] and rng.random() < 0.5)
    noise = float(rng.normal(0, _SPREAD))
    first, length = float(rng.uniform(*_FIRST_MM)), float(rng.uniform(*_CLOT_MM))
    if chosen is None:
        return None
    supplied = len(Region) if chosen is not Occluded.M2 else len(_SUPERIOR)
    share = min(len(affected) / supplied, 1.0)
    grade = int(np.clip(round(GRADES[-1] * (1 - share) + noise), GRADES[0], GRADES[-1]))
    return Occlusion(side, chosen, inferior, grade, first, length)


def _artery(affected: tuple[Region, ...], chance: float) -> Occluded | None:
    if not affected:
        return Occluded.M2 if chance < 0.2 else None
    if len(affected) >= 6:
        return Occluded.ICA if chance < 0.3 else Occluded.M1
    if any(region in _DEEP for region in affected):
        return Occluded.ICA if chance < 0.15 else Occluded.M1 if chance < 0.8 else None
    return Occluded.M1 if chance < 0.25 else Occluded.M2 if chance < 0.85 else None
