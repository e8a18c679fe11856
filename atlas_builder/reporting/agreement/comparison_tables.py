"""The tables of several scorers side by side, and of a scorer by hours since onset and by group."""

from __future__ import annotations

from collections.abc import Sequence

from aspects_scorer.agreement.evaluation import Evaluation
from aspects_scorer.agreement.region_measures import SCOPES
from aspects_scorer.agreement.summary import Rival, Summary
from atlas_builder.metrics.resampling import RESAMPLES
from atlas_builder.metrics.tables import Cell, Estimate, Table
from atlas_builder.reporting.agreement.tables import estimate_of, share_cell

_COLUMNS = (
    "n",
    "AUC of regions",
    "sensitivity",
    "specificity",
    "balanced accuracy",
    "ICC(A,1)",
    "Spearman",
    "mean difference",
    "same score",
    "within 2",
    "score > 6 right",
    "worse side right",
    "Brier",
)
_WHAT = (
    "Regions of both sides; intervals as in the tables of each scorer. Mean difference with 95% "
    "limits of agreement, in points."
)


def own_table(evaluations: Sequence[Evaluation]) -> Table:
    """Return the main figures of each scorer on all participants of its own.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        One a scorer.
    """
    return Table(
        "table_scorers",
        "Each scorer on its own participants",
        ("scorer", *_COLUMNS),
        tuple((one.name, *_cells(one.summary)) for one in evaluations),
        _WHAT,
    )


def common_table(rivals: Sequence[Rival]) -> Table:
    """Return the main figures of the scorers on the participants that all of them have.

    Parameters
    ----------
    rivals : sequence of Rival
        At least two, the first first.
    """
    return Table(
        "table_scorers_common",
        f"All scorers on the {rivals[0].summary.n} participants that all of them have",
        ("scorer", *_COLUMNS),
        tuple((one.name, *_cells(one.summary)) for one in rivals),
        _WHAT,
    )


def difference_table(rivals: Sequence[Rival]) -> Table:
    """Return how the others' areas and ICC differ from the first scorer's.

    Parameters
    ----------
    rivals : sequence of Rival
        At least two, the first first.
    """
    return Table(
        "table_differences",
        f"Differences from {rivals[0].name} on the same participants",
        ("scorer", "n", "AUC of regions", "ICC(A,1)"),
        tuple((one.name, one.summary.n, one.area, one.icc) for one in rivals[1:]),
        f"Each scorer's figure less that of {rivals[0].name}, with 95% intervals of {RESAMPLES} "
        "bootstrap resamples of participants, the same for both. AUC over the regions that both "
        "scorers give a probability (or a share).",
    )


def areas_table(evaluations: Sequence[Evaluation]) -> Table:
    """Return every region's area, a column a scorer.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        Those that tell regions.
    """
    return Table(
        "table_areas",
        "AUC of every region, both sides",
        ("region", *(one.name for one in evaluations)),
        tuple(
            (scope, *(one.regions[place].area for one in evaluations))
            for place, scope in enumerate(SCOPES)
        ),
        "Each scorer on its own participants.",
    )


def parts_table(evaluation: Evaluation, slug: str, kind: str) -> Table:
    """Return the main figures by hours since onset, or by group.

    Parameters
    ----------
    evaluation : Evaluation
        Of a scorer.
    slug : str
        Of the scorer, as files carry it.
    kind : {'hours', 'group'}
        Which parts.
    """
    title = "hours since onset" if kind == "hours" else "group"
    return Table(
        f"table_{kind}_{slug}",
        f"By {title}: {evaluation.name}",
        (title, *_COLUMNS),
        tuple((part.name, *_cells(part.summary)) for part in evaluation.parts if part.kind == kind),
        f"{_WHAT} Correlations are withheld of fewer than six participants.",
    )


def _cells(summary: Summary) -> tuple[Cell, ...]:
    agreement = summary.agreement
    return (
        summary.n,
        summary.regions.area,
        summary.regions.sensitivity,
        summary.regions.specificity,
        summary.regions.balanced_accuracy,
        estimate_of(agreement.icc),
        estimate_of(agreement.spearman),
        Estimate(agreement.bias, agreement.low, agreement.high),
        agreement.identical,
        agreement.within_two,
        summary.over_six.accuracy,
        share_cell(summary.side.right),
        summary.brier,
    )
