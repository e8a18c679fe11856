"""Tables of tests: does the atlas agree better than the raters do, and does ischaemia matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.metrics.statistics import (
    Comparison,
    compare_groups,
    compare_paired,
    with_holm,
)
from atlas_builder.metrics.tables import Cell, Interval, MeanSd, PValue, Table
from atlas_builder.validation.agreement_tables import ROWS, Sources, in_words
from atlas_builder.validation.scores import Scores, mean_of_pairs, with_mean

TESTED = (
    "n",
    "difference",
    "95% interval",
    "t",
    "p (t)",
    "p (t), Holm",
    "W",
    "p (W)",
    "p (W), Holm",
    "dz",
    "rank-biserial",
)


def compare_by_region(
    first: NDArray[np.float64], second: NDArray[np.float64], seed: int
) -> tuple[Comparison, ...]:
    """Compare two sets of paired scores in every region and in the mean; one family for Holm.

    Parameters
    ----------
    first, second : ndarray of float64, shape (participants, 10)
        Scores of the same participants, regions by label; NaN where there is none.
    seed : int
        Of the bootstrap.

    Returns
    -------
    tuple of Comparison
        In the order of `ROWS`: ten regions, then the mean.
    """
    first, second = with_mean(first), with_mean(second)
    family = [compare_paired(first[:, row], second[:, row], seed) for row in range(len(ROWS))]
    return tuple(with_holm(family))


@dataclass(frozen=True)
class Family:
    """Comparisons of every region and the mean, corrected together.

    Attributes
    ----------
    name : str
        Of its table's files.
    title : str
        What is subtracted from what.
    comparisons : tuple of Comparison
        In the order of `ROWS`.
    """

    name: str
    title: str
    comparisons: tuple[Comparison, ...]


def rater_families(scores: Scores, sources: Sources, seed: int) -> list[Family]:
    """Test whether the atlas agrees better than the raters do, in every region.

    Parameters
    ----------
    scores : Scores
        Of all participants.
    sources : Sources
        The atlas and the raters.
    seed : int
        Of the bootstrap.

    Returns
    -------
    list of Family
        The atlas against each other rater with regard to the reference, then the mean over the
        pairs of atlas and rater against the mean over the pairs of raters. Empty with one rater.
    """
    atlas = (sources.atlas, sources.reference)
    families = [
        Family(
            f"table_test_{rater}",
            f"{in_words(atlas)} less {in_words((rater, sources.reference))}",
            compare_by_region(scores.of(atlas), scores.of((rater, sources.reference)), seed),
        )
        for rater in sources.raters[1:]
    ]
    if sources.of_raters:
        families.append(
            Family(
                "table_test_all",
                "all atlas–rater less all rater–rater",
                compare_by_region(
                    mean_of_pairs(scores, sources.with_atlas),
                    mean_of_pairs(scores, sources.of_raters),
                    seed,
                ),
            )
        )
    return families


def family_table(family: Family) -> Table:
    """Return the tests of a family as a table.

    Parameters
    ----------
    family : Family
        From `rater_families`.

    Returns
    -------
    Table
        A region a row and the mean last; the columns are `TESTED`.
    """
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (heading, *tested_cells(comparison))
        for heading, comparison in zip(ROWS, family.comparisons, strict=True)
    )
    return Table(
        family.name,
        f"Difference of DSC: {family.title}",
        ("region", *TESTED),
        rows,
        withheld(family.comparisons)
        + "t: paired t-test as published; W: Wilcoxon's signed-rank test; both two-sided and "
        f"corrected by Holm over the {len(ROWS)} rows. The interval is a bootstrap over "
        "participants; dz is Cohen's; positive numbers favour the atlas.",
    )


def withheld(family: Iterable[Comparison]) -> str:
    """Return the reasons for which tests of a family were withheld, or nothing.

    Parameters
    ----------
    family : iterable of Comparison
        The comparisons of one table.

    Returns
    -------
    str
        One sentence that ends in a space; empty where no test was withheld.
    """
    reasons = dict.fromkeys(c.note.removeprefix("tests withheld: ") for c in family if c.note)
    return f"Tests withheld: {'; '.join(reasons)}. " if reasons else ""


def tested_cells(comparison: Comparison) -> tuple[Cell, ...]:
    """Return a comparison as the cells of a table of tests.

    Parameters
    ----------
    comparison : Comparison
        Of paired scores.

    Returns
    -------
    tuple of Cell
        In the order of `TESTED`.
    """
    return (
        comparison.n_first,
        comparison.difference,
        Interval(comparison.low, comparison.high),
        comparison.t,
        PValue(comparison.p_t),
        PValue(comparison.p_t_holm),
        int(comparison.rank) if comparison.rank.is_integer() else comparison.rank,
        PValue(comparison.p_rank),
        PValue(comparison.p_rank_holm),
        comparison.effect,
        comparison.rank_biserial,
    )


def ischaemia_table(
    scores: Scores, sources: Sources, ischaemic: Mapping[str, bool], seed: int
) -> Table | None:
    """Compare healthy and ischaemic participants; None unless the table names some of both.

    Parameters
    ----------
    scores : Scores
        Of all participants.
    sources : Sources
        Who is compared.
    ischaemic : mapping of str to bool
        Of the participants of whom it is known.
    seed : int
        Of the bootstrap.
    """
    pair = (sources.atlas, sources.reference)
    values = []
    for wanted in (False, True):
        names = [name for name in scores.participants if ischaemic.get(name) is wanted]
        if not names:
            return None
        values.append(with_mean(scores.keeping(names).of(pair)))
    healthy, affected = values
    family = with_holm(
        [compare_groups(healthy[:, row], affected[:, row], seed) for row in range(len(ROWS))]
    )
    rows = tuple(
        (
            heading,
            MeanSd(comparison.mean_first, comparison.sd_first),
            MeanSd(comparison.mean_second, comparison.sd_second),
            comparison.difference,
            Interval(comparison.low, comparison.high),
            PValue(comparison.p_t),
            PValue(comparison.p_t_holm),
            PValue(comparison.p_rank),
            PValue(comparison.p_rank_holm),
            comparison.effect,
            comparison.rank_biserial,
        )
        for heading, comparison in zip(ROWS, family, strict=True)
    )
    return Table(
        "table_ischaemia",
        f"DSC of {in_words(pair)} in {len(healthy)} healthy and {len(affected)} ischaemic "
        "participants, mean ± SD",
        (
            "region",
            "healthy",
            "ischaemic",
            "difference",
            "95% interval",
            "p (t)",
            "p (t), Holm",
            "p (U)",
            "p (U), Holm",
            "g",
            "rank-biserial",
        ),
        rows,
        withheld(family)
        + "t: Welch's test; U: Mann and Whitney's test; both two-sided and corrected by Holm over "
        f"the {len(ROWS)} rows. The interval is a bootstrap over the participants of each group; "
        "g is Hedges'.",
    )
