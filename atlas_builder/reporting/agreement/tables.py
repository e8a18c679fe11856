"""The tables of one scorer held against the truth, in the form of the papers.

References
----------
Cao Z, et al. Hum Brain Mapp 43:3023-3036 (2022), Tables 1 and 3. doi:10.1002/hbm.25845; Upadhyay U,
et al. Deep-ASPECTS (2022), Tables 3 and 4, section 6.
"""

from __future__ import annotations

import math

from aspects_scorer.agreement.evaluation import Evaluation
from aspects_scorer.agreement.outcome_measures import OutcomeMeasures
from aspects_scorer.agreement.region_measures import (
    RegionMeasures,
    worse_side_in_words,
)
from aspects_scorer.agreement.score_measures import BinMeasures
from atlas_builder.metrics.calibration import LEAST_IN_TENTH, Calibration
from atlas_builder.metrics.reliability import Coefficient
from atlas_builder.metrics.resampling import RESAMPLES
from atlas_builder.metrics.roc import Area
from atlas_builder.metrics.tables import Cell, Estimate, Interval, PValue, Table, number_text
from atlas_builder.metrics.thresholds import Proportion

LARGEST_DEVIATION = 0.05
"""From which distance on a tenth of probabilities is set in bold."""

_NAN = float("nan")
_HOW = (
    f"95% intervals of {RESAMPLES} bootstrap resamples of participants with all their regions; "
    "Wilson's, over participants, where all or none are right."
)


def both_sides_table(evaluation: Evaluation, slug: str) -> Table:
    """Return how regions of both sides are told, and scores above 6.

    Parameters
    ----------
    evaluation : Evaluation
        Of a scorer that tells regions, or of one that does not.
    slug : str
        Of the scorer, as files carry it.
    """
    return _regions(
        f"table1_regions_{slug}",
        f"Regions of both sides, and score > 6: {evaluation.name}",
        (*evaluation.regions, evaluation.over_six),
        "Affected regions are positive; in the last row a participant stands in place of a region "
        "and scores above 6 are positive. "
        f"{_marker_in_words(evaluation)} Balanced accuracy is the mean of sensitivity and "
        "specificity: what Cao et al. (DA-Net, Table 1) print as AUC is the area of yes and no, "
        f"which is this mean. {_HOW}",
    )


def worse_side_table(evaluation: Evaluation, slug: str) -> Table:
    """Return how regions of the truly worse side are told.

    Parameters
    ----------
    evaluation : Evaluation
        Of a scorer that tells regions.
    slug : str
        Of the scorer, as files carry it.
    """
    return _regions(
        f"table1_regions_of_worse_side_{slug}",
        f"Regions of the truly worse side: {evaluation.name}",
        evaluation.regions_of_side,
        "Each participant with a truly worse side counts once a region: "
        f"{worse_side_in_words(evaluation.matched)}. The healthy side, which is easy to spare, "
        f"does not raise specificity here. {_HOW}",
    )


def _regions(name: str, title: str, measures: tuple[RegionMeasures, ...], note: str) -> Table:
    return Table(
        name,
        title,
        (
            "region",
            "n",
            "positive",
            "sensitivity",
            "specificity",
            "accuracy",
            "balanced accuracy",
            "AUC",
        ),
        tuple(
            (
                one.scope,
                one.regions,
                one.positive,
                one.sensitivity,
                one.specificity,
                one.accuracy,
                one.balanced_accuracy,
                one.area,
            )
            for one in measures
        ),
        note,
    )


def _marker_in_words(evaluation: Evaluation) -> str:
    if evaluation.matched.scorer.marker[0] == "fraction":
        return "AUC: regions in the order of the share that is lesion."
    return "AUC: regions in the order of their probabilities; of scores, in that of the score."


def scores_table(evaluation: Evaluation, slug: str) -> Table:
    """Return how scores agree with the true ones.

    Parameters
    ----------
    evaluation : Evaluation
        Of a scorer.
    slug : str
        Of the scorer, as files carry it.
    """
    scores = evaluation.scores
    agreement, side = scores.agreement, scores.side
    n = agreement.n
    rows: list[tuple[Cell, ...]] = [
        ("ICC(A,1)", n, estimate_of(agreement.icc)),
        ("Spearman", n, estimate_of(agreement.spearman)),
        ("Pearson", n, estimate_of(scores.pearson)),
        (
            "mean difference (95% limits of agreement)",
            n,
            Estimate(agreement.bias, agreement.low, agreement.high),
        ),
        ("mean absolute difference", n, Estimate(scores.mean_absolute)),
        ("p of the paired t-test", n, PValue(scores.p_t)),
        ("same score", n, Estimate(agreement.identical)),
        ("within 1 point", n, Estimate(agreement.within_one)),
        ("within 2 points", n, Estimate(agreement.within_two)),
        ("worse side right", side.right.total, share_cell(side.right)),
        ("true score 10 scored 10", scores.healthy[0].total, share_cell(scores.healthy[0])),
        ("true score 10 scored 9 or 10", scores.healthy[1].total, share_cell(scores.healthy[1])),
    ]
    return Table(
        f"table_scores_{slug}",
        f"Scores beside the true ones: {evaluation.name}",
        ("measure", "n", "value"),
        tuple(rows),
        "ICC: two-way random, absolute agreement, single rating (McGraw and Wong). Spearman's "
        "interval is Bonett and Wright's, Pearson's Fisher's, those of shares Wilson's. "
        "Differences: the scorer's score less the true one. Worse side: of participants of whom "
        f"one is truly worse; {side.wrong} times the other side had the lower score, "
        f"{side.neither} times neither.",
    )


