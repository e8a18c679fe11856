"""The report of a training: its curves, and what a cross-validation came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

from atlas_builder.cohorts.labelled_scans import Refusal
from atlas_builder.metrics.tables import Table
from atlas_builder.reporting.base.canvas import WIDTH
from atlas_builder.reporting.base.colours import LEVEL_COLOURS
from atlas_builder.reporting.base.sections import (
    Fact,
    Illustration,
    Section,
    write_validation_report,
)
from atlas_builder.validation.localisation import accuracy, relative_distance_error
from slice_localizer.training.cross_validation import BY_HEIGHT, BY_SCORE, Fold, fold_tables
from slice_localizer.training.plan import Plan

Curve = Sequence[Mapping[str, Any]]
"""Evaluations of a training, see `LocalizerRecipe.evaluate`."""

_COLOURS = {BY_SCORE: LEVEL_COLOURS["SGL"], BY_HEIGHT: LEVEL_COLOURS["BGL"]}
_PLAIN = "#3c3c3c"
_CAPTION = (
    "Loss: mean of the batches since the evaluation before. Accuracy and level error: on samples "
    "that are not trained on; by score is the slice of the highest score, as published, by height "
    "the slice nearest to the level that all slices' heights give. Waiting: the share of the time "
    "in which the device had no samples ready. Dotted: where slices become larger."
)


def write_training_report(
    out: Path,
    plan: Plan,
    curve: Curve,
    refusals: Sequence[Refusal],
    inputs: Mapping[str, object],
) -> None:
    """Write ``report.html`` of one training.

    Parameters
    ----------
    out : Path
        An existing folder.
    plan : Plan
        What was done.
    curve : sequence of mapping
        Its evaluations.
    refusals : sequence of Refusal
        Participants who could not be used.
    inputs : mapping
        With ``settings`` and ``versions``.
    """
    last = curve[-1]
    facts = [
        _share("Accuracy by height", last["accuracy"]["by_height"], "of samples not trained on"),
        _share("Accuracy by score", last["accuracy"]["by_score"], "as published"),
        Fact("Level error", f"{last['accuracy']['level_error_mm']:.2f}", "mm, mean"),
        Fact("Steps", str(last["step"]), f"{last['seconds'] / 60:.0f} min"),
        _share("Waiting for data", _mean_waiting(curve), "of the time"),
    ]
    section = Section(
        "training",
        "Training",
        figures=(Illustration("curves", curves_figure([curve], plan), _CAPTION),),
        tables=(_curve_table(curve, plan),),
    )
    _write(out, "Training of the key-slice network", facts, [section], refusals, inputs)


def write_folds_report(
    out: Path,
    plan: Plan,
    folds: Sequence[Fold],
    refusals: Sequence[Refusal],
    inputs: Mapping[str, object],
) -> None:
    """Write ``report.html`` of a cross-validation; see `write_training_report`."""
    everyone = {name: [one for fold in folds for one in fold.found[name]] for name in _COLOURS}
    facts = [
        Fact("Folds", str(len(folds)), f"{len(everyone[BY_SCORE]) // 2} scans"),
        *(_share(f"Accuracy {name}", accuracy(found)) for name, found in everyone.items()),
        *(
            Fact(f"Distance {name}", f"{relative_distance_error(found):.2f}", "mm, mean")
            for name, found in everyone.items()
        ),
    ]
    curves = curves_figure([fold.curve for fold in folds], plan)
    sections = [
        Section("results", "Results", tables=tuple(fold_tables(folds))),
        Section(
            "training",
            "Training",
            text="One line a fold; evaluated on the scans that the fold keeps from training, "
            "which decide nothing.",
            figures=(Illustration("curves", curves, _CAPTION),),
        ),
    ]
    _write(out, "Cross-validation of the key-slice network", facts, sections, refusals, inputs)


def curves_figure(curves: Sequence[Curve], plan: Plan) -> Figure:
    """Draw loss, accuracy, level error, learning rate and waiting over the steps.

    Parameters
    ----------
    curves : sequence of sequence of mapping
        One a training, see `LocalizerRecipe.evaluate`.
    plan : Plan
        Of each of them.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH, 4.6), layout="constrained")
    loss, accuracies, errors, rates, waiting, spare = figure.subplots(2, 3).ravel()
    spare.set_axis_off()
    for curve in curves:
        steps = [line["step"] for line in curve]
        loss.plot(steps, [line["loss"] for line in curve], color=_PLAIN, linewidth=1.1)
        for name, key in ((BY_SCORE, "by_score"), (BY_HEIGHT, "by_height")):
            values = [100 * line["accuracy"][key] for line in curve]
            label = name if curve is curves[0] else None
            accuracies.plot(steps, values, color=_COLOURS[name], linewidth=1.1, label=label)
        level = [line["accuracy"]["level_error_mm"] for line in curve]
        errors.plot(steps, level, color=_COLOURS[BY_HEIGHT], linewidth=1.1)
        waited = [100 * line["waiting"] for line in curve]
        waiting.plot(steps, waited, color=_PLAIN, linewidth=1.1)
    every = range(plan.steps)
    rates.plot([n + 1 for n in every], [1000 * plan.schedule.rate(n) for n in every], color=_PLAIN)
    accuracies.set_ylim(0, 102)
    waiting.set_ylim(bottom=0)
    rates.set_ylim(bottom=0)
    errors.set_yscale("log")
    errors.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    errors.yaxis.set_major_formatter(ScalarFormatter())
    errors.yaxis.set_minor_locator(NullLocator())
    accuracies.legend(fontsize=7, frameon=False)
    for axes, title in (
        (loss, "Loss"),
        (accuracies, "Accuracy (%)"),
        (errors, "Level error (mm)"),
        (rates, "Learning rate (thousandths)"),
        (waiting, "Waiting for data (%)"),
    ):
        _dress(axes, title, plan)
    return figure


