"""How scores go with the core's volume, the NIHSS and the modified Rankin scale.

References
----------
Cao Z, et al. Hum Brain Mapp 43:3023-3036 (2022), Table 3. doi:10.1002/hbm.25845
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.agreement.scorer import Matched
from aspects_scorer.severity.groups import MODERATE_FROM
from atlas_builder.metrics.reliability import Coefficient, icc_agreement, spearman
from atlas_builder.metrics.resampling import LEAST_OF_EACH
from atlas_builder.metrics.roc import Area, area_under

INDEPENDENT_UNTIL = 2
"""The highest modified Rankin score of patients who need no help."""


@dataclass(frozen=True)
class OutcomeMeasures:
    """How the true and the scorer's ASPECTS go with one measure of the stroke.

    Attributes
    ----------
    name : str
        The measure, with its unit.
    n : int
        Participants with the measure and both scores.
    of_truth, of_scorer : Coefficient
        Spearman's correlation of each score with it.
    condition : str
        What the areas tell: a bound on the measure; empty where there is none.
    area_of_truth, area_of_scorer : Area or None
        Under the ROC curve of low scores for it, with DeLong's interval; None without at least two
        participants with the condition and two without.
    """

    name: str
    n: int
    of_truth: Coefficient
    of_scorer: Coefficient
    condition: str = ""
    area_of_truth: Area | None = None
    area_of_scorer: Area | None = None


@dataclass(frozen=True)
class VolumeMeasures:
    """How the scorer's core volume agrees with the true one, both in mL.

    Attributes
    ----------
    n : int
        Participants with both.
    spearman, icc : Coefficient
        See `atlas_builder.metrics.reliability`.
    bias, low, high : float
        Mean of the scorer's less the true volume, and the 95% limits of agreement, in mL.
    """

    n: int
    spearman: Coefficient
    icc: Coefficient
    bias: float
    low: float
    high: float


def measure_outcomes(matched: Matched) -> tuple[OutcomeMeasures, ...]:
    """Correlate scores with every measure of the stroke that the truth table gives.

    Parameters
    ----------
    matched : Matched
        A scorer and the truth.

    Returns
    -------
    tuple of OutcomeMeasures
        One a measure that anyone has.
    """
    truth = matched.truth
    measures = (
        ("core volume (mL)", truth.core_ml, None, ""),
        ("NIHSS", truth.nihss, truth.nihss >= MODERATE_FROM, f"NIHSS ≥ {MODERATE_FROM}"),
        ("mRS", truth.mrs, truth.mrs > INDEPENDENT_UNTIL, f"mRS > {INDEPENDENT_UNTIL}"),
    )
    return tuple(
        _measure(matched, name, values, ill, condition)
        for name, values, ill, condition in measures
        if np.isfinite(values).any()
    )


def _measure(
    matched: Matched,
    name: str,
    values: NDArray[np.float64],
    ill: NDArray[np.bool_] | None,
    condition: str,
) -> OutcomeMeasures:
    true, scored = matched.truth.aspects, matched.scorer.aspects
    known = np.isfinite(values) & np.isfinite(true) & np.isfinite(scored)
    areas = [None if ill is None else _area(ill[known], of[known]) for of in (true, scored)]
    return OutcomeMeasures(
        name,
        int(known.sum()),
        spearman(true[known], values[known]),
        spearman(scored[known], values[known]),
        condition,
        *areas,
    )


def _area(ill: NDArray[np.bool_], aspects: NDArray[np.float64]) -> Area | None:
    if min(int(ill.sum()), int((~ill).sum())) < LEAST_OF_EACH:
        return None
    return area_under(ill, -aspects)


def measure_volumes(matched: Matched) -> VolumeMeasures | None:
    """Compare the scorer's core volume with the true one.

    Parameters
    ----------
    matched : Matched
        A scorer and the truth.

    Returns
    -------
    VolumeMeasures or None
        None where fewer than two participants have both.
    """
    both = np.isfinite(matched.truth.core_ml) & np.isfinite(matched.scorer.core_ml)
    true, found = matched.truth.core_ml[both], matched.scorer.core_ml[both]
    if len(true) < 2:
        return None
    difference = found - true
    bias, reach = float(difference.mean()), 1.96 * float(difference.std(ddof=1))
    return VolumeMeasures(
        len(true),
        spearman(found, true),
        icc_agreement(np.stack([found, true], axis=1)),
        bias,
        bias - reach,
        bias + reach,
    )
