"""The tables of deductions by region and severity, compared with the published claim.

References
----------
Wei L, et al. Brain Commun (2026). doi:10.1093/braincomms/fcag053
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aspects_scorer.severity.analysis import SeverityAnalysis
from aspects_scorer.severity.deductions import Deduction
from aspects_scorer.severity.groups import MODERATE_FROM, Severity
from atlas_builder.metrics.tables import (
    NO_NUMBER,
    Cell,
    Interval,
    PValue,
    Table,
    number_text,
)
from atlas_builder.metrics.thresholds import Proportion

SIGNIFICANT = 0.05
_CLAIMED = ("M1", "M2", "M3", "M5", "M6")
"""Regions whose deductions Wei et al. find to go with a more severe stroke."""


def deductions_table(analysis: SeverityAnalysis) -> Table:
    """Return how often each region of either side loses its point, with the tests.

    Parameters
    ----------
    analysis : SeverityAnalysis
        Of one group of patients.

    Returns
    -------
    Table
    """
    return _deductions(
        f"table_deductions_sides_{analysis.slug}",
        f"Deductions by region and side, {analysis.name}",
        analysis.by_side,
        "20 tests (10 regions, 2 sides)",
        "A stroke of one side counts on the other as one without deductions. ",
    )


def regions_table(analysis: SeverityAnalysis) -> Table:
    """Return how often each region loses its point on any side, with the tests.

    Parameters
    ----------
    analysis : SeverityAnalysis
        Of one group of patients.

    Returns
    -------
    Table
    """
    return _deductions(
        f"table_deductions_{analysis.slug}",
        f"Deductions by region, on either side, {analysis.name}",
        analysis.of_either_side,
        "10 tests",
        "A region counts once, whichever side loses the point. ",
    )


def _deductions(
    name: str, title: str, deductions: Sequence[Deduction], family: str, counted: str
) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            d.region.name if d.where == "either" else f"{d.region.name} {d.where}",
            *(_percent(d.frequency[group]) for group in Severity),
            number_text(d.chi_square, 1),
            PValue(d.p),
            PValue(d.p_holm),
            d.cramer_v,
            number_text(d.odds_ratio, 1),
            Interval(d.odds_low, d.odds_high).text(1),
        )
        for d in deductions
    )
    rough = [row[0] for row, d in zip(rows, deductions, strict=True) if d.least_expected < 5]
    note = f" Rough where an expected count is below 5: {', '.join(map(str, rough))}."
    return Table(
        name,
        title,
        (
            "region",
            *(group.words for group in Severity),
            "χ²",
            "p",
            "p (Holm)",
            "Cramér's V",
            "odds ratio",
            "95% CI",
        ),
        rows,
        f"Share of the patients of each severity whose region loses its point. {counted}Pearson's "
        "chi-square of deduction by severity, corrected by Holm over "
        f"{family}. The odds ratio is that of NIHSS ≥ {MODERATE_FROM} with the deduction to "
        f"without.{note if rough else ''}",
        strong=frozenset(
            (place, 6) for place, d in enumerate(deductions) if d.p_holm < SIGNIFICANT
        ),
    )


def pattern_in_words(analysis: SeverityAnalysis) -> str:
    """Return which regions go with severity, and where that is as published and where it is not.

    Parameters
    ----------
    analysis : SeverityAnalysis
        Of one group of patients.

    Returns
    -------
    str
    """
    regions = [d for d in analysis.of_either_side if np.isfinite(d.chi_square)]
    associated = [d.region.name for d in regions if d.p_holm < SIGNIFICANT]
    confirmed = [name for name in _CLAIMED if name in associated]
    missing = [name for name in _CLAIMED if name not in associated]
    others = [name for name in associated if name not in _CLAIMED]
    strength = sorted(regions, key=lambda d: -d.cramer_v)
    odds = sorted(regions, key=lambda d: -d.odds_ratio)
    return (
        f"Regions that go with severity, {analysis.name}. As Wei et al. find for "
        f"{', '.join(_CLAIMED)}: {', '.join(confirmed) or 'none'}. "
        f"Published but not seen here: {', '.join(missing) or 'none'}. "
        f"Seen here beside the published: {', '.join(others) or 'none'}. "
        f"By Cramér's V: {', '.join(f'{d.region.name} {d.cramer_v:.2f}' for d in strength)}. "
        f"By the odds of NIHSS ≥ {MODERATE_FROM}: "
        f"{', '.join(f'{d.region.name} {d.odds_ratio:.1f}' for d in odds)}."
    )


def _percent(share: Proportion) -> str:
    if not share.total:
        return NO_NUMBER
    return f"{share.value:.0%} ({share.count}/{share.total})"
