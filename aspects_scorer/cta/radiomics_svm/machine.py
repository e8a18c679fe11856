"""A support vector machine as numbers, and what it says of features.

The machine is stored as its support vectors with their coefficients [1]_, in JSON; decisions are
scikit-learn's to rounding. A logistic curve, fitted to decisions on subjects that the machine had
not seen, turns them into probabilities [2]_.

References
----------
.. [1] Cortes C, Vapnik V. Support-vector networks. Mach Learn 20:273-297 (1995).
   doi:10.1007/BF00994018
.. [2] Platt J. Probabilistic outputs for support vector machines and comparisons to regularized
   likelihood methods. In: Advances in Large Margin Classifiers, MIT Press, 61-74 (1999).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from aspects_scorer.ncct.measures import Array
from atlas_builder.core.errors import InputError

FILE = Path(__file__).parent / "radiomics_svm.json"
"""The machines that ship."""

SELECTED, PUBLISHED = "selected", "published"
"""The names of the machines: on the features that were selected, and on those of the paper."""


@dataclass(frozen=True)
class Machine:
    """A support vector machine on a few features.

    Attributes
    ----------
    features : tuple of str
        Names; of each the region's value less that of its counterpart is asked.
    mean, scale : ndarray, shape (features,)
        What is taken off the values, and what they are then divided by.
    gamma : float or None
        Of the radial basis function; None for a linear machine.
    vectors : ndarray, shape (vectors, features)
        The support vectors, standardised.
    coefficients : ndarray, shape (vectors,)
        How much each counts.
    intercept : float
        Of the decision.
    slope, offset : float
        The log-odds of being affected are ``slope * decision + offset``.
    """

    features: tuple[str, ...]
    mean: Array
    scale: Array
    gamma: float | None
    vectors: Array
    coefficients: Array
    intercept: float
    slope: float
    offset: float

    def decisions(self, values: Array) -> Array:
        """Return which side of the border values lie on, and how far.

        Parameters
        ----------
        values : ndarray, shape (..., features)
            In the order of `features`; NaN where unknown.

        Returns
        -------
        ndarray, shape (...)
            Positive where a region is affected; NaN where a value is.
        """
        asked = (values - self.mean) / self.scale
        if self.gamma is None:
            kernel = asked @ self.vectors.T
        else:
            apart = asked[..., np.newaxis, :] - self.vectors
            kernel = np.exp(-self.gamma * (apart**2).sum(axis=-1))
        return np.asarray(kernel @ self.coefficients + self.intercept)

    def probabilities(self, values: Array) -> Array:
        """Return how probable it is that regions are affected.

        Parameters
        ----------
        values : ndarray, shape (..., features)
            See `decisions`.

        Returns
        -------
        ndarray, shape (...)
            0-1; NaN where a value is NaN.
        """
        return np.asarray(expit(self.slope * self.decisions(values) + self.offset))

    def stored(self) -> dict[str, Any]:
        """Return the machine as plain numbers, text and lists, for JSON."""
        return {
            "features": list(self.features),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "gamma": self.gamma,
            "vectors": self.vectors.tolist(),
            "coefficients": self.coefficients.tolist(),
            "intercept": self.intercept,
            "slope": self.slope,
            "offset": self.offset,
        }


@cache
def load_machines(path: Path = FILE) -> Mapping[str, Machine]:
    """Read machines.

    Parameters
    ----------
    path : Path
        The JSON file, as ``train-cta`` writes it.

    Returns
    -------
    mapping of str to Machine
        By the names `SELECTED` and `PUBLISHED`.

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    try:
        stored = json.loads(path.read_text("utf-8"))["machines"]
        return {name: _machine(stored[name]) for name in (SELECTED, PUBLISHED)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: the support vector machines cannot be read ({error}); install aspects-atlas "
            "again, or make them with train-cta"
        ) from None


def _machine(stored: Mapping[str, Any]) -> Machine:
    features = tuple(str(name) for name in stored["features"])
    vectors = np.array(stored["vectors"], float).reshape(-1, len(features))
    machine = Machine(
        features,
        np.array(stored["mean"], float),
        np.array(stored["scale"], float),
        None if stored["gamma"] is None else float(stored["gamma"]),
        vectors,
        np.array(stored["coefficients"], float),
        *(float(stored[name]) for name in ("intercept", "slope", "offset")),
    )
    sizes = (len(machine.mean), len(machine.scale), len(vectors))
    if sizes != (len(features), len(features), len(machine.coefficients)):
        raise ValueError("its lists are of different lengths")
    return machine
