"""A lesion scored: ASPECTS, core volume, and what a reader should know about both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from aspects_scorer.dwi.involvement import score_regions
from aspects_scorer.dwi.mni_space import space_remarks
from atlas_builder.catalogue.mni_regions import MniAspects, load_mni_aspects
from atlas_builder.core.anatomy import SIDES, Side
from atlas_builder.core.aspects import (
    BARBER,
    SEGMENTED,
    AspectsRule,
    AspectsScore,
    RegionInvolvement,
    score_again,
)
from atlas_builder.core.flags import Flag
from atlas_builder.core.lesion import Lesion

BILATERAL_ML = 1.0
"""Lesion volume in the regions of each side from which on a lesion counts as bilateral, as it does
where both sides lose a point."""

MCA_SHARE = 0.5
"""Share of a lesion in the ten regions of either side from which on it is mostly of the MCA."""

LITTLE_SHARE = 0.05
"""Share of a region below which a point lost hangs on little: a border that is segmented or
registered a millimetre off lays as much of a lesion into a nucleus region beside it."""


@dataclass(frozen=True)
class ScoredLesion:
    """What is known of a lesion.

    Attributes
    ----------
    score : AspectsScore
        ASPECTS of both sides, region by region.
    literal : AspectsScore
        The same by `BARBER`, as its words say: any lesion takes a deep region's point.
    core_volume_ml : float
        Volume of the lesion in mL, on the grid it was drawn on.
    mca_share : float
        Share of the lesion in the ten regions of either side, 0-1; NaN for an empty lesion.
    flags : tuple of Flag
        What makes the score unusual or doubtful.
    """

    score: AspectsScore
    literal: AspectsScore
    core_volume_ml: float
    mca_share: float
    flags: tuple[Flag, ...]


@cache
def standard_atlas() -> MniAspects:
    """Return the ASPECTS regions in MNI space, read once in a process."""
    return load_mni_aspects()


def score_lesion(lesion: Lesion, rule: AspectsRule = SEGMENTED) -> ScoredLesion:
    """Score a lesion in MNI space.

    Parameters
    ----------
    lesion : Lesion
        In MNI152 millimetres, on any grid.
    rule : AspectsRule
        Which extent of lesion takes a region's point.

    Returns
    -------
    ScoredLesion
        Its volume is that in MNI space, where brains are about a third larger than patients'.
    """
    score = score_regions(lesion, standard_atlas(), rule)
    literal = score_again(score, BARBER)
    inside = sum(region.lesion_ml for region in score.regions)
    # The lattices that regions and lesion are measured on differ by less than a voxel.
    mca_share = min(inside / lesion.volume_ml, 1.0) if lesion else float("nan")
    flags = (
        *_on_extent(lesion, score, mca_share),
        *_on_rule(score, literal),
        *space_remarks(lesion),
    )
    return ScoredLesion(score, literal, lesion.volume_ml, mca_share, flags)


def hangs_on_little(region: RegionInvolvement) -> bool:
    """Tell whether a region loses its point for less than a twentieth of it.

    Parameters
    ----------
    region : RegionInvolvement
        A region that a lesion was laid over.
    """
    return region.loses_point and region.fraction < LITTLE_SHARE


def _on_extent(lesion: Lesion, score: AspectsScore, mca_share: float) -> Iterator[Flag]:
    if not lesion:
        yield Flag("empty-lesion", "the mask holds no lesion: ASPECTS 10 on both sides")
        return
    left, right = (_within_ml(score, side) for side in SIDES)
    if max(score.left, score.right) < 10 or min(left, right) >= BILATERAL_ML:
        yield Flag(
            "bilateral",
            f"both sides are affected ({left:.1f} mL of the left regions, {right:.1f} mL of the "
            "right): ASPECTS is that of the worse side",
        )
    yield from _on_little(score)
    if mca_share < MCA_SHARE:
        yield Flag(
            "mostly-outside-mca",
            f"{1 - mca_share:.0%} of the lesion lies outside the ASPECTS regions of both sides: "
            "ASPECTS says little about it",
        )


def _on_rule(score: AspectsScore, literal: AspectsScore) -> Iterator[Flag]:
    """Say which points the literal rule would take as well."""
    spared = [
        strict
        for own, strict in zip(score.regions, literal.regions, strict=True)
        if strict.loses_point and not own.loses_point
    ]
    if not spared or literal.aspects == score.aspects:
        return
    volumes = [region.lesion_ml for region in spared]
    yield Flag(
        "rule-decides",
        f"ASPECTS is {literal.aspects} if any lesion in a deep region counts, as the rule for "
        f"readers says: {_named(spared)} hold {_extent(volumes)} mL, as much as a border drawn or "
        "registered a millimetre off; look at the slices",
    )


def _named(regions: Sequence[RegionInvolvement]) -> str:
    return ", ".join(
        f"{side} {', '.join(region.region.name for region in regions if region.side == side)}"
        for side in SIDES
        if any(region.side == side for region in regions)
    )


def _extent(volumes: Sequence[float]) -> str:
    least, most = f"{min(volumes):.2g}", f"{max(volumes):.2g}"
    return least if least == most else f"{least} to {most}"


def _on_little(score: AspectsScore) -> Iterator[Flag]:
    little = [region for region in score.regions if hangs_on_little(region)]
    if not little:
        return
    volumes = [region.lesion_ml for region in little]
    without = min(
        getattr(score, side) + sum(region.side == side for region in little) for side in SIDES
    )
    yield Flag(
        "points-hang-on-little",
        f"lost for less than {LITTLE_SHARE:.0%} of the region ({_extent(volumes)} mL): "
        f"{_named(little)}; a border a millimetre off does as much, and without "
        f"them ASPECTS is {without}: look at the slices",
    )


def _within_ml(score: AspectsScore, side: Side) -> float:
    return sum(region.lesion_ml for region in score.of(side))
