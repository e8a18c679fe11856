"""The figures of scorers held against the truth.

References
----------
Cao Z, et al. Hum Brain Mapp 43:3023-3036 (2022), Figure 4. doi:10.1002/hbm.25845
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from aspects_scorer.agreement.evaluation import Evaluation
from aspects_scorer.agreement.region_measures import SCOPES, both_sides, ranked
from aspects_scorer.agreement.score_measures import ScoreMeasures
from atlas_builder.core.anatomy import Region
from atlas_builder.core.aspects import POINTS
from atlas_builder.metrics.calibration import LEAST_IN_TENTH, Calibration
from atlas_builder.metrics.roc import roc_curve_of
from atlas_builder.metrics.tables import Estimate
from atlas_builder.reporting.base.bland_altman import draw_differences
from atlas_builder.reporting.base.canvas import WIDTH
from atlas_builder.reporting.base.sources import (
    colour_of,
    legend_below,
    name_levels,
    plain_axes,
    rule_off_levels,
)

_INK = "#1d2327"
_FAINT = "#8a8a8a"
_LEAST_REACH = 3.3  # points: what an axis of differences shows of a scorer that is always right
_HIGHEST_BOTTOM = 0.9  # of an axis of areas
_MEASURES = ("area", "sensitivity", "specificity")
_TITLES = {"area": "AUC", "sensitivity": "sensitivity", "specificity": "specificity"}


def scores_figure(scores: ScoreMeasures) -> Figure:
    """Draw the scores by true score, their differences against their means, and a histogram.

    Parameters
    ----------
    scores : ScoreMeasures
        Of a scorer.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH, 3.3), layout="constrained")
    boxes, differences, histogram = figure.subplots(1, 3)
    _boxes(boxes, scores)
    draw_differences(differences, scores.agreement, scores.scored, scores.true)
    low, high = differences.get_ylim()
    differences.set_ylim(min(low, -_LEAST_REACH), max(high, _LEAST_REACH))
    differences.yaxis.set_major_locator(MaxNLocator(integer=True))
    _histogram(histogram, scores)
    return figure


def _boxes(axes: Axes, scores: ScoreMeasures) -> None:
    present = np.unique(scores.true)
    axes.plot([0, POINTS], [0, POINTS], color=_FAINT, linewidth=0.9, linestyle=":")
    groups = [scores.scored[scores.true == score] for score in present]
    drawn = axes.boxplot(
        groups,
        positions=present,
        widths=0.6,
        patch_artist=True,
        showfliers=False,
        manage_ticks=False,
        medianprops={"color": colour_of(1), "linewidth": 1.8},
    )
    for box in drawn["boxes"]:
        box.set(facecolor="#d6e4f0", edgecolor=_INK, linewidth=0.8)
    for score, group in zip(present, groups, strict=True):
        # Spread by fixed sequences, so that the figure is the same each time.
        across, up = (np.outer((0.754878, 0.569840), np.arange(len(group))) % 1) - 0.5
        axes.plot(
            score + across * 0.5,
            group + up * 0.35,
            ".",
            color=colour_of(0),
            markersize=3.5,
            markeredgewidth=0,
            alpha=0.7,
        )
    plain_axes(axes)
    axes.set_xlim(-0.6, POINTS + 0.6)
    axes.set_ylim(-0.6, POINTS + 0.6)
    axes.set_xticks(range(0, POINTS + 1, 2))
    axes.set_yticks(range(0, POINTS + 1, 2))
    axes.set_xlabel("true ASPECTS", fontsize=9)
    axes.set_ylabel("scored ASPECTS", fontsize=9)
    axes.set_title(f"{scores.agreement.n} participants", fontsize=8, loc="left")


