"""What the report of scorers held against the truth shows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aspects_scorer.agreement.evaluation import Evaluation
from aspects_scorer.agreement.summary import Rival
from atlas_builder.metrics.tables import Table, number_text
from atlas_builder.reporting.agreement import comparison_tables, figures, tables
from atlas_builder.reporting.base.sections import Fact, Illustration, Section

TITLE = "ASPECTS held against the truth"


def slugs_of(evaluations: Sequence[Evaluation]) -> list[str]:
    """Return the scorers' names as files carry them, each once.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        One a scorer.

    Returns
    -------
    list of str
    """
    slugs: list[str] = []
    for place, one in enumerate(evaluations, start=1):
        slug = re.sub(r"[^a-z0-9]+", "_", one.name.lower()).strip("_") or "scorer"
        slugs.append(slug if slug not in slugs else f"{slug}_{place}")
    return slugs


def facts_of(evaluations: Sequence[Evaluation], left_out: int) -> list[Fact]:
    """Return the numbers at the top of the page, of the first scorer.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        One a scorer.
    left_out : int
        How many times a participant is left out of a scorer's.

    Returns
    -------
    list of Fact
    """
    first = evaluations[0]
    summary, agreement = first.summary, first.summary.agreement
    over_six = summary.over_six.accuracy
    return [
        Fact("Scorers", str(len(evaluations)), ", ".join(one.name for one in evaluations)),
        Fact("Participants", str(summary.n), f"of {first.name}; {left_out} left out in all"),
        Fact("AUC of regions", number_text(summary.regions.area.value, 3), first.name),
        Fact("ICC of the score", number_text(agreement.icc.value, 3), first.name),
        Fact("Mean difference", number_text(agreement.bias, 2), "points, scored less true"),
        Fact("Score > 6 right", number_text(100 * over_six.value, 0) + "%", first.name),
    ]


def sections_of(
    evaluations: Sequence[Evaluation], rivals: Sequence[Rival], remarks: Sequence[str]
) -> list[Section]:
    """Return the parts of the page.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        One a scorer.
    rivals : sequence of Rival
        From `compare_scorers`; empty where there is one scorer, or no participant that all have.
    remarks : sequence of str
        What to know of the inputs.

    Returns
    -------
    list of Section
    """
    sections = []
    if remarks:
        sections.append(Section("remarks", "Remarks on the inputs", " ".join(remarks)))
    if len(evaluations) > 1:
        sections.append(_side_by_side(evaluations, rivals))
    for evaluation, slug in zip(evaluations, slugs_of(evaluations), strict=True):
        alone = len(evaluations) == 1
        sections += _of_scorer(evaluation, slug, alone=alone)
    return sections


def _side_by_side(evaluations: Sequence[Evaluation], rivals: Sequence[Rival]) -> Section:
    telling = [one for one in evaluations if one.regions]
    shown: list[Table] = [comparison_tables.own_table(evaluations)]
    if rivals:
        shown += [
            comparison_tables.common_table(rivals),
            comparison_tables.difference_table(rivals),
        ]
    text = "" if rivals else "No participant has a score of every scorer."
    drawn: tuple[Illustration, ...] = ()
    if telling:
        shown.append(comparison_tables.areas_table(telling))
        drawn = _drawn_regions(telling)
    return Section("scorers", "Scorers side by side", text, drawn, tuple(shown))


def _drawn_regions(evaluations: Sequence[Evaluation]) -> tuple[Illustration, ...]:
    return (
        Illustration(
            "regions",
            figures.regions_figure(evaluations),
            "Every region and groups of them, both sides, with 95% intervals.",
        ),
        Illustration(
            "roc",
            figures.roc_figure(evaluations),
            "ROC curves over all regions of both sides, with their areas; dots are the scorers' "
            "own decisions.",
        ),
    )


def _of_scorer(evaluation: Evaluation, slug: str, *, alone: bool) -> list[Section]:
    name = evaluation.name
    regions = [tables.both_sides_table(evaluation, slug)]
    if evaluation.regions:
        regions.append(tables.worse_side_table(evaluation, slug))
    sections = [
        Section(
            f"regions-{slug}",
            f"Regions: {name}",
            "" if evaluation.regions else "No regions are known: figures of regions are left out.",
            _drawn_regions([evaluation]) if alone and evaluation.regions else (),
            tuple(regions),
        ),
        Section(
            f"scores-{slug}",
            f"Scores: {name}",
            "",
            (
                Illustration(
                    f"scores_{slug}",
                    figures.scores_figure(evaluation.scores),
                    "Scores by true score (median, quartiles, furthest within 1.5 times their "
                    "range; dots are participants, moved a little); difference against mean with "
                    "mean difference and 95% limits of agreement; histogram of differences.",
                ),
            ),
            (tables.scores_table(evaluation, slug), tables.bins_table(evaluation, slug)),
        ),
    ]
    if evaluation.calibration is not None:
        sections.append(
            Section(
                f"calibration-{slug}",
                f"Probabilities: {name}",
                "",
                (
                    Illustration(
                        f"calibration_{slug}",
                        figures.calibration_figure(evaluation.calibration),
                        "Share of regions that are affected by tenths of probability, with exact "
                        "95% intervals; open dots: fewer than 30 regions. Below: how many.",
                    ),
                ),
                (tables.calibration_table(evaluation, evaluation.calibration, slug),),
            )
        )
    if evaluation.outcomes:
        shown = tables.outcomes_table(evaluation, slug)
        sections.append(
            Section(f"outcomes-{slug}", f"Measures of the stroke: {name}", tables=(shown,))
        )
    kinds = dict.fromkeys(part.kind for part in evaluation.parts)
    if kinds:
        parts = tuple(comparison_tables.parts_table(evaluation, slug, kind) for kind in kinds)
        heading = f"By {' and by '.join(kinds)}: {name}"
        sections.append(Section(f"parts-{slug}", heading, tables=parts))
    return sections
