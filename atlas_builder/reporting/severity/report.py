"""The report of a cohort's scores: every table and figure of the severity analysis on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.dwi.scored_lesion import MCA_SHARE
from aspects_scorer.severity.analysis import MarkerResult, SeverityAnalysis
from aspects_scorer.severity.groups import HIGHEST_NIHSS, MODERATE_FROM
from atlas_builder.metrics.reliability import ReaderAgreement
from atlas_builder.metrics.tables import Interval, number_text
from atlas_builder.reporting.base.sections import Fact, Illustration, Section
from atlas_builder.reporting.severity import deduction_tables, figures, tables

TITLE = "DWI-ASPECTS, core volume and stroke severity"


@dataclass(frozen=True)
class CohortCounts:
    """How many participants of a cohort there are of each kind.

    Attributes
    ----------
    scored, left_out : int
        Participants with a score, and those without.
    with_nihss : int
        Scored participants whose NIHSS is known.
    in_mni_space : int
        Scored participants whose core volume was measured in MNI space.
    flags : mapping of str to int
        Scored participants by the code of a flag.
    nihss_column : str or None
        Where the NIHSS comes from.
    implausible_nihss : tuple of str
        Participants whose NIHSS is given and cannot be one.
    """

    scored: int
    left_out: int
    with_nihss: int
    in_mni_space: int
    flags: Mapping[str, int]
    nihss_column: str | None = None
    implausible_nihss: tuple[str, ...] = ()


def facts_of(counts: CohortCounts, analyses: Sequence[SeverityAnalysis]) -> list[Fact]:
    """Return the numbers at the top of the page.

    Parameters
    ----------
    counts : CohortCounts
        Of the cohort.
    analyses : sequence of SeverityAnalysis
        That of all patients first; may be empty.

    Returns
    -------
    list of Fact
    """
    facts = [
        Fact("Lesions scored", str(counts.scored), f"{counts.left_out} participants left out"),
        Fact("With NIHSS", str(counts.with_nihss), "the others are not analysed"),
    ]
    if analyses:
        everyone = analyses[0]
        facts.append(
            Fact(
                f"NIHSS ≥ {MODERATE_FROM}",
                str(int(everyone.patients.positive.sum())),
                f"of {len(everyone.patients)}",
            )
        )
        facts += [_area_fact(result) for result in everyone.markers]
    return facts


def sections_of(
    counts: CohortCounts,
    analyses: Sequence[SeverityAnalysis],
    withheld: Sequence[str],
    agreements: Sequence[ReaderAgreement],
    scores: Mapping[str, NDArray[np.float64]],
) -> list[Section]:
    """Return the parts of the page.

    Parameters
    ----------
    counts : CohortCounts
        Of the cohort.
    analyses, withheld
        From `analyse_severity`.
    agreements : sequence of ReaderAgreement
        From `compare_with_readers`; none where there are no readers.
    scores : mapping of str to ndarray
        Every source's ASPECTS, for the figure of the readers.
    """
    sections = []
    if agreements:
        sections.append(_readers_section(agreements, scores))
    if analyses:
        sections += [_roc_section(counts, analyses, withheld), _deductions_section(analyses)]
        sections.append(_severity_section(analyses))
    else:
        why = [f"{why}." for why in withheld]
        sections.append(Section("severity", "Severity", " ".join([*why, nihss_in_words(counts)])))
    flags = ", ".join(f"{name} {count}" for name, count in sorted(counts.flags.items()))
    sections.append(Section("flags", "Flags", f"Participants by flag: {flags or 'none'}."))
    return sections


def volume_in_words(counts: CohortCounts) -> str:
    """Return in which space core volumes were measured.

    Parameters
    ----------
    counts : CohortCounts
        Of the cohort.

    Returns
    -------
    str
    """
    if not counts.in_mni_space:
        return "Core volumes are in millilitres of the patients' own images."
    share = "All" if counts.in_mni_space == counts.scored else str(counts.in_mni_space)
    return (
        f"{share} of the {counts.scored} masks are in MNI152 space: their core volumes are "
        "millilitres of that space, whose brain is larger than a person's, so a volume threshold "
        "found here is not one of native volumes. Areas under the curve and rank correlations do "
        "not change with scale."
    )


def nihss_in_words(counts: CohortCounts) -> str:
    """Return where the NIHSS comes from and who has none.

    Parameters
    ----------
    counts : CohortCounts
        Of the cohort.

    Returns
    -------
    str
    """
    if counts.nihss_column is None:
        return "No column of NIHSS was given: nothing is said of severity."
    unknown = counts.scored - counts.with_nihss
    text = (
        f"NIHSS: column {counts.nihss_column!r}; {unknown} of {counts.scored} scored participants "
        "have none and are left out of the analysis."
    )
    if counts.implausible_nihss:
        text += (
            f" Not a number from 0 to {HIGHEST_NIHSS}, and taken as unknown: "
            f"{', '.join(counts.implausible_nihss)}."
        )
    return text


def _roc_section(
    counts: CohortCounts, analyses: Sequence[SeverityAnalysis], withheld: Sequence[str]
) -> Section:
    return Section(
        "roc",
        "Moderate and severe strokes from ASPECTS and core volume",
        " ".join(
            [nihss_in_words(counts), volume_in_words(counts), *(f"{why}." for why in withheld)]
        ),
        (
            Illustration(
                "roc",
                figures.roc_figure(analyses),
                f"ROC curves for NIHSS ≥ {MODERATE_FROM}; area with DeLong's 95% interval. Dots: "
                "thresholds with the largest Youden index.",
            ),
        ),
        (
            tables.roc_table(analyses),
            tables.published_thresholds_table(analyses),
            tables.correlation_table(analyses),
        ),
    )


def _deductions_section(analyses: Sequence[SeverityAnalysis]) -> Section:
    pictures, shown = [], []
    for analysis in analyses:
        pictures.append(
            Illustration(
                f"deductions_{analysis.slug}",
                figures.deductions_figure(analysis),
                f"Share of patients whose region loses its point, by severity, {analysis.name}; "
                "lines are Wilson's 95% intervals.",
            )
        )
        shown += [
            deduction_tables.regions_table(analysis),
            deduction_tables.deductions_table(analysis),
        ]
    return Section(
        "deductions",
        "Deductions by region, side and severity",
        " ".join(deduction_tables.pattern_in_words(analysis) for analysis in analyses),
        tuple(pictures),
        tuple(shown),
    )


def _severity_section(analyses: Sequence[SeverityAnalysis]) -> Section:
    everyone = analyses[0]
    return Section(
        "severity",
        "ASPECTS and core volume by severity",
        f"Mostly MCA lesions: at least {MCA_SHARE:.0%} of the lesion in the ten regions.",
        (
            Illustration(
                "nihss",
                figures.nihss_figure(everyone),
                "Every patient; dots are moved a little so that equal ones do not hide each "
                "other. Volumes below 0.1 mL are drawn at 0.1 mL.",
            ),
            Illustration(
                "boxes",
                figures.boxes_figure(everyone),
                "Median, quartiles, and the furthest patients within 1.5 times the range between "
                "the quartiles; dots are further out.",
            ),
        ),
        tuple(tables.groups_table(analysis) for analysis in analyses),
    )


def _readers_section(
    agreements: Sequence[ReaderAgreement], scores: Mapping[str, NDArray[np.float64]]
) -> Section:
    return Section(
        "readers",
        "Agreement with readers",
        "",
        (
            Illustration(
                "bland_altman",
                figures.bland_altman_figure(agreements, scores),
                "Difference of two scores against their mean, with the mean difference and the 95% "
                "limits of agreement; the larger a dot, the more patients.",
            ),
        ),
        (tables.readers_table(agreements),),
    )


def _area_fact(result: MarkerResult) -> Fact:
    area = result.area
    return Fact(
        f"AUC, {result.marker.words}",
        number_text(area.value, 3),
        f"{Interval(area.low, area.high).text(3)}; published {result.marker.published_area:.3f}",
    )
