"""Random forests as arrays of numbers, and what they say of features.

A forest is stored node after node, tree after tree, in the order in which scikit-learn grows trees:
what follows a node is its left child. ``scripts/authoring/fit_radiomics_forest.py`` grows them, one
for each region and rule; the probabilities here are scikit-learn's, bit for bit.

References
----------
.. [1] Breiman L. Random forests. Mach Learn 45:5-32 (2001). doi:10.1023/A:1010933404324
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.measures import Array
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.errors import InputError

FILE = Path(__file__).parent / "radiomics_forest.npz"
"""The forests that ship."""

LEAF = -1
"""In the place of a feature, where a branch ends."""


@dataclass(frozen=True)
class Forest:
    """Trees of one region.

    Attributes
    ----------
    features : ndarray of int16, shape (nodes,)
        Which feature each node asks, or `LEAF`.
    numbers : ndarray of float64, shape (nodes,)
        Up to which value of the feature the left branch is followed; of a leaf, the share of its
        subjects whose region was affected.
    rights : ndarray of int32, shape (nodes,)
        Where the right branch starts; the left one starts at the next node.
    roots : ndarray of int32, shape (trees,)
        Where each tree starts.
    """

    features: NDArray[np.int16]
    numbers: Array
    rights: NDArray[np.int32]
    roots: NDArray[np.int32]

    def probability(self, values: Array) -> float:
        """Return the probability of being affected: the mean of what the trees say.

        Parameters
        ----------
        values : ndarray, shape (features,)
            Of a region.

        Returns
        -------
        float
        """
        asked = values.astype(np.float32)  # as in scikit-learn's trees
        total = 0.0
        for root in self.roots:
            node = int(root)
            while self.features[node] != LEAF:
                left = asked[self.features[node]] <= self.numbers[node]
                node = node + 1 if left else int(self.rights[node])
            total += float(self.numbers[node])
        return total / len(self.roots)


@dataclass(frozen=True)
class ForestModel:
    """What one rule's probabilities follow from.

    Attributes
    ----------
    names : tuple of str
        Of the features that the forests ask.
    forests : tuple of Forest
        One for each region, in label order; both sides share it.
    threshold : float
        From which probability on a region loses its point.
    """

    names: tuple[str, ...]
    forests: tuple[Forest, ...]
    threshold: float

    def probabilities(self, names: tuple[str, ...], values: Array) -> Array:
        """Return each region's probability of being affected.

        Parameters
        ----------
        names : tuple of str
            Of the features; those of the forests.
        values : ndarray, shape (2, 10, features)
            Left side first.

        Returns
        -------
        ndarray, shape (2, 10)
            NaN where a feature is NaN.

        Raises
        ------
        ValueError
            The features are others than the forests'.
        """
        if names != self.names:
            raise ValueError("the forests were grown on other features")
        found = np.full((len(SIDES), len(Region)), np.nan)
        for row, column in zip(*np.nonzero(np.isfinite(values).all(axis=-1)), strict=True):
            found[row, column] = self.forests[column].probability(values[row, column])
        return found


@cache
def load_forests(path: Path = FILE) -> Mapping[str, ForestModel]:
    """Read the forests.

    Parameters
    ----------
    path : Path
        What `store_forests` made, saved as npz.

    Returns
    -------
    mapping of str to ForestModel
        By the rule's name.

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            stored = dict(arrays)
        names = tuple(str(name) for name in stored["names"])
        return {
            rule: ForestModel(names, _split(stored, index), float(stored["thresholds"][index]))
            for index, rule in enumerate(str(rule) for rule in stored["rules"])
        }
    except (OSError, ValueError, KeyError, IndexError, BadZipFile, EOFError) as error:
        raise InputError(
            f"{path}: the forests cannot be read ({error}); install aspects-atlas again"
        ) from None


def store_forests(models: Mapping[str, ForestModel]) -> dict[str, NDArray[Any]]:
    """Return the arrays that a file of forests holds.

    Parameters
    ----------
    models : mapping of str to ForestModel
        By the rule's name; of the same features.

    Returns
    -------
    dict of str to ndarray
        ``names``, ``rules``, ``thresholds``; ``features``, ``numbers``, ``rights``, ``roots`` of
        all forests one after the other; how many ``nodes`` and ``trees`` each has, shape (rules,
        10).
    """
    forests = [forest for model in models.values() for forest in model.forests]
    shape = (len(models), len(Region))
    return {
        "names": np.array(next(iter(models.values())).names),
        "rules": np.array(list(models)),
        "thresholds": np.array([model.threshold for model in models.values()]),
        "nodes": np.array([len(one.features) for one in forests], np.int32).reshape(shape),
        "trees": np.array([len(one.roots) for one in forests], np.int32).reshape(shape),
        **{
            name: np.concatenate([getattr(one, name) for one in forests])
            for name in ("features", "numbers", "rights", "roots")
        },
    }


def _split(stored: Mapping[str, NDArray[Any]], rule: int) -> tuple[Forest, ...]:
    """Return the forests of the rule of a number."""
    nodes, trees = (
        np.concatenate([[0], np.cumsum(stored[name].ravel())]) for name in ("nodes", "trees")
    )
    found = []
    for number in range(rule * len(Region), (rule + 1) * len(Region)):
        own, roots = (slice(ends[number], ends[number + 1]) for ends in (nodes, trees))
        found.append(
            Forest(
                stored["features"][own],
                stored["numbers"][own],
                stored["rights"][own],
                stored["roots"][roots],
            )
        )
    return tuple(found)