def bins_table(evaluation: Evaluation, slug: str) -> Table:
    """Return how bins of the score, and single scores, are told from the others.

    Parameters
    ----------
    evaluation : Evaluation
        Of a scorer.
    slug : str
        Of the scorer, as files carry it.
    """
    scores = evaluation.scores
    return Table(
        f"table_bins_{slug}",
        f"Bins of the score, and every score: {evaluation.name}",
        ("true score", "n", "sensitivity", "specificity"),
        tuple(_bin(one) for one in (*scores.bins, *scores.each)),
        "Sensitivity: of participants with that true score, those given it; specificity: of the "
        "others, those not given it; Wilson's intervals. In Tables 3 and 4 of Deep-ASPECTS "
        "(Upadhyay et al.) the rare scores have sensitivities near 1 and low specificities: their "
        "columns fit these definitions the other way round.",
    )


def _bin(one: BinMeasures) -> tuple[Cell, ...]:
    cells = share_cell(one.sensitivity), share_cell(one.specificity)
    return one.name, one.sensitivity.total, *cells


def outcomes_table(evaluation: Evaluation, slug: str) -> Table:
    """Return what the true and the scorer's scores go with.

    Parameters
    ----------
    evaluation : Evaluation
        Of a scorer; its outcomes are not empty.
    slug : str
        Of the scorer, as files carry it.
    """
    volumes = ""
    if evaluation.volumes is not None:
        found = evaluation.volumes
        volumes = (
            f" The scorer's core volume beside the true one, {found.n} participants: Spearman "
            f"{number_text(found.spearman.value, 3)}, ICC(A,1) {number_text(found.icc.value, 3)}, "
            f"mean difference {number_text(found.bias, 1)} mL (95% limits "
            f"{Interval(found.low, found.high).text(1)})."
        )
    rows = [row for one in evaluation.outcomes for row in _outcome(one, evaluation.name)]
    return Table(
        f"table3_outcomes_{slug}",
        f"Scores and the measures of the stroke: {evaluation.name}",
        ("measure", "score", "n", "Spearman", "p", "condition", "AUC"),
        tuple(rows),
        "Spearman's correlation with Bonett and Wright's interval. AUC: of low scores for the "
        f"condition, with DeLong's interval.{volumes}",
    )


def _outcome(one: OutcomeMeasures, name: str) -> list[tuple[Cell, ...]]:
    return [
        (
            one.name,
            who,
            one.n,
            estimate_of(found),
            PValue(found.p),
            one.condition or "–",
            _area_cell(area),
        )
        for who, found, area in (
            ("truth", one.of_truth, one.area_of_truth),
            (name, one.of_scorer, one.area_of_scorer),
        )
    ]


def calibration_table(evaluation: Evaluation, calibration: Calibration, slug: str) -> Table:
    """Return what came true of each tenth of the probabilities.

    Parameters
    ----------
    evaluation : Evaluation
        Of a scorer with probabilities.
    calibration : Calibration
        Of these.
    slug : str
        Of the scorer, as files carry it.
    """
    far = frozenset(
        (place, 5)
        for place, tenth in enumerate(calibration.tenths)
        if tenth.says_enough and abs(tenth.deviation) > LARGEST_DEVIATION
    )
    largest = calibration.largest_deviation
    return Table(
        f"table_calibration_{slug}",
        f"Probabilities and what came true: {evaluation.name}",
        ("probability", "regions", "affected", "mean probability", "share affected", "deviation"),
        tuple(
            (
                f"{tenth.first:.1f}–{tenth.last:.1f}",
                tenth.count,
                tenth.positive,
                tenth.predicted,
                tenth.observed,
                tenth.deviation if tenth.says_enough else _NAN,
            )
            for tenth in calibration.tenths
        ),
        f"{calibration.count} regions of both sides. Brier score {evaluation.brier.text(4)}; "
        f"{number_text(calibration.base_rate_brier, 4)} with the share of affected regions as "
        "everyone's probability. Expected calibration error "
        f"{number_text(calibration.expected_error, 4)}. Shares with Clopper and Pearson's exact "
        f"intervals. The deviation is given of tenths with at least {LEAST_IN_TENTH} regions, bold "
        f"beyond {LARGEST_DEVIATION}; the largest is {number_text(largest, 3)}.",
        strong=far,
    )


def estimate_of(found: Coefficient | Area) -> Estimate:
    """Return a coefficient or an area as the cell of a table.

    Parameters
    ----------
    found : Coefficient or Area
        With its interval.
    """
    return Estimate(found.value, found.low, found.high)


def share_cell(share: Proportion) -> Estimate:
    """Return a share as the cell of a table.

    Parameters
    ----------
    share : Proportion
        With its interval.
    """
    return Estimate(share.value, share.low, share.high)


def _area_cell(area: Area | None) -> Estimate:
    return Estimate(math.nan) if area is None else estimate_of(area)