def _dress(axes: Axes, title: str, plan: Plan) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.tick_params(labelsize=8, which="both")
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("step", fontsize=8)
    axes.set_xlim(0, plan.steps)
    done = 0
    for stage in plan.stages[:-1]:
        done += stage.steps
        axes.axvline(done, color="#9a9a9a", linewidth=0.8, linestyle=":")


def _curve_table(curve: Curve, plan: Plan) -> Table:
    rows = tuple(
        (
            int(line["step"]),
            float(line["loss"]),
            100 * float(line["accuracy"]["by_score"]),
            100 * float(line["accuracy"]["by_height"]),
            float(line["accuracy"]["level_error_mm"]),
            f"{plan.schedule.rate(line['step'] - 1):.2e}",
            100 * float(line["waiting"]),
            float(line["seconds"]) / 60,
        )
        for line in curve
    )
    return Table(
        "table_curve",
        "The training in numbers",
        (
            "step",
            "loss",
            "accuracy by score (%)",
            "accuracy by height (%)",
            "level error (mm)",
            "learning rate",
            "waiting (%)",
            "minutes",
        ),
        rows,
        digits=2,
    )


def _mean_waiting(curve: Curve) -> float:
    """Return the share of all time, not the mean of shares of unequal times."""
    total, waited, before = 0.0, 0.0, 0.0
    for line in curve:
        span = line["seconds"] - before
        total, waited, before = total + span, waited + span * line["waiting"], line["seconds"]
    return waited / total if total > 0 else 0.0


def _share(name: str, share: float, remark: str = "") -> Fact:
    return Fact(name, f"{100 * share:.1f}%", remark)


def _write(
    out: Path,
    title: str,
    facts: Sequence[Fact],
    sections: Sequence[Section],
    refusals: Sequence[Refusal],
    inputs: Mapping[str, object],
) -> None:
    write_validation_report(
        out, title, facts, sections, refusals, inputs, subtitle="Report of the training."
    )
