"""How a scorer's regions agree with the true ones: each region, groups of them, and a score > 6.

References
----------
Cao Z, et al. Deep learning derived automated ASPECTS on non-contrast CT scans of acute ischemic
stroke patients. Hum Brain Mapp 43:3023-3036 (2022), Table 1. doi:10.1002/hbm.25845
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.agreement.scorer import Matched
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import DEEP_REGIONS
from atlas_builder.metrics.resampling import (
    LEAST_OF_EACH,
    area_of,
    interval_of,
    resample,
    resampled_share,
    share_of,
)
from atlas_builder.metrics.tables import Estimate

GOOD_ABOVE = 6
"""The score above which strokes are small enough for the guidelines' first recommendation."""

ALL, CORTICAL, SUBCORTICAL = "all", "cortical", "subcortical"
OVER_SIX = f"score > {GOOD_ABOVE}"

SCOPES: Mapping[str, tuple[Region, ...]] = {
    **{region.name: (region,) for region in Region},
    ALL: tuple(Region),
    CORTICAL: tuple(region for region in Region if region not in DEEP_REGIONS),
    SUBCORTICAL: DEEP_REGIONS,
}
"""The rows of the table by region, in the published order."""


@dataclass(frozen=True)
class RegionMeasures:
    """How decisions on some regions agree with the truth.

    Attributes
    ----------
    scope : str
        Which regions: a key of `SCOPES`, or `OVER_SIX`, where a participant's score stands in place
        of a region.
    regions, positive : int
        How many there are with truth and decision, and how many of them are truly affected (or
        truly above 6).
    sensitivity, specificity, accuracy : Estimate
        Of the scorer's decisions.
    balanced_accuracy : Estimate
        The mean of the first two. It is what DA-Net's paper calls AUC.
    area : Estimate
        Under the ROC curve of probabilities; NaN where there are none.
    """

    scope: str
    regions: int
    positive: int
    sensitivity: Estimate
    specificity: Estimate
    accuracy: Estimate
    balanced_accuracy: Estimate
    area: Estimate


@dataclass(frozen=True)
class RegionArrays:
    """Regions of participants, a column a region, and what is true and said of them.

    Attributes
    ----------
    true, said, marker : ndarray, shape (participants, regions)
        1 or 0, 1 or 0, and what orders regions from healthy to ill; NaN where not known.
    """

    true: NDArray[np.float64]
    said: NDArray[np.float64]
    marker: NDArray[np.float64]

    def of(self, columns: list[int]) -> RegionArrays:
        """Return some of the regions.

        Parameters
        ----------
        columns : list of int
            Which.

        Returns
        -------
        RegionArrays
        """
        return RegionArrays(self.true[:, columns], self.said[:, columns], self.marker[:, columns])


def both_sides(matched: Matched) -> RegionArrays:
    """Return the twenty regions of everyone.

    Parameters
    ----------
    matched : Matched
        A scorer and the truth.

    Returns
    -------
    RegionArrays
        Twenty columns in the order of `PLACES`.
    """
    return RegionArrays(matched.truth.affected, matched.scorer.affected, matched.scorer.marker[1])


def affected_side(matched: Matched) -> RegionArrays:
    """Return the ten regions of the truly worse side of everyone who has one.

    Parameters
    ----------
    matched : Matched
        A scorer and the truth.

    Returns
    -------
    RegionArrays
        Ten columns in label order.
    """
    ill = np.flatnonzero(matched.truth.side >= 0)
    columns = matched.truth.side[ill, np.newaxis] * len(Region) + np.arange(len(Region))
    of_both = both_sides(matched)
    true, said, marker = (
        np.take_along_axis(values[ill], columns, axis=1)
        for values in (of_both.true, of_both.said, of_both.marker)
    )
    return RegionArrays(true, said, marker)


