"""The curves of a training: every evaluation in its place, and where slices become larger."""

from __future__ import annotations

import numpy as np
import pytest

from atlas_builder.reporting.training.localizer import curves_figure
from slice_localizer.training.plan import Plan, Stage

PLAN = Plan(stages=(Stage(32, 40), Stage(64, 20)), check_every=20)


def curve(better: float = 0.0):
    return [
        {
            "step": step,
            "loss": 3.0 - step / 30 - better,
            "accuracy": {
                "by_score": step / 100 + better,
                "by_height": step / 80 + better,
                "level_error_mm": 120 / step,
            },
            "waiting": 0.1,
        }
        for step in (20, 40, 60)
    ]


def lines_of(axes):
    """What is drawn from evaluations; lines that part stages are dotted."""
    return [line for line in axes.lines if line.get_linestyle() == "-"]


def test_every_evaluation_is_drawn() -> None:
    *used, _ = curves_figure([curve()], PLAN).axes
    panels = {axes.get_title(loc="left"): axes for axes in used}
    drawn = {
        name: [list(line.get_ydata()) for line in lines_of(axes)]
        for name, axes in panels.items()
        if name != "Learning rate (thousandths)"
    }
    assert drawn["Loss"] == [pytest.approx([3 - 2 / 3, 3 - 4 / 3, 1.0])]
    assert drawn["Accuracy (%)"] == [pytest.approx([20, 40, 60]), pytest.approx([25, 50, 75])]
    assert drawn["Level error (mm)"] == [pytest.approx([6, 3, 2])]
    assert drawn["Waiting for data (%)"] == [pytest.approx([10, 10, 10])]
    (rates,) = lines_of(panels["Learning rate (thousandths)"])
    np.testing.assert_allclose(
        rates.get_ydata(), [1000 * PLAN.schedule.rate(step) for step in range(60)]
    )
    legend = panels["Accuracy (%)"].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["by score", "by height"]
    for axes in panels.values():
        (dotted,) = (line for line in axes.lines if line.get_linestyle() == ":")
        assert list(dotted.get_xdata()) == [40, 40]


def test_folds_share_the_panels_and_one_legend() -> None:
    loss, accuracies, *_ = curves_figure([curve(), curve(0.1)], PLAN).axes
    assert len(lines_of(loss)) == 2
    assert len(lines_of(accuracies)) == 4
    assert len(accuracies.get_legend().get_texts()) == 2
