"""The report of a training: its curves, and everything that decided the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from atlas_builder.metrics.tables import Table
from atlas_builder.reporting.base.canvas import WIDTH
from atlas_builder.reporting.base.sections import (
    Fact,
    Illustration,
    Section,
    write_validation_report,
)

_TITLE = "Infarct segmentation: training of the network"
_TRAINING, _VALIDATION = "#1f5f99", "#b4641e"


def write_training_report(out: Path, description: Mapping[str, Any]) -> list[Path]:
    """Write ``report.html``, ``figures/`` and ``tables/``.

    Parameters
    ----------
    out : Path
        An existing folder.
    description : mapping
        What `atlas_builder.workflows.training.infarct_segmenter.describe` returns.

    Returns
    -------
    list of Path
        The files written.
    """
    history: Sequence[Mapping[str, float]] = description["history"]
    participants = description["participants"]
    last = history[-1]
    facts = [
        Fact("Steps", f"{last['step']:.0f}", f"in {description['seconds'] / 60:.0f} minutes"),
        Fact("Dice", f"{last['validation_dice']:.3f}", "whole validation scans, at the end"),
        Fact("Lesion shapes", str(len(participants["training"])), "planted for training"),
        Fact("Kept for tests", str(len(participants["test"])), "never trained or validated on"),
    ]
    curves = Illustration(
        "training",
        training_figure(history),
        "Loss (Dice and cross-entropy) of training crops, a mean since the point before, and of "
        "whole validation scans with their Dice. Their persons and lesions are not trained on.",
    )
    columns = ("step", "training_loss", "validation_loss", "validation_dice")
    rows = tuple((int(r["step"]), *(r[name] for name in columns[1:])) for r in history)
    table = Table("training", "Every validation.", columns, rows, digits=4)
    section = Section("training", "Training", "", (curves,), (table,))
    settings = {
        name: description[name]
        for name in ("command", "settings", "network", "input", "device", "threads")
    }
    inputs = {"settings": settings, "versions": description["versions"]}
    return write_validation_report(
        out, _TITLE, facts, [section], [], inputs, subtitle="Report of the training."
    )


def training_figure(history: Sequence[Mapping[str, float]]) -> Figure:
    """Draw loss and Dice over the steps.

    Parameters
    ----------
    history : sequence of mapping
        One an evaluation, see `SegmenterRecipe.evaluate`.

    Returns
    -------
    Figure
    """
    figure = Figure((WIDTH, 2.8), layout="constrained")
    loss, dice = figure.subplots(1, 2)
    steps = [record["step"] for record in history]
    for name, colour in (("training", _TRAINING), ("validation", _VALIDATION)):
        values = [record[f"{name}_loss"] for record in history]
        loss.plot(steps, values, "o-", color=colour, markersize=3, linewidth=1.3, label=name)
    loss.legend(fontsize=7, frameon=False)
    scores = [record["validation_dice"] for record in history]
    dice.plot(steps, scores, "o-", color=_VALIDATION, markersize=3, linewidth=1.3)
    _dress(loss, "Loss")
    _dress(dice, "Dice of whole validation scans")
    dice.set_ylim(0, 1)
    loss.set_ylim(bottom=0)
    return figure


def _dress(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel("steps", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
