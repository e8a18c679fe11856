"""The main figures of a scorer: of everyone, by hours since onset, by group, beside another's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.agreement.region_measures import (
    ALL,
    OVER_SIX,
    RegionArrays,
    RegionMeasures,
    both_sides,
    measure,
    over_six,
    ranked,
    scope_of,
)
from aspects_scorer.agreement.score_measures import SideMeasures, measure_side
from aspects_scorer.agreement.scorer import Matched
from atlas_builder.metrics.calibration import calibration_of
from atlas_builder.metrics.reliability import ReaderAgreement, compare_scores
from atlas_builder.metrics.resampling import (
    interval_of,
    resample,
    resampled_area,
    resampled_icc,
)
from atlas_builder.metrics.tables import Estimate

HOURS: tuple[tuple[float, float], ...] = ((0, 1.5), (1.5, 3), (3, 6), (6, 12), (12, math.inf))
"""Bands of hours since onset; the upper bound belongs to the next."""


@dataclass(frozen=True)
class Summary:
    """The main figures of a scorer on some participants.

    Attributes
    ----------
    n : int
        Participants.
    regions : RegionMeasures
        All regions of both sides.
    over_six : RegionMeasures
        Whether the score is above 6.
    agreement : ReaderAgreement
        Of the scores, the scorer's less the true.
    side : SideMeasures
        Which side is worse.
    brier : float
        Of the probabilities; NaN where there are none.
    """

    n: int
    regions: RegionMeasures
    over_six: RegionMeasures
    agreement: ReaderAgreement
    side: SideMeasures
    brier: float


@dataclass(frozen=True)
class Part:
    """A part of the participants: a band of hours, or a group.

    Attributes
    ----------
    kind : {'hours', 'group'}
        What it is a part by.
    name : str
        Which part.
    summary : Summary
        Of its participants.
    """

    kind: str
    name: str
    summary: Summary


@dataclass(frozen=True)
class Rival:
    """A scorer beside the first, on the participants that all scorers have.

    Attributes
    ----------
    name : str
        The scorer.
    summary : Summary
        On these participants.
    area, icc : Estimate
        Its area over all regions, and its ICC, less the first scorer's; intervals from resamples
        that are the same for both. NaN for the first itself.
    """

    name: str
    summary: Summary
    area: Estimate
    icc: Estimate


def summarise(matched: Matched, seed: int) -> Summary:
    """Return the main figures.

    Parameters
    ----------
    matched : Matched
        A scorer and the truth.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Summary
    """
    counts = resample(len(matched), seed)
    regions = scope_of(both_sides(matched), ALL)
    positive, probability, _ = ranked(
        RegionArrays(regions.true, regions.said, matched.scorer.probability)
    )
    return Summary(
        len(matched),
        measure(ALL, regions, counts),
        measure(OVER_SIX, over_six(matched), counts),
        compare_scores(matched.scorer.name, "truth", matched.scorer.aspects, matched.truth.aspects),
        measure_side(matched),
        calibration_of(positive, probability).brier if len(positive) else float("nan"),
    )


def by_parts(matched: Matched, seed: int) -> tuple[Part, ...]:
    """Return the main figures by hours since onset and by group, as far as they are known.

    Parameters
    ----------
    matched : Matched
        A scorer and the truth.
    seed : int
        Of the bootstrap.

    Returns
    -------
    tuple of Part
        Those that have any participants; bands rise, groups are in alphabetical order.
    """
    hours = matched.truth.hours
    parts = [
        ("hours", hours_in_words(first, last), (hours >= first) & (hours < last))
        for first, last in HOURS
    ]
    groups = np.array(matched.truth.group, dtype=str)
    parts += [("group", str(group), groups == group) for group in np.unique(groups[groups != ""])]
    return tuple(
        Part(kind, name, summarise(matched.taking(np.flatnonzero(inside)), seed))
        for kind, name, inside in parts
        if inside.any()
    )


def hours_in_words(first: float, last: float) -> str:
    """Return a band of hours as tables show it.

    Parameters
    ----------
    first, last : float
        Its bounds.

    Returns
    -------
    str
        Such as ``1.5–3`` or ``≥ 12``.
    """
    return f"≥ {first:g}" if math.isinf(last) else f"{first:g}–{last:g}"


def compare_scorers(matched: Sequence[Matched], seed: int) -> tuple[Rival, ...]:
    """Compare scorers on the participants that all of them have.

    Parameters
    ----------
    matched : sequence of Matched
        Each scorer and the truth; all of the same participants in the same order.
    seed : int
        Of the bootstrap.

    Returns
    -------
    tuple of Rival
        In the same order; the first is what the others are compared with.
    """
    first = matched[0]
    nothing = Estimate(float("nan"))
    rivals = [Rival(first.scorer.name, summarise(first, seed), nothing, nothing)]
    for other in matched[1:]:
        area, icc = _area_difference(other, first, seed), _icc_difference(other, first, seed)
        rivals.append(Rival(other.scorer.name, summarise(other, seed), area, icc))
    return tuple(rivals)


def _area_difference(one: Matched, other: Matched, seed: int) -> Estimate:
    """Return the difference of areas over the regions that both scorers order."""
    counts = resample(len(one), seed)
    counts = np.concatenate([np.ones((1, len(one))), counts])
    pair = [both_sides(matched) for matched in (one, other)]
    both = np.isfinite(pair[0].marker) & np.isfinite(pair[1].marker)
    first, second = (
        resampled_area(
            *ranked(RegionArrays(of.true, of.said, np.where(both, of.marker, np.nan))), counts
        )
        for of in pair
    )
    return _with_interval(first - second)


def _icc_difference(one: Matched, other: Matched, seed: int) -> Estimate:
    known = np.isfinite(one.truth.aspects + one.scorer.aspects + other.scorer.aspects)
    n = int(known.sum())
    if n < 2:
        return Estimate(float("nan"))
    counts = np.concatenate([np.ones((1, n)), resample(n, seed)])
    first, second = (
        resampled_icc(of.scorer.aspects[known], of.truth.aspects[known], counts)
        for of in (one, other)
    )
    return _with_interval(first - second)


def _with_interval(differences: NDArray[np.float64]) -> Estimate:
    """Return the first of some differences with the interval of the others."""
    value = float(differences[0])
    if math.isnan(value):
        return Estimate(value)
    return Estimate(value, *interval_of(differences[1:]))
