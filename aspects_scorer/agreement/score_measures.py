"""How a scorer's scores agree with the true ones: coefficients, bins, the side, healthy people.

References
----------
Cao Z, et al. Hum Brain Mapp 43:3023-3036 (2022), Figure 4. doi:10.1002/hbm.25845; Upadhyay U, et
al. Deep-ASPECTS: a segmentation-assisted model for stroke severity measurement (2022), Tables 3 and
4, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.agreement.scorer import Matched
from atlas_builder.core.aspects import POINTS
from atlas_builder.metrics.reliability import (
    Coefficient,
    ReaderAgreement,
    compare_scores,
    pearson,
)
from atlas_builder.metrics.statistics import compare_paired
from atlas_builder.metrics.thresholds import Proportion, proportion

TRUTH = "truth"
BINS: tuple[tuple[int, int], ...] = ((0, 3), (4, 7), (8, POINTS))
"""The bins of Deep-ASPECTS: few, some and most points left."""


@dataclass(frozen=True)
class BinMeasures:
    """How well scores of a bin are told from the others.

    Attributes
    ----------
    first, last : int
        The bin's scores.
    sensitivity : Proportion
        Of participants whose true score is in the bin, those whom the scorer puts there.
    specificity : Proportion
        Of the others, those whom it does not.
    """

    first: int
    last: int
    sensitivity: Proportion
    specificity: Proportion

    @property
    def name(self) -> str:
        """The bin as tables show it."""
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


@dataclass(frozen=True)
class SideMeasures:
    """Whether the scorer sees the worse side as worse, where truly one is.

    Attributes
    ----------
    right : Proportion
        Participants whose truly worse side the scorer gives the lower score.
    wrong, neither : int
        Those whose other side it does, and those whose sides it scores alike.
    """

    right: Proportion
    wrong: int
    neither: int


@dataclass(frozen=True)
class ScoreMeasures:
    """How a scorer's ASPECTS agrees with the truth.

    Attributes
    ----------
    scored, true : ndarray, shape (participants,)
        Both scores of everyone who has both.
    agreement : ReaderAgreement
        The scorer's less the true score.
    pearson : Coefficient
        Correlation of the two.
    mean_absolute : float
        Mean of the differences' sizes, in points.
    p_t : float
        Of the paired t-test; NaN where it is withheld.
    bins, each : tuple of BinMeasures
        Of `BINS`, and of every score from 0 to 10.
    side : SideMeasures
        Which side is worse.
    healthy : tuple of Proportion
        Of participants with a true score of 10, those scored 10, and those scored 9 or 10.
    """

    scored: NDArray[np.float64]
    true: NDArray[np.float64]
    agreement: ReaderAgreement
    pearson: Coefficient
    mean_absolute: float
    p_t: float
    bins: tuple[BinMeasures, ...]
    each: tuple[BinMeasures, ...]
    side: SideMeasures
    healthy: tuple[Proportion, Proportion]


def measure_scores(matched: Matched, seed: int) -> ScoreMeasures:
    """Compare a scorer's ASPECTS with the truth.

    Parameters
    ----------
    matched : Matched
        A scorer and the truth.
    seed : int
        Of the bootstrap that the paired test takes.

    Returns
    -------
    ScoreMeasures
    """
    both = np.isfinite(matched.truth.aspects) & np.isfinite(matched.scorer.aspects)
    scored, true = matched.scorer.aspects[both], matched.truth.aspects[both]
    healthy = scored[true == POINTS]
    return ScoreMeasures(
        scored,
        true,
        compare_scores(matched.scorer.name, TRUTH, scored, true),
        pearson(scored, true),
        float(np.abs(scored - true).mean()) if len(true) else float("nan"),
        compare_paired(scored, true, seed).p_t if len(true) else float("nan"),
        tuple(_measure_bin(scored, true, first, last) for first, last in BINS),
        tuple(_measure_bin(scored, true, score, score) for score in range(POINTS + 1)),
        measure_side(matched),
        (
            proportion(int(np.sum(healthy == POINTS)), len(healthy)),
            proportion(int(np.sum(healthy >= POINTS - 1)), len(healthy)),
        ),
    )


def measure_side(matched: Matched) -> SideMeasures:
    """Tell whether the scorer sees the truly worse side as worse.

    Parameters
    ----------
    matched : Matched
        A scorer and the truth. Participants of whom the scorer does not score both sides, or whose
        sides are truly alike, count nowhere.

    Returns
    -------
    SideMeasures
    """
    one = (matched.truth.side >= 0) & matched.scorer.gives_sides
    true, said = matched.truth.side[one], matched.scorer.side[one]
    neither = int(np.sum(said < 0))
    right = int(np.sum(said == true))
    return SideMeasures(proportion(right, len(true)), len(true) - right - neither, neither)


def _measure_bin(
    scored: NDArray[np.float64], true: NDArray[np.float64], first: int, last: int
) -> BinMeasures:
    said, holds = ((values >= first) & (values <= last) for values in (scored, true))
    return BinMeasures(
        first,
        last,
        proportion(int(np.sum(said & holds)), int(np.sum(holds))),
        proportion(int(np.sum(~said & ~holds)), int(np.sum(~holds))),
    )
