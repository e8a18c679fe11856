"""The tables of a severity analysis, in the form of Wei et al. and beyond.

References
----------
Wei L, et al. Brain Commun (2026). doi:10.1093/braincomms/fcag053
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.dwi.scored_lesion import MCA_SHARE
from aspects_scorer.severity.analysis import MARKERS, Marker, SeverityAnalysis
from aspects_scorer.severity.groups import MODERATE_FROM, Severity
from atlas_builder.metrics.reliability import ReaderAgreement
from atlas_builder.metrics.tables import (
    NO_NUMBER,
    Cell,
    Interval,
    PValue,
    Table,
    number_text,
)
from atlas_builder.metrics.thresholds import RESAMPLES, Proportion


def roc_table(analyses: Sequence[SeverityAnalysis]) -> Table:
    """Return the areas, thresholds, sensitivities and specificities beside the published ones.

    Parameters
    ----------
    analyses : sequence of SeverityAnalysis
        One a group of patients.

    Returns
    -------
    Table
    """
    rows: list[tuple[Cell, ...]] = []
    for analysis in analyses:
        for result in analysis.markers:
            marker, point = result.marker, result.youden
            rows.append(
                (
                    marker.words,
                    analysis.name,
                    len(analysis.patients),
                    result.area.value,
                    Interval(result.area.low, result.area.high),
                    marker.rule(point.threshold),
                    _range(marker, result.threshold_low, result.threshold_high),
                    _share(point.sensitivity),
                    _share(point.specificity),
                )
            )
    for marker in MARKERS:
        rule = marker.rule(marker.published_threshold)
        rows.append(
            (
                marker.words,
                "published",
                NO_NUMBER,
                marker.published_area,
                NO_NUMBER,
                rule,
                *[NO_NUMBER] * 3,
            )
        )
    tests = "; ".join(
        f"{analysis.name} {_signed(analysis.test.difference)} "
        f"({_signed_range(analysis.test.low, analysis.test.high)}), "
        f"p {_p_in_words(analysis.test.p)}"
        for analysis in analyses
    )
    return Table(
        "table3_roc",
        f"Moderate or severe stroke (NIHSS ≥ {MODERATE_FROM}) from DWI-ASPECTS and core volume",
        (
            "marker",
            "patients",
            "n",
            "AUC",
            "95% CI",
            "threshold",
            "95% CI of it",
            "sensitivity",
            "specificity",
        ),
        tuple(rows),
        f"AUC with DeLong's interval. DeLong's test of DWI-ASPECTS less core volume: {tests}. The "
        "threshold has the largest Youden index on these very patients, so its sensitivity and "
        "specificity (Wilson's intervals) flatter it a little; its own interval is that of "
        f"{RESAMPLES} bootstrap resamples.{_what_is_missing(analyses)} Mostly MCA: at "
        f"least {MCA_SHARE:.0%} of the lesion in the ten regions. Published: Wei et al., "
        "doi:10.1093/braincomms/fcag053, MCA strokes.",
    )


def published_thresholds_table(analyses: Sequence[SeverityAnalysis]) -> Table:
    """Return what the published thresholds find in these patients.

    Parameters
    ----------
    analyses : sequence of SeverityAnalysis
        One a group of patients.

    Returns
    -------
    Table
    """
    rows = tuple(
        (
            result.marker.words,
            analysis.name,
            result.marker.rule(result.published.threshold),
            _share(result.published.sensitivity),
            _share(result.published.specificity),
            result.published.youden,
            result.youden.youden,
        )
        for analysis in analyses
        for result in analysis.markers
    )
    return Table(
        "table_published_thresholds",
        "The published thresholds on these patients",
        (
            "marker",
            "patients",
            "threshold",
            "sensitivity",
            "specificity",
            "Youden index",
            "best here",
        ),
        rows,
        "These patients had no part in choosing the thresholds. The last column is the index of "
        f"the best threshold on these patients.{_where_no_threshold(analyses)}",
    )


def correlation_table(analyses: Sequence[SeverityAnalysis]) -> Table:
    """Return Spearman's correlations with the NIHSS.

    Parameters
    ----------
    analyses : sequence of SeverityAnalysis
        One a group of patients.

    Returns
    -------
    Table
    """
    rows = tuple(
        (
            result.marker.words,
            analysis.name,
            len(analysis.patients),
            result.with_nihss.value,
            Interval(result.with_nihss.low, result.with_nihss.high),
            PValue(result.with_nihss.p),
        )
        for analysis in analyses
        for result in analysis.markers
    )
    return Table(
        "table_nihss",
        "Correlation with the NIHSS",
        ("marker", "patients", "n", "Spearman", "95% CI", "p"),
        rows,
        "Interval by Bonett and Wright.",
    )


def groups_table(analysis: SeverityAnalysis) -> Table:
    """Return DWI-ASPECTS and core volume of each severity: median and quartiles.

    Parameters
    ----------
    analysis : SeverityAnalysis
        Of one group of patients.

    Returns
    -------
    Table
    """
    from scipy.stats import kruskal  # noqa: PLC0415 - slow to load

    patients = analysis.patients
    rows: list[tuple[Cell, ...]] = []
    for group in Severity:
        of_group = patients.keeping(patients.severity == group)
        cells: list[Cell] = [group.words, len(of_group)]
        for marker in MARKERS:
            digits = 0 if marker.name == "aspects" else 1
            cells.append(_quartiles(of_group.of(marker), digits))
        rows.append(tuple(cells))
    tests = []
    for marker in MARKERS:
        groups = [patients.of(marker)[patients.severity == group] for group in Severity]
        groups = [values for values in groups if values.size]
        if len(groups) > 1 and np.ptp(np.concatenate(groups)) > 0:
            found = kruskal(*groups)
            tests.append(
                f"{marker.words} H = {found.statistic:.1f}, p {_p_in_words(float(found.pvalue))}"
            )
    return Table(
        f"table_severity_{analysis.slug}",
        f"DWI-ASPECTS and core volume by severity, {analysis.name}: median (quartiles)",
        ("severity (NIHSS)", "n", "DWI-ASPECTS", "core volume (mL)"),
        tuple(rows),
        f"Kruskal and Wallis' test over the groups: {'; '.join(tests) or 'withheld'}.",
    )


def readers_table(agreements: Sequence[ReaderAgreement]) -> Table:
    """Return how the automated scores and the readers agree.

    Parameters
    ----------
    agreements : sequence of ReaderAgreement
        One a pair of sources of scores.

    Returns
    -------
    Table
    """
    rows = tuple(
        (
            f"{a.first} – {a.second}",
            a.n,
            a.spearman.value,
            Interval(a.spearman.low, a.spearman.high),
            a.icc.value,
            Interval(a.icc.low, a.icc.high),
            a.bias,
            Interval(a.low, a.high),
            f"{a.identical:.0%}" if a.n else NO_NUMBER,
            f"{a.within_one:.0%}" if a.n else NO_NUMBER,
        )
        for a in agreements
    )
    return Table(
        "table_readers",
        "Agreement of ASPECTS with readers, and of readers with each other",
        (
            "sources",
            "n",
            "Spearman",
            "95% CI of Spearman",
            "ICC(A,1)",
            "95% CI of ICC",
            "bias",
            "limits of agreement",
            "same score",
            "within 1",
        ),
        rows,
        "ICC: two-way, absolute agreement, single rating (McGraw and Wong). Bias: first less "
        "second, with Bland and Altman's 95% limits. Wei et al. report an ICC of 0.920 between the "
        "automated scores and those of readers who saw the regions of the template.",
    )


def _what_is_missing(analyses: Sequence[SeverityAnalysis]) -> str:
    text = _where_no_threshold(analyses)
    if any(np.isnan(result.area.low) for analysis in analyses for result in analysis.markers):
        text += (
            f" {NO_NUMBER} beside an AUC: no interval can be given where the groups are separated "
            "or tied completely."
        )
    if any(np.isnan(analysis.test.low) for analysis in analyses):
        text += (
            f" {NO_NUMBER} beside a difference: no interval can be given where both markers order "
            "the patients alike, or the groups are separated or tied completely."
        )
    return text


def _where_no_threshold(analyses: Sequence[SeverityAnalysis]) -> str:
    thresholds = [result.youden.threshold for analysis in analyses for result in analysis.markers]
    if not np.isnan(thresholds).any():
        return ""
    return f" {NO_NUMBER} for the best threshold: no threshold is better than chance."


def _share(share: Proportion) -> str:
    if np.isnan(share.value):
        return NO_NUMBER
    return f"{number_text(share.value, 3)} ({_interval(share.low, share.high, 3)})"


def _interval(low: float, high: float, digits: int) -> str:
    return Interval(low, high).text(digits)


def _range(marker: Marker, low: float, high: float) -> str:
    return _interval(low, high, marker.digits)


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number_text(value, 3)


def _signed_range(low: float, high: float) -> str:
    return NO_NUMBER if np.isnan(low) else f"{_signed(low)} to {_signed(high)}"


def _p_in_words(p: float) -> str:
    if np.isnan(p):
        return "withheld"
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _quartiles(values: NDArray[np.float64], digits: int) -> str:
    if not values.size:
        return NO_NUMBER
    low, median, high = np.percentile(values, [25, 50, 75])
    return f"{median:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
