"""The loss that training minimises."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from slice_localizer.training.aspectslocnet import HEIGHT_UNIT_MM, SliceScores
from slice_localizer.training.cutmix import Truth

_EARLIER_SHARE = 0.3  # weight of the scores of the features and of the first LSTM
_FARTHEST_MM = 60.0  # farther slices need only be known to be far
_SMALL_ERROR_MM = 1.0  # below it heights pull the less, the nearer they are


def training_loss(scores: Sequence[SliceScores], truths: Sequence[Truth]) -> Tensor:
    """Return binary cross-entropy of the basal ganglia slice, and the error of heights beside it.

    Parameters
    ----------
    scores : sequence of SliceScores
        As `AspectsLocNet.score` returns them: the final ones first; the others count less.
    truths : sequence of Truth
        What is true of a share of each slice; heights that are NaN are passed over.

    Returns
    -------
    Tensor
        A scalar.
    """
    total = scores[0].logits.new_zeros(())
    for place, predicted in enumerate(scores):
        weight = 1.0 if place == 0 else _EARLIER_SHARE
        for truth in truths:
            total = total + weight * _loss(predicted, truth)
    return total


def _loss(predicted: SliceScores, truth: Truth) -> Tensor:
    entropy = functional.binary_cross_entropy_with_logits(
        predicted.logits, truth.is_bgl, weight=truth.share
    )
    known = torch.isfinite(truth.heights_mm)
    if not known.any():
        return entropy
    heights = truth.heights_mm[known].clamp(-_FARTHEST_MM, _FARTHEST_MM) / HEIGHT_UNIT_MM
    predicted_heights = predicted.heights_mm[known] / HEIGHT_UNIT_MM
    error = functional.smooth_l1_loss(
        predicted_heights, heights, reduction="none", beta=_SMALL_ERROR_MM / HEIGHT_UNIT_MM
    )
    return entropy + (truth.share[known] * error).mean()
