"""The figures of scorers: what they show, in the right place."""

from __future__ import annotations

import numpy as np
import pytest
from made_scores import affected_of, made_probabilities, made_truth
from matched_scores import matched_of
from matplotlib.patches import Rectangle
from sklearn.metrics import auc

from aspects_scorer.agreement.evaluation import Evaluation, evaluate
from aspects_scorer.agreement.region_measures import SCOPES
from atlas_builder.reporting.agreement.figures import (
    calibration_figure,
    regions_figure,
    roc_figure,
    scores_figure,
)
from atlas_builder.reporting.agreement.report import slugs_of


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    _, shares = made_truth(60)
    probability = made_probabilities(shares, 2, 5)
    return evaluate(matched_of(affected_of(shares), probability >= 0.5, probability), 1)


def test_scores_by_true_score_and_histogram(evaluation):
    boxes, _, histogram = scores_figure(evaluation.scores).axes
    scores = evaluation.scores
    present = np.unique(scores.true)
    medians = [line.get_ydata()[0] for line in boxes.lines if line.get_linewidth() == 1.8]
    assert medians == [np.median(scores.scored[scores.true == score]) for score in present]
    bars = [patch for patch in histogram.patches if isinstance(patch, Rectangle)]
    found = {bar.get_x() + bar.get_width() / 2: bar.get_height() for bar in bars}
    values, counts = np.unique(scores.scored - scores.true, return_counts=True)
    assert list(found) == pytest.approx(values)
    assert list(found.values()) == list(counts)


def test_calibration_shows_every_tenth_and_its_count(evaluation):
    calibration = evaluation.calibration
    assert calibration is not None
    axes, below = calibration_figure(calibration).axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    shown = [tenth for tenth in calibration.tenths if tenth.count]
    assert [dot.get_ydata()[0] for dot in dots] == [tenth.observed.value for tenth in shown]
    filled = [dot.get_markerfacecolor() != "white" for dot in dots]
    assert filled == [tenth.says_enough for tenth in shown]
    assert [text.get_text() for text in below.texts] == [str(t.count) for t in calibration.tenths]


def test_regions_and_curves_show_what_was_measured(evaluation):
    panel = regions_figure([evaluation]).axes[0]
    dots = [line.get_ydata()[0] for line in panel.lines if line.get_marker() == "o"]
    assert dots == [one.area.value for one in evaluation.regions]
    assert len(dots) == len(SCOPES)
    axes = roc_figure([evaluation]).axes[0]
    (decided,) = (line for line in axes.lines if line.get_marker() == "o")
    regions = evaluation.summary.regions
    assert decided.get_xydata()[0] == pytest.approx(
        [1 - regions.specificity.value, regions.sensitivity.value]
    )
    curve = axes.lines[1]
    assert auc(curve.get_xdata(), curve.get_ydata()) == pytest.approx(regions.area.value)


def test_every_scorer_has_files_of_its_own(evaluation):
    slugs = slugs_of([evaluation, evaluation, evaluation])
    assert slugs == ["scorer", "scorer_2", "scorer_3"]
