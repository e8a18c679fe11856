"""The weights of the signs, as they ship: numbers in a JSON file.

Two logistic regressions follow each other. The first judges each region by its own signs, the
second by the first's log-odds and those of the regions around it. ``scripts/authoring/
fit_asymmetry.py`` fits both, one pair for each rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from aspects_scorer.ncct.asymmetry.evidence import context_evidence, own_evidence
from aspects_scorer.ncct.measures import Array, RegionDensities
from atlas_builder.core.errors import InputError

FILE = Path(__file__).parent / "asymmetry.json"
"""The weights that ship."""


@dataclass(frozen=True)
class Weights:
    """A logistic regression.

    Attributes
    ----------
    names : tuple of str
        Of the signs.
    mean, scale : ndarray, shape (signs,)
        What is taken away from each sign, and what it is divided by.
    weights : ndarray, shape (signs,)
        Of each sign in the log-odds.
    intercept : float
        Log-odds where all signs are at their mean.
    """

    names: tuple[str, ...]
    mean: Array
    scale: Array
    weights: Array
    intercept: float

    def log_odds(self, names: tuple[str, ...], values: Array) -> Array:
        """Return the log-odds for signs.

        Parameters
        ----------
        names : tuple of str
            Of the signs; those of the weights.
        values : ndarray, shape (..., signs)
            Their values.

        Returns
        -------
        ndarray, shape (...)

        Raises
        ------
        ValueError
            The signs are others than the weights'.
        """
        if names != self.names:
            raise ValueError("the weights were fitted to other signs")
        return np.asarray((values - self.mean) / self.scale @ self.weights + self.intercept)


@dataclass(frozen=True)
class AsymmetryModel:
    """What one rule's probabilities follow from.

    Attributes
    ----------
    own, context : Weights
        Of a region's own signs, and of those around it.
    usual_hu : ndarray, shape (10,)
        By how much the sides of each region usually differ in people without an infarct there: the
        standard deviation of the difference of medians, HU.
    """

    own: Weights
    context: Weights
    usual_hu: Array

    def probabilities(self, densities: RegionDensities) -> Array:
        """Return each region's probability of being affected.

        Parameters
        ----------
        densities : RegionDensities
            Of a scan.

        Returns
        -------
        ndarray, shape (2, 10)
            Left side first; NaN where a region or its counterpart could not be measured.
        """
        alone = self.own.log_odds(*own_evidence(densities))
        together = self.context.log_odds(*context_evidence(alone))
        unknown = np.isnan(densities.mean).any(axis=0)
        return np.where(unknown, np.nan, 1 / (1 + np.exp(-together)))


@cache
def load_models(path: Path = FILE) -> Mapping[str, AsymmetryModel]:
    """Read the weights.

    Parameters
    ----------
    path : Path
        The JSON file.

    Returns
    -------
    mapping of str to AsymmetryModel
        By the rule's name.

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    try:
        rules = json.loads(path.read_text("utf-8"))["rules"]
        return {
            name: AsymmetryModel(
                _weights(rule["own"]), _weights(rule["context"]), np.array(rule["usual_hu"], float)
            )
            for name, rule in rules.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: the weights cannot be read ({error}); install aspects-atlas again"
        ) from None


def _weights(stored: Mapping[str, object]) -> Weights:
    rows: dict[str, list[float]] = stored["signs"]  # type: ignore[assignment]
    mean, scale, weights = np.array(list(rows.values()), float).T
    return Weights(tuple(rows), mean, scale, weights, float(stored["intercept"]))  # type: ignore[arg-type]
