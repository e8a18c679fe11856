"""The rule of ASPECTS: which regions lose their point, and the score that is left.

Each side starts with ten points. A deep region (C, L, IC, I) and a cortical one (M1-M6) lose theirs
from different extents on, which an `AspectsRule` names; everything that scores uses this module.

References
----------
.. [1] Barber PA, Demchuk AM, Zhang J, Buchan AM. Validity and reliability of a quantitative
   computed tomography score in predicting outcome of hyperacute stroke before thrombolytic therapy.
   Lancet 355:1670-1674 (2000). doi:10.1016/S0140-6736(00)02237-6
.. [2] Cao Z, Xu J, Song B, et al. Deep learning derived automated ASPECTS on non-contrast CT scans
   of acute ischemic stroke patients. Hum Brain Mapp 43:3023-3036 (2022). doi:10.1002/hbm.25845
.. [3] Upadhyay U, Ranjan M, Golla S, et al. Deep-ASPECTS: a segmentation-assisted model for stroke
   severity measurement (2022).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from atlas_builder.core.anatomy import SIDES, Region, Side

DEEP_REGIONS = (Region.C, Region.L, Region.IC, Region.I)
"""The nuclei, the internal capsule and the insula."""

POINTS = 10
"""Of a side without any lesion."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class AspectsRule:
    """From which extent of lesion on a region loses its point.

    Attributes
    ----------
    deep_from_share : float
        Share of a deep region, 0-1, that must be reached; with 0 any lesion counts.
    deep_from_ml : float
        Volume of lesion in a deep region, in mL, that must be reached as well.
    cortical_from_share : float
        Share of a cortical region, 0-1, that must be reached; with 0 any lesion counts.
    """

    deep_from_share: float = 0.0
    deep_from_ml: float = 0.0
    cortical_from_share: float = 1 / 3

    def loses_point(self, region: Region, share: float, lesion_ml: float = math.inf) -> bool:
        """Tell whether a region loses its point.

        Parameters
        ----------
        region : Region
            Which region.
        share : float
            How much of it is lesion, 0-1.
        lesion_ml : float
            The same in mL; needed where the rule names a smallest volume.
        """
        deep = region in DEEP_REGIONS
        if share <= 0 or (deep and lesion_ml < self.deep_from_ml):
            return False
        # Sums of voxels that make up the very share may fall short of it in the last bits.
        least = self.deep_from_share if deep else self.cortical_from_share
        return share >= least * (1 - _ROUNDING)


BARBER = AspectsRule()
"""As published for readers [1]_, and as DWI-ASPECTS of Wei et al. applies it: any lesion of a deep
region, a third of a cortical one."""

CTP = AspectsRule(deep_from_share=0.1, cortical_from_share=0.1)
"""A tenth of any region, as Cao et al. [2]_ apply it to the core on CT perfusion."""

OVERLAP = AspectsRule(cortical_from_share=0.0)
"""Any lesion of any region, as Deep-ASPECTS [3]_ overlays its two segmentations."""

SEGMENTED = AspectsRule(deep_from_ml=0.5)
"""Of a lesion that was segmented or registered, and not judged by a reader who knows where its
border runs: less of it in a deep region is the smear of a border. docs/dwi-aspects.md shows how the
volume was found."""

ANATOMICAL = AspectsRule(deep_from_share=0.1)
"""Of a lesion that is known voxel by voxel: what covers less than a tenth of a deep region is the
irregular border of a lesion beside it, which no reader would count."""

RULES: Mapping[str, AspectsRule] = {"barber": BARBER, "ctp": CTP, "overlap": OVERLAP}
"""The published rules by the names that users give."""

TRUTH_RULES: Mapping[str, AspectsRule] = {**RULES, "anatomical": ANATOMICAL}
"""Those that shares of a truth can be judged by. ``anatomical`` is the rule ``barber`` for lesions
that are known voxel by voxel, such as simulated ones."""

VOXEL_RULES: Mapping[str, AspectsRule] = {**RULES, "barber": ANATOMICAL}
"""The published rules as they are applied to what is known voxel by voxel, which has traces in
regions that no reader would count."""

LESION_RULES: Mapping[str, AspectsRule] = {"segmented": SEGMENTED, **RULES}
"""Those that a lesion mask can be scored by; the first is the default."""


def name_of(rule: AspectsRule) -> str:
    """Return a rule's name among `LESION_RULES`, or ``custom``.

    Parameters
    ----------
    rule : AspectsRule
        Any.
    """
    return next((name for name, one in LESION_RULES.items() if one == rule), "custom")


@dataclass(frozen=True)
class RegionInvolvement:
    """How much of a region of one side is lesion.

    Attributes
    ----------
    region, side
        Which region.
    volume_ml : float
        Its volume in mL.
    lesion_ml : float
        How much of that is lesion.
    fraction : float
        The same as a share of the region, 0-1.
    loses_point : bool
        Whether the side loses a point for it.
    """

    region: Region
    side: Side
    volume_ml: float
    lesion_ml: float
    fraction: float
    loses_point: bool


@dataclass(frozen=True)
class AspectsScore:
    """The score of both sides.

    Attributes
    ----------
    left, right : int
        ASPECTS of each side of the patient, 0-10.
    regions : tuple of RegionInvolvement
        Twenty, left before right, each side in label order.
    """

    left: int
    right: int
    regions: tuple[RegionInvolvement, ...]

    @property
    def aspects(self) -> int:
        """The score of the patient: the lower of the sides."""
        return min(self.left, self.right)

    def of(self, side: Side) -> tuple[RegionInvolvement, ...]:
        """Return the ten regions of one side, in label order.

        Parameters
        ----------
        side : {'left', 'right'}
            Of the patient.

        Returns
        -------
        tuple of RegionInvolvement
            Ten.
        """
        return tuple(region for region in self.regions if region.side == side)


def score_involvement(
    volumes_ml: Mapping[tuple[Side, Region], float],
    lesion_ml: Mapping[tuple[Side, Region], float],
    rule: AspectsRule = BARBER,
) -> AspectsScore:
    """Apply a rule to what a lesion takes of each region.

    Parameters
    ----------
    volumes_ml : mapping of (Side, Region) to float
        The volume of each of the twenty regions, in mL; 0 where a region is absent.
    lesion_ml : mapping of (Side, Region) to float
        How much of each is lesion.
    rule : AspectsRule
        Which extent counts.

    Returns
    -------
    AspectsScore
    """
    regions = []
    for side, region in product(SIDES, Region):
        volume, involved = volumes_ml[side, region], lesion_ml[side, region]
        share = involved / volume if volume else 0.0
        loses = rule.loses_point(region, share, involved)
        regions.append(RegionInvolvement(region, side, volume, involved, share, loses))
    left, right = (
        POINTS - sum(one.loses_point for one in regions if one.side == side) for side in SIDES
    )
    return AspectsScore(left, right, tuple(regions))


def score_again(score: AspectsScore, rule: AspectsRule) -> AspectsScore:
    """Apply another rule to what was measured already.

    Parameters
    ----------
    score : AspectsScore
        By any rule.
    rule : AspectsRule
        Which extent counts.

    Returns
    -------
    AspectsScore
    """
    keys = [(region.side, region.region) for region in score.regions]
    volumes, lesion = (
        dict(zip(keys, values, strict=True))
        for values in (
            [region.volume_ml for region in score.regions],
            [region.lesion_ml for region in score.regions],
        )
    )
    return score_involvement(volumes, lesion, rule)
