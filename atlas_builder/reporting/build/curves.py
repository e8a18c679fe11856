"""Curves of a build: how the iterations settle, and how the participants compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from atlas_builder.construction.level import LevelResult
from atlas_builder.core.anatomy import Level
from atlas_builder.reporting.base.canvas import WIDTH
from atlas_builder.reporting.base.colours import LEVEL_COLOURS, WARNING
from atlas_builder.reporting.build.outliers import is_low, lower_bound

_MARKS: Mapping[Level, str] = {"BGL": "o", "SGL": "s"}
_NAMED = 5
"""Flagged participants named in a panel; more would hide each other."""


def convergence_figure(results: Mapping[Level, LevelResult]) -> Figure:
    """Draw what the iterations did: deformation, correlation and entropy.

    Parameters
    ----------
    results : mapping of level to LevelResult
        Of a build.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH, 2.5), layout="constrained")
    deformation, correlation, entropy = figure.subplots(1, 3)
    for level, result in results.items():
        records = result.records
        steps = [record.iteration for record in records]
        maxima = [record.max_deformation_mm for record in records]
        means = [record.mean_deformation_mm for record in records]
        _curve(deformation, level, steps, maxima, f"{level} maximum", "--")
        _curve(deformation, level, steps, means, f"{level} mean", "-")
        _curve(correlation, level, steps, [record.correlation for record in records], level, "-")
        _curve(entropy, level, steps, [record.entropy for record in records], level, "-")
    _dress(deformation, "Mean deformation (mm)")
    _dress(correlation, "Correlation with the template")
    _dress(entropy, "Entropy of the template (bits)")
    deformation.set_ylim(bottom=0)
    for axes in (deformation, correlation, entropy):
        axes.set_xlabel("iteration", fontsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=7, frameon=False)
    return figure


def _curve(
    axes: Axes, level: Level, steps: Sequence[int], values: Sequence[float], name: str, line: str
) -> None:
    axes.plot(
        steps,
        values,
        linestyle=line,
        color=LEVEL_COLOURS[level],
        marker=_MARKS[level],
        markersize=4,
        linewidth=1.3,
        label=name,
    )


def _dress(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def participants_figure(results: Mapping[Level, LevelResult]) -> Figure:
    """Draw every participant's correlation and DSC, sorted, with the bounds of outliers.

    Parameters
    ----------
    results : mapping of level to LevelResult
        Of a build.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH, 2.5), layout="constrained")
    panels = figure.subplots(1, 2 * len(results))
    measures = [
        (level, name, values)
        for level, result in results.items()
        for name, values in (("correlation", result.correlation), ("DSC", result.dice))
    ]
    for axes, (level, name, values) in zip(panels, measures, strict=True):
        _ranks(axes, level, values)
        _dress(axes, f"{level} {name}")
        axes.set_xlabel("participants, sorted", fontsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _ranks(axes: Axes, level: Level, values: Mapping[str, float]) -> None:
    """Draw values in rising order; those below the bound stand out by mark, colour and name."""
    bound = lower_bound(values.values())
    ranked = sorted((value, name) for name, value in values.items() if np.isfinite(value))
    low = [(rank, *pair) for rank, pair in enumerate(ranked, 1) if is_low(pair[0], bound)]
    usual = [(rank, value) for rank, (value, _) in enumerate(ranked, 1) if not is_low(value, bound)]
    axes.plot(*_columns(usual), _MARKS[level], color=LEVEL_COLOURS[level], markersize=3.5)
    axes.plot(*_columns([p[:2] for p in low]), "X", color=WARNING, markersize=6)
    for rank, value, name in low[:_NAMED]:
        axes.annotate(
            name, (rank, value), (6, 0), textcoords="offset points", va="center", fontsize=6.5
        )
    if np.isfinite(bound):
        axes.axhline(bound, color=WARNING, linewidth=0.8, linestyle=":")


def _columns(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [rank for rank, _ in points], [value for _, value in points]
