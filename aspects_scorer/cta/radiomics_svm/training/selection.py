"""Which features are kept: those that a t-test finds different, then those that the Lasso keeps.

As published: features of affected and of other regions are compared by a two-sample t-test; on
those that differ a Lasso [1]_ is fitted ever more loosely until as many have a weight as are
wanted.

References
----------
.. [1] Tibshirani R. Regression shrinkage and selection via the Lasso. J R Stat Soc B 58:267-288
   (1996). doi:10.1111/j.2517-6161.1996.tb02080.x
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import Lasso

from aspects_scorer.ncct.measures import Array
from atlas_builder.core.errors import InputError

LEAST_P = 0.05
_PENALTIES = np.logspace(0, -3, 150)


@dataclass(frozen=True)
class Selection:
    """The features that were kept.

    Attributes
    ----------
    names : tuple of str
        In the order in which the Lasso took them.
    differing : int
        How many the t-test found different.
    """

    names: tuple[str, ...]
    differing: int


def select_features(
    names: tuple[str, ...], values: Array, ill: NDArray[np.bool_], count: int
) -> Selection:
    """Choose features.

    Parameters
    ----------
    names : tuple of str
        Of the features.
    values : ndarray, shape (regions, features)
        Finite.
    ill : ndarray of bool, shape (regions,)
        Which regions are affected.
    count : int
        How many are wanted.

    Returns
    -------
    Selection

    Raises
    ------
    InputError
        There are fewer regions of a kind than two, or fewer features that differ than are wanted.
    """
    if min(ill.sum(), (~ill).sum()) < 2:
        raise InputError(
            "affected and other regions are needed, two of each at least; "
            "simulate the cohort with --infarcts"
        )
    spread = values.std(axis=0)
    p = np.full(len(names), np.nan)
    varied = spread > 1e-9 * np.abs(values).max(axis=0).clip(1e-9)
    p[varied] = stats.ttest_ind(values[ill][:, varied], values[~ill][:, varied], equal_var=False)[1]
    differing = np.flatnonzero(p < LEAST_P)
    if len(differing) < count:
        raise InputError(
            f"{len(differing)} features differ between affected and other regions, {count} are "
            "needed; give a larger cohort"
        )
    asked = (values[:, differing] - values[:, differing].mean(axis=0)) / spread[differing]
    wanted = ill - ill.mean()
    strongest = np.abs(asked.T @ wanted).max() / len(ill)  # from here on nothing has a weight
    order: list[int] = []
    for penalty in strongest * _PENALTIES:
        weights = Lasso(alpha=penalty, max_iter=20_000).fit(asked, wanted).coef_
        new = [int(k) for k in np.flatnonzero(weights) if int(k) not in order]
        order += sorted(new, key=lambda k: -abs(weights[k]))
        if len(order) >= count:
            break
    return Selection(tuple(names[differing[k]] for k in order[:count]), len(differing))