def measure_scopes(arrays: RegionArrays, seed: int) -> tuple[RegionMeasures, ...]:
    """Measure every region and every group of regions.

    Parameters
    ----------
    arrays : RegionArrays
        Of both sides or of the affected one.
    seed : int
        Of the bootstrap.

    Returns
    -------
    tuple of RegionMeasures
        One a key of `SCOPES`, in that order.
    """
    counts = resample(len(arrays.true), seed)
    return tuple(measure(scope, scope_of(arrays, scope), counts) for scope in SCOPES)


def scope_of(arrays: RegionArrays, scope: str) -> RegionArrays:
    """Return the regions of a scope.

    Parameters
    ----------
    arrays : RegionArrays
        Of both sides or of the affected one.
    scope : str
        A key of `SCOPES`.

    Returns
    -------
    RegionArrays
        The scope's regions of each side that there is.
    """
    sides = range(arrays.true.shape[1] // len(Region))
    return arrays.of(
        [side * len(Region) + region - 1 for side in sides for region in SCOPES[scope]]
    )


def over_six(matched: Matched) -> RegionArrays:
    """Return whose score is above 6; positive is what is above, as in the published table.

    Parameters
    ----------
    matched : Matched
        A scorer and the truth.

    Returns
    -------
    RegionArrays
        One column; the marker is the scorer's score.
    """
    scored = matched.scorer.aspects[:, np.newaxis]
    true, said = (
        np.where(np.isfinite(score), score > GOOD_ABOVE, np.nan)
        for score in (matched.truth.aspects[:, np.newaxis], scored)
    )
    return RegionArrays(true, said, scored)


def measure(scope: str, arrays: RegionArrays, counts: NDArray[np.float64]) -> RegionMeasures:
    """Measure how decisions agree with the truth.

    Parameters
    ----------
    scope : str
        What they are on.
    arrays : RegionArrays
        Truth and decisions; what is not known of either counts nowhere.
    counts : ndarray, shape (resamples, participants)
        From `resample`.

    Returns
    -------
    RegionMeasures
    """
    known = np.isfinite(arrays.true) & np.isfinite(arrays.said)
    positive, negative = known & (arrays.true == 1), known & (arrays.true == 0)
    right = known & (arrays.true == arrays.said)
    found = (right & positive).sum(axis=1).astype(float)
    spared = (right & negative).sum(axis=1).astype(float)
    positives, negatives = (of.sum(axis=1).astype(float) for of in (positive, negative))
    sensitivity = share_of(found, positives, counts)
    specificity = share_of(spared, negatives, counts)
    balanced = Estimate((sensitivity.value + specificity.value) / 2)
    bearers = min(np.count_nonzero(positives), np.count_nonzero(negatives))
    if bearers >= LEAST_OF_EACH and balanced.value not in (0.0, 1.0):
        shares = [
            resampled_share(hits, totals, counts)
            for hits, totals in ((found, positives), (spared, negatives))
        ]
        balanced = Estimate(balanced.value, *interval_of((shares[0] + shares[1]) / 2))
    return RegionMeasures(
        scope,
        int(known.sum()),
        int(positive.sum()),
        sensitivity,
        specificity,
        share_of(found + spared, positives + negatives, counts),
        balanced,
        area_of(*ranked(arrays), counts),
    )


def ranked(
    arrays: RegionArrays,
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.intp]]:
    """Return the regions with truth and marker one after the other.

    Parameters
    ----------
    arrays : RegionArrays
        Regions of participants.

    Returns
    -------
    positive, marker, participant : ndarray, shape (regions,)
        As `area_of` takes them.
    """
    known = np.isfinite(arrays.true) & np.isfinite(arrays.marker)
    participant = np.broadcast_to(np.arange(len(known))[:, np.newaxis], known.shape)
    return arrays.true[known] == 1, arrays.marker[known], participant[known]


def worse_side_in_words(matched: Matched) -> str:
    """Return of how many participants one side is truly worse, and of which.

    Parameters
    ----------
    matched : Matched
        A scorer and the truth.

    Returns
    -------
    str
    """
    counts = [int(np.sum(matched.truth.side == place)) for place in range(len(SIDES))]
    return f"{sum(counts)} of {len(matched)} ({counts[0]} left, {counts[1]} right)"
