"""From a network's log-odds to probabilities: Platt's scaling on heads it has not learned from.

References
----------
Platt J. Probabilistic outputs for support vector machines and comparisons to regularized likelihood
methods. In: Advances in large margin classifiers, 61-74. MIT Press (1999).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from aspects_scorer.ncct.da_net.network import RULE_NAMES
from aspects_scorer.ncct.da_net.training.examples import StandardCase, plain_pairs
from atlas_builder.core.anatomy import Region

_STRENGTH = 1.0  # inverse of the penalty on the slope


def calibrate(
    network: nn.Module, cases: Sequence[StandardCase], regions: tuple[Region, ...]
) -> dict[str, list[float]]:
    """Fit slope and intercept of a network's log-odds, a rule.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode.
    cases : sequence of StandardCase
        Heads that it has not learned from.
    regions : tuple of Region
        Those that it judges.

    Returns
    -------
    dict of str to list
        Slope and intercept by the rule's name; 1 and 0 where all regions are alike.
    """
    found, truth = [], []
    with torch.inference_mode():
        for case in cases:
            pairs = plain_pairs(case, regions)
            log_odds, _ = network(torch.from_numpy(pairs.patches))
            found.append(log_odds.numpy().reshape(-1, len(RULE_NAMES)))
            truth.append(pairs.affected.reshape(-1, len(RULE_NAMES)))
    log_odds, affected = np.concatenate(found), np.concatenate(truth)
    fitted = {}
    for rule, name in enumerate(RULE_NAMES):
        if len(np.unique(affected[:, rule])) < 2:
            fitted[name] = [1.0, 0.0]
            continue
        regression = LogisticRegression(C=_STRENGTH).fit(log_odds[:, rule, None], affected[:, rule])
        fitted[name] = [
            round(float(regression.coef_[0, 0]), 5),
            round(float(regression.intercept_[0]), 5),
        ]
    return fitted
