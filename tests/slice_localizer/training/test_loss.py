from __future__ import annotations

import math

import pytest
import torch

from slice_localizer.training.aspectslocnet import SliceScores
from slice_localizer.training.cutmix import Truth
from slice_localizer.training.loss import training_loss


def truth(is_bgl, heights, share=None):
    share = [1.0] * len(is_bgl) if share is None else share
    return Truth(torch.tensor(share), torch.tensor(is_bgl), torch.tensor(heights))


def scores(logits, heights):
    return SliceScores(
        torch.tensor(logits, requires_grad=True), torch.tensor(heights, requires_grad=True)
    )


def test_nothing_known_costs_the_entropy_of_a_coin():
    loss = training_loss([scores([0.0, 0.0], [0.0, 10.0])], [truth([1.0, 0.0], [0.0, 10.0])])
    assert float(loss.detach()) == pytest.approx(math.log(2))


def test_right_answers_cost_next_to_nothing():
    loss = training_loss([scores([20.0, -20.0], [0.0, 10.0])], [truth([1.0, 0.0], [0.0, 10.0])])
    assert float(loss.detach()) < 1e-6


def test_a_height_error_of_one_unit():
    """Beyond 1 mm the loss grows by 1 a unit of 20 mm."""
    exact = training_loss([scores([0.0], [0.0])], [truth([0.0], [0.0])])
    off = training_loss([scores([0.0], [20.0])], [truth([0.0], [0.0])])
    assert float((off - exact).detach()) == pytest.approx(1.0 - 0.025)


def test_far_slices_need_only_be_known_to_be_far():
    loss = training_loss([scores([0.0], [60.0])], [truth([0.0], [150.0])])
    assert float(loss.detach()) == pytest.approx(math.log(2))


def test_unknown_heights_teach_nothing():
    said = scores([0.0, 0.0], [5.0, 3.0])
    training_loss([said], [truth([1.0, 0.0], [math.nan, 3.0])]).backward()
    assert said.heights_mm.grad.tolist() == [0.0, 0.0]
    assert said.logits.grad[0] < 0 < said.logits.grad[1]
    nobody = training_loss([scores([0.0], [5.0])], [truth([1.0], [math.nan])])
    assert float(nobody.detach()) == pytest.approx(math.log(2))


def test_shares_weigh_the_truths():
    """Half of one thing and half of another teach the middle."""
    said = scores([0.0], [0.0])
    mixed = [truth([1.0], [math.nan], [0.5]), truth([0.0], [math.nan], [0.5])]
    training_loss([said], mixed).backward()
    assert float(said.logits.grad[0]) == pytest.approx(0.0, abs=1e-7)
    assert float(training_loss([said], mixed).detach()) == pytest.approx(math.log(2))


def test_earlier_scores_count_less():
    one, true = scores([0.0], [0.0]), [truth([1.0], [0.0])]
    alone = float(training_loss([one], true).detach())
    three = float(training_loss([one, one, one], true).detach())
    assert three == pytest.approx(1.6 * alone)
