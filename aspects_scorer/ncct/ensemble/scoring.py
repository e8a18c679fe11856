"""From the log-odds of `asymmetry` and `da-net` together to points.

The log-odds are weighted and added, by a logistic regression on heads that neither had been fitted
to: logarithmic opinion pooling. The weights are numbers in a JSON file.

References
----------
Genest C, Zidek JV. Combining probability distributions: a critique and an annotated bibliography.
Stat Sci 1:114-135 (1986). doi:10.1214/ss/1177013825
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import expit, logit

from aspects_scorer.ncct.asymmetry.model import load_models
from aspects_scorer.ncct.asymmetry.scoring import explain as explain_asymmetry
from aspects_scorer.ncct.da_net.scoring import THRESHOLDS, judge_by_da_net
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import Array, RegionDensities
from aspects_scorer.ncct.points import score_by_probability
from aspects_scorer.ncct.scored_scan import ScoredScan
from atlas_builder.core.errors import InputError

METHOD = "ensemble"

FILE = Path(__file__).parent / "ensemble.json"
"""The weights that ship."""

_LEAST = 1e-4  # probabilities beyond say no more


@dataclass(frozen=True)
class PoolingWeights:
    """How much each scorer counts.

    Attributes
    ----------
    asymmetry, da_net : float
        Weights of their log-odds.
    intercept : float
        Log-odds where both are even.
    """

    asymmetry: float
    da_net: float
    intercept: float

    def pooled(self, asymmetry: Array, da_net: Array) -> Array:
        """Return the log-odds of both together; where one is NaN, the other's alone.

        Parameters
        ----------
        asymmetry, da_net : ndarray, shape (2, 10)
            Their log-odds.

        Returns
        -------
        ndarray, shape (2, 10)
        """
        both = self.asymmetry * asymmetry + self.da_net * da_net + self.intercept
        one = np.where(np.isnan(asymmetry), da_net, asymmetry)
        return np.asarray(np.where(np.isnan(both), one, both))


def log_odds_of(probability: Array) -> Array:
    """Return log-odds of probabilities, those of 0 and 1 finite.

    Parameters
    ----------
    probability : ndarray
        0 to 1, or NaN.

    Returns
    -------
    ndarray
    """
    return np.asarray(logit(np.clip(probability, _LEAST, 1 - _LEAST)))


def score_by_ensemble(scan: MappedScan, densities: RegionDensities, rule: str) -> ScoredScan:
    """Score a scan by both scorers together.

    Parameters
    ----------
    scan : MappedScan
        The scan.
    densities : RegionDensities
        Of its regions, from `measure_densities`.
    rule : str
        Which extent of ischaemia counts, a name of `atlas_builder.core.aspects.RULES`.

    Returns
    -------
    ScoredScan
        With the network's attention.

    Raises
    ------
    ValueError
        The place of the standard brain in the scan is not known.
    KeyError
        There are no weights for the rule.
    """
    model = load_models()[rule]
    alone = model.probabilities(densities)
    judged = judge_by_da_net(scan, rule)
    pooled = load_weights()[rule].pooled(log_odds_of(alone), judged.log_odds)
    network = expit(judged.log_odds)

    def reason(row: int, column: int) -> str:
        words = explain_asymmetry(densities, model, row, column)
        return f"{words}; asymmetry {alone[row, column]:.2f}, network {network[row, column]:.2f}"

    scored = score_by_probability(METHOD, rule, scan, densities, expit(pooled), THRESHOLDS, reason)
    return replace(scored, attention=judged.attention)


@cache
def load_weights(path: Path = FILE) -> Mapping[str, PoolingWeights]:
    """Read the weights.

    Parameters
    ----------
    path : Path
        The JSON file.

    Returns
    -------
    mapping of str to PoolingWeights
        By the rule's name.

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    try:
        rules = json.loads(path.read_text("utf-8"))["rules"]
        return {
            name: PoolingWeights(
                float(row["asymmetry"]), float(row["da_net"]), float(row["intercept"])
            )
            for name, row in rules.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: the weights cannot be read ({error}); install aspects-atlas again"
        ) from None
