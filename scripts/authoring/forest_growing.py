"""Random forests of scikit-learn's, grown region by region and stored as arrays."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from aspects_scorer.ncct.radiomics_forest.forest import LEAF, Forest
from atlas_builder.core.anatomy import Region

TREES = 100
LEAST_IN_LEAF = 4
ASKED = 0.3  # share of the features that each node chooses from

Array = NDArray[np.float64]


def grow(values: Array, ill: NDArray[np.bool_], seed: int) -> Iterator[Forest]:
    """Grow a forest for each region on both sides of all scans."""
    for column in range(len(Region)):
        known = np.isfinite(values[:, :, column]).all(axis=-1)
        grown = RandomForestClassifier(
            TREES,
            min_samples_leaf=LEAST_IN_LEAF,
            max_features=ASKED,
            random_state=seed + column,
        )
        grown.fit(values[:, :, column][known], ill[:, :, column][known])
        yield as_arrays(grown)


def as_arrays(grown: RandomForestClassifier) -> Forest:
    """Return a forest of scikit-learn's, grown on ``False`` and ``True``, as arrays."""
    affected = list(grown.classes_).index(True)
    features, numbers, rights, roots, start = [], [], [], [], 0
    for tree in (one.tree_ for one in grown.estimators_):
        leaf = tree.children_left == LEAF
        if not (tree.children_left[~leaf] == np.flatnonzero(~leaf) + 1).all():
            raise ValueError("scikit-learn no longer stores a left child behind its parent")
        features.append(np.where(leaf, LEAF, tree.feature))
        numbers.append(np.where(leaf, tree.value[:, 0, affected], tree.threshold))
        rights.append(np.where(leaf, 0, tree.children_right + start))
        roots.append(start)
        start += tree.node_count
    return Forest(
        np.concatenate(features).astype(np.int16),
        np.concatenate(numbers),
        np.concatenate(rights).astype(np.int32),
        np.array(roots, np.int32),
    )
