"""The figures of a severity analysis, after those of Wei et al."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from aspects_scorer.severity.analysis import (
    MARKERS,
    Marker,
    MarkerResult,
    PatientArrays,
    SeverityAnalysis,
)
from aspects_scorer.severity.deductions import Deduction
from aspects_scorer.severity.groups import MODERATE_FROM, SEVERE_FROM, Severity
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.metrics.reliability import ReaderAgreement
from atlas_builder.metrics.tables import Interval
from atlas_builder.reporting.base.bland_altman import draw_differences
from atlas_builder.reporting.base.canvas import WIDTH
from atlas_builder.reporting.base.sources import (
    colour_of,
    legend_below,
    name_levels,
    plain_axes,
    rule_off_levels,
)
from atlas_builder.reporting.mapping.findings import written
from atlas_builder.reporting.severity.deduction_tables import SIGNIFICANT

SEVERITY_COLOURS: Mapping[Severity, str] = {
    Severity.MILD: "#a9cce3",
    Severity.MODERATE: "#4a90c2",
    Severity.SEVERE: "#123f6d",
}
"""Light to dark, so that the order shows without colour vision too."""

_INK = "#1d2327"
_FAINT = "#8a8a8a"
_BAR = 0.27
_LEAST_ML = 0.1  # volumes below are drawn here on the logarithmic axis


def roc_figure(analyses: Sequence[SeverityAnalysis]) -> Figure:
    """Draw the ROC curves of both markers, a panel a group of patients.

    Parameters
    ----------
    analyses : sequence of SeverityAnalysis
        One a group of patients; at least one.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH if len(analyses) > 1 else WIDTH / 2, 4.9), layout="constrained")
    panels = figure.subplots(1, len(analyses), squeeze=False)[0]
    for axes, analysis in zip(panels, analyses, strict=True):
        axes.plot([0, 1], [0, 1], color=_FAINT, linewidth=0.8, linestyle=":")
        for place, result in enumerate(analysis.markers):
            _curve(axes, result, colour_of(place))
        plain_axes(axes)
        axes.set_box_aspect(1)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("1 − specificity", fontsize=9)
        axes.set_ylabel("sensitivity", fontsize=9)
        axes.set_title(
            f"{analysis.name}: {int(analysis.patients.positive.sum())} of "
            f"{len(analysis.patients)} with NIHSS ≥ {MODERATE_FROM}",
            fontsize=9,
            loc="left",
        )
        axes.legend(fontsize=8, frameon=False, loc="lower right")
    return figure


def _curve(axes: Axes, result: MarkerResult, colour: str) -> None:
    area, marker, point = result.area, result.marker, result.youden
    axes.plot(
        result.curve.false_positive,
        result.curve.true_positive,
        color=colour,
        linewidth=1.7,
        label=f"{marker.words}: {area.value:.3f} ({Interval(area.low, area.high).text(3)})",
    )
    if np.isnan(point.threshold):
        return
    axes.plot(
        1 - point.specificity.value,
        point.sensitivity.value,
        "o",
        color=colour,
        markersize=6,
        markeredgecolor="white",
        label=f"{marker.rule(point.threshold)}",
    )