def _histogram(axes: Axes, scores: ScoreMeasures) -> None:
    differences = scores.scored - scores.true
    values, counts = np.unique(differences, return_counts=True)
    axes.bar(values, counts, 0.85, color=[colour_of(0) if v == 0 else "#8fb8d8" for v in values])
    plain_axes(axes)
    reach = max(3, int(np.abs(values).max(initial=0)))
    axes.set_xlim(-reach - 0.7, reach + 0.7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("scored − true", fontsize=9)
    axes.set_ylabel("participants", fontsize=9)
    axes.set_title(
        f"same {scores.agreement.identical:.0%}, within 2 points {scores.agreement.within_two:.0%}",
        fontsize=8,
        loc="left",
    )


def calibration_figure(calibration: Calibration) -> Figure:
    """Draw what came true of each tenth of the probabilities, and how many there are.

    Parameters
    ----------
    calibration : Calibration
        Of a scorer.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH / 2, 5.2), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.4, 1))
    axes.plot([0, 1], [0, 1], color=_FAINT, linewidth=0.9, linestyle=":")
    for tenth in calibration.tenths:
        if not tenth.count:
            continue
        x, share = tenth.predicted, tenth.observed
        axes.plot([x, x], [share.low, share.high], color=colour_of(0), linewidth=1.2)
        axes.plot(
            x,
            share.value,
            "o",
            color=colour_of(0),
            markerfacecolor=colour_of(0) if tenth.says_enough else "white",
            markersize=5,
        )
    plain_axes(axes)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("share affected", fontsize=9)
    middles = [(tenth.first + tenth.last) / 2 for tenth in calibration.tenths]
    counts = [tenth.count for tenth in calibration.tenths]
    below.bar(middles, counts, 0.092, color="#8fb8d8")
    for x, count in zip(middles, counts, strict=True):
        below.text(x, max(count, 1), str(count), ha="center", va="bottom", fontsize=7)
    plain_axes(below)
    below.set_yscale("log")
    below.set_ylim(0.8, 6 * max(*counts, 1))
    below.set_xticks(np.arange(0, 1.01, 0.2))
    below.axhline(LEAST_IN_TENTH, color=_FAINT, linewidth=0.8, linestyle="--")
    below.set_ylabel("regions", fontsize=9)
    below.set_xlabel("probability of being affected", fontsize=9)
    return figure


def roc_figure(evaluations: Sequence[Evaluation]) -> Figure:
    """Draw the ROC curves over all regions of both sides, a curve a scorer.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        At least one; those whose area over all regions is known are drawn.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH / 2, 4.7), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=_FAINT, linewidth=0.8, linestyle=":")
    for place, evaluation in enumerate(evaluations):
        area = evaluation.summary.regions.area
        if np.isnan(area.value):
            continue
        positive, marker, _ = ranked(both_sides(evaluation.matched))
        curve = roc_curve_of(positive, marker, lower_is_worse=False)
        axes.plot(
            curve.false_positive,
            curve.true_positive,
            color=colour_of(place),
            linewidth=1.7,
            label=f"{evaluation.name}: {area.text(3)}",
        )
        decided = evaluation.summary.regions
        axes.plot(
            1 - decided.specificity.value,
            decided.sensitivity.value,
            "o",
            color=colour_of(place),
            markersize=6,
            markeredgecolor="white",
        )
    plain_axes(axes)
    axes.set_box_aspect(1)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("1 − specificity", fontsize=9)
    axes.set_ylabel("sensitivity", fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    return figure


def regions_figure(evaluations: Sequence[Evaluation]) -> Figure:
    """Draw area, sensitivity and specificity of every region with their intervals.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        At least one; all tell regions.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH, 6.6), layout="constrained")
    panels = figure.subplots(len(_MEASURES), 1, sharex=True)
    step = min(0.2, 0.8 / len(evaluations))
    for axes, measure in zip(panels, _MEASURES, strict=True):
        for place, evaluation in enumerate(evaluations):
            offset = (place - (len(evaluations) - 1) / 2) * step
            for row, found in enumerate(evaluation.regions):
                estimate: Estimate = getattr(found, measure)
                x = row + offset
                axes.plot([x, x], [estimate.low, estimate.high], color=colour_of(place), lw=1.3)
                axes.plot(x, estimate.value, "o", color=colour_of(place), markersize=4)
        plain_axes(axes)
        axes.set_ylabel(_TITLES[measure], fontsize=9)
        if measure == "area":
            axes.set_ylim(min(axes.get_ylim()[0], _HIGHEST_BOTTOM), 1.005)
        else:
            axes.set_ylim(-0.02, 1.02)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.tick_params(axis="x", length=0)
        rule_off_levels(axes)
        axes.set_xlim(-0.6, len(SCOPES) - 0.4)
    name_levels(panels[0])
    panels[-1].set_xticks(range(len(SCOPES)), list(SCOPES))
    panels[0].text(
        len(Region) + 1,
        1.015,
        "together",
        ha="center",
        va="bottom",
        fontsize=8,
        color="#4a4a4a",
        transform=panels[0].get_xaxis_transform(),
    )
    legend_below(
        figure,
        [
            Line2D([], [], color=colour_of(place), marker="o", markersize=4, label=one.name)
            for place, one in enumerate(evaluations)
        ],
    )
    return figure
