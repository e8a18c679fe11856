"""A scorer held against the truth: everything that is measured of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.agreement.outcome_measures import (
    OutcomeMeasures,
    VolumeMeasures,
    measure_outcomes,
    measure_volumes,
)
from aspects_scorer.agreement.region_measures import (
    OVER_SIX,
    RegionArrays,
    RegionMeasures,
    affected_side,
    both_sides,
    measure,
    measure_scopes,
    over_six,
    ranked,
)
from aspects_scorer.agreement.score_measures import ScoreMeasures, measure_scores
from aspects_scorer.agreement.scorer import Matched
from aspects_scorer.agreement.summary import Part, Summary, by_parts, summarise
from atlas_builder.metrics.calibration import Calibration, calibration_of
from atlas_builder.metrics.resampling import interval_of, resample, resampled_share
from atlas_builder.metrics.tables import Estimate


@dataclass(frozen=True)
class Evaluation:
    """What is measured of a scorer.

    Attributes
    ----------
    matched : Matched
        The scorer and the truth.
    regions, regions_of_side : tuple of RegionMeasures
        A key of `SCOPES` each, of both sides, and of the truly worse side; empty where scorer or
        truth know no regions.
    over_six : RegionMeasures
        Whether the score is above 6.
    scores : ScoreMeasures
        Of the scores.
    outcomes : tuple of OutcomeMeasures
        What the scores go with.
    volumes : VolumeMeasures or None
        The scorer's core volume beside the true one.
    calibration : Calibration or None
        Of the probabilities; None where there are none.
    brier : Estimate
        Of the probabilities, with its interval.
    parts : tuple of Part
        By hours since onset and by group.
    summary : Summary
        The main figures.
    """

    matched: Matched
    regions: tuple[RegionMeasures, ...]
    regions_of_side: tuple[RegionMeasures, ...]
    over_six: RegionMeasures
    scores: ScoreMeasures
    outcomes: tuple[OutcomeMeasures, ...]
    volumes: VolumeMeasures | None
    calibration: Calibration | None
    brier: Estimate
    parts: tuple[Part, ...]
    summary: Summary

    @property
    def name(self) -> str:
        """The scorer's name."""
        return self.matched.scorer.name


def evaluate(matched: Matched, seed: int) -> Evaluation:
    """Hold a scorer against the truth.

    Parameters
    ----------
    matched : Matched
        The scorer and the truth; at least one participant.
    seed : int
        Of the bootstraps.

    Returns
    -------
    Evaluation
    """
    arrays = both_sides(matched)
    tells_regions = np.any(np.isfinite(arrays.true) & np.isfinite(arrays.said))
    counts = resample(len(matched), seed)
    calibration, brier = _calibrate(matched, counts)
    return Evaluation(
        matched,
        measure_scopes(arrays, seed) if tells_regions else (),
        measure_scopes(affected_side(matched), seed) if tells_regions else (),
        measure(OVER_SIX, over_six(matched), counts),
        measure_scores(matched, seed),
        measure_outcomes(matched),
        measure_volumes(matched),
        calibration,
        brier,
        by_parts(matched, seed),
        summarise(matched, seed),
    )


def _calibrate(
    matched: Matched, counts: NDArray[np.float64]
) -> tuple[Calibration | None, Estimate]:
    true, probability = matched.truth.affected, matched.scorer.probability
    positive, predicted, participant = ranked(RegionArrays(true, true, probability))
    if not len(positive):
        return None, Estimate(float("nan"))
    calibration = calibration_of(positive, predicted)
    errors = np.zeros(len(matched))
    np.add.at(errors, participant, (predicted - positive) ** 2)
    totals = np.bincount(participant, minlength=len(matched)).astype(np.float64)
    interval = interval_of(resampled_share(errors, totals, counts))
    return calibration, Estimate(calibration.brier, *interval)