def deductions_figure(analysis: SeverityAnalysis) -> Figure:
    """Draw how often each region loses its point by severity: right, left, and on either side.

    Parameters
    ----------
    analysis : SeverityAnalysis
        Of one group of patients.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH, 7.4), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True, sharey=True)
    # The patient's right side first, as in radiological pictures.
    by_side = [[d for d in analysis.by_side if d.where == side] for side in reversed(SIDES)]
    families = [*by_side, analysis.of_either_side]
    for axes, deductions in zip(panels, families, strict=True):
        for deduction in deductions:
            _bars(axes, deduction)
        plain_axes(axes)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylabel(f"{deductions[0].where} side", fontsize=9)
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(-0.55, rule_off_levels(axes) - 0.45)
    name_levels(panels[0])
    panels[0].set_ylim(bottom=0, top=min(panels[0].get_ylim()[1], 1.06))
    panels[-1].set_xticks(range(len(Region)), [region.name for region in Region])
    handles: list[Artist] = [
        Patch(facecolor=SEVERITY_COLOURS[group], label=f"{group.words}, n = {size}")
        for group, size in analysis.sizes.items()
    ]
    handles.append(Line2D([], [], linestyle="", marker="*", color=_INK, label="p (Holm) < 0.05"))
    legend_below(figure, handles)
    return figure


def _bars(axes: Axes, deduction: Deduction) -> None:
    x = deduction.region - 1
    highest = 0.0
    for group, share in deduction.frequency.items():
        if not share.total:
            continue
        place = x + (group - Severity.MODERATE) * _BAR
        axes.bar(place, share.value, _BAR * 0.94, color=SEVERITY_COLOURS[group])
        axes.plot(
            [place, place],
            [share.low, share.high],
            color=_INK,
            linewidth=0.8,
            path_effects=[withStroke(linewidth=2.2, foreground="white")],
        )
        highest = max(highest, share.high)
    if deduction.p_holm < SIGNIFICANT:
        axes.plot(x, highest + 0.025, "*", color=_INK, markersize=5)


def nihss_figure(analysis: SeverityAnalysis) -> Figure:
    """Draw DWI-ASPECTS and core volume of every patient against the NIHSS.

    Parameters
    ----------
    analysis : SeverityAnalysis
        Of one group of patients.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH, 3.9), layout="constrained")
    patients = analysis.patients
    colours = [SEVERITY_COLOURS[Severity(value)] for value in patients.severity]
    for axes, result in zip(figure.subplots(1, 2), analysis.markers, strict=True):
        marker, found = result.marker, result.with_nihss
        values = _drawn(patients, marker)
        spread = 0.5 if marker.name == "aspects" else 0.0
        axes.scatter(
            patients.nihss + _scatter(len(patients), 0.5),
            values + _scatter(len(patients), spread)[::-1],
            s=11,
            c=colours,
            edgecolors="white",
            linewidths=0.3,
        )
        for bound in (MODERATE_FROM, SEVERE_FROM):
            axes.axvline(bound - 0.5, color=_FAINT, linewidth=0.7, linestyle=":")
        _marker_axis(axes, marker)
        axes.set_xlabel("NIHSS", fontsize=9)
        axes.set_title(
            f"Spearman {written(found.value, '.2f')} "
            f"({written(found.low, '.2f')} to {written(found.high, '.2f')})",
            fontsize=9,
            loc="left",
        )
    return figure


def boxes_figure(analysis: SeverityAnalysis) -> Figure:
    """Draw box plots of DWI-ASPECTS and core volume by severity.

    Parameters
    ----------
    analysis : SeverityAnalysis
        Of one group of patients.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH, 3.9), layout="constrained")
    patients = analysis.patients
    present = [group for group, size in analysis.sizes.items() if size]
    for axes, marker in zip(figure.subplots(1, 2), MARKERS, strict=True):
        values = _drawn(patients, marker)
        boxes = axes.boxplot(
            [values[patients.severity == group] for group in present],
            positions=range(len(present)),
            widths=0.55,
            patch_artist=True,
            medianprops={"color": "#f28e2b", "linewidth": 1.8},
            flierprops={"marker": ".", "markersize": 4, "markeredgecolor": _FAINT},
        )
        for box, group in zip(boxes["boxes"], present, strict=True):
            box.set(facecolor=SEVERITY_COLOURS[group], edgecolor=_INK, linewidth=0.8)
        _marker_axis(axes, marker)
        names = [f"{group.words}\nn = {analysis.sizes[group]}" for group in present]
        axes.set_xticks(range(len(present)), names)
        axes.tick_params(axis="x", length=0)
    return figure


def bland_altman_figure(
    agreements: Sequence[ReaderAgreement],
    scores: Mapping[str, NDArray[np.float64]],
) -> Figure:
    """Draw differences of two sources' scores against their means, a panel a pair.

    Parameters
    ----------
    agreements : sequence of ReaderAgreement
        The pairs.
    scores : mapping of str to ndarray, shape (patients,)
        Every source's ASPECTS; NaN where a patient was not scored. The larger a dot, the more
        patients lie there.
    """
    columns = min(3, len(agreements))
    rows = -(-len(agreements) // columns)
    figure = Figure((WIDTH * columns / 3 if columns > 1 else WIDTH / 2, 3.2 * rows))
    figure.set_layout_engine("constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).flat
    for axes, agreement in zip(panels, agreements, strict=False):
        draw_differences(axes, agreement, scores[agreement.first], scores[agreement.second])
    for axes in panels:
        axes.remove()
    return figure


def _drawn(patients: PatientArrays, marker: Marker) -> NDArray[np.float64]:
    values = patients.of(marker)
    return values if marker.name == "aspects" else np.maximum(values, _LEAST_ML)


def _marker_axis(axes: Axes, marker: Marker) -> None:
    plain_axes(axes)
    axes.set_ylabel(f"{marker.words} ({marker.unit})" if marker.unit else marker.words, fontsize=9)
    if marker.name == "aspects":
        axes.set_ylim(-0.6, 10.6)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")


def _scatter(count: int, width: float) -> NDArray[np.float64]:
    """Return offsets by a fixed sequence, so that the figure is the same each time."""
    return np.asarray(((np.arange(count) * 0.618034) % 1 - 0.5) * width, np.float64)
