"""Differences between scores with their intervals, region by region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from atlas_builder.metrics.statistics import Comparison
from atlas_builder.reporting.base.canvas import WIDTH
from atlas_builder.reporting.base.sources import colour_of, divide_levels, legend_below, plain_axes
from atlas_builder.validation.agreement_tables import ROWS

_SIGNIFICANT = 0.05
_STEP = 0.22


def forest_figure(families: Mapping[str, Sequence[Comparison]]) -> Figure:
    """Draw the difference of mean DSC with its bootstrap interval.

    Parameters
    ----------
    families : mapping of str to sequence of Comparison
        By what the legend calls them; a comparison a region, then the mean. Filled marks are those
        whose paired t-test stays below 0.05 after Holm's correction.
    """
    figure = Figure((WIDTH, 3.1), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="#4a4a4a", linewidth=0.9)
    for place, family in enumerate(families.values()):
        colour = colour_of(place + 1)
        offset = (place - (len(families) - 1) / 2) * _STEP
        for row, comparison in enumerate(family):
            x = row + offset
            axes.plot([x, x], [comparison.low, comparison.high], color=colour, linewidth=1.4)
            sure = comparison.p_t_holm < _SIGNIFICANT
            axes.plot(
                x,
                comparison.difference,
                "o",
                color=colour,
                markerfacecolor=colour if sure else "white",
                markersize=4.6,
            )
    plain_axes(axes)
    divide_levels(axes)
    axes.set_xticks(range(len(ROWS)), ROWS)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("Difference of mean DSC", fontsize=9)
    handles = [
        Line2D([], [], color=colour_of(place), marker="o", markersize=4.6, label=name)
        for place, name in enumerate(families, 1)
    ]
    legend_below(figure, handles)
    return figure
