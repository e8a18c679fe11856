"""The curves of a training: every evaluation in its place."""

from __future__ import annotations

import pytest
from pictures import coloured, picture_of

from atlas_builder.reporting.base.figure_files import write_figure
from atlas_builder.reporting.training.segmenter import training_figure

HISTORY = [
    {"step": 150, "training_loss": 1.4, "validation_loss": 1.2, "validation_dice": 0.31},
    {"step": 300, "training_loss": 0.8, "validation_loss": 0.9, "validation_dice": 0.62},
    {"step": 450, "training_loss": 0.5, "validation_loss": 0.7, "validation_dice": 0.71},
]


def test_loss_and_dice_are_drawn_over_the_steps() -> None:
    loss, dice = training_figure(HISTORY).axes
    drawn = {line.get_label(): line for line in loss.lines}
    assert [text.get_text() for text in loss.get_legend().get_texts()] == list(drawn)
    for name in ("training", "validation"):
        assert list(drawn[name].get_xdata()) == [150, 300, 450]
        assert list(drawn[name].get_ydata()) == [one[f"{name}_loss"] for one in HISTORY]
    (line,) = dice.lines
    assert list(line.get_ydata()) == [0.31, 0.62, 0.71]
    assert line.get_color() == drawn["validation"].get_color() != drawn["training"].get_color()
    assert dice.get_ylim() == (0, 1)
    assert loss.get_ylim()[0] == 0


@pytest.mark.parametrize("evaluations", [1, 3])
def test_even_a_single_evaluation_is_seen(tmp_path, evaluations) -> None:
    figure = training_figure(HISTORY[:evaluations])
    png, _ = write_figure(figure, tmp_path, "training")
    picture = picture_of(png)
    middle = picture.shape[1] // 2
    for axes, half in zip(figure.axes, (picture[:, :middle], picture[:, middle:]), strict=True):
        for line in axes.lines:
            assert coloured(half, line.get_color()).sum() > 20 * evaluations
