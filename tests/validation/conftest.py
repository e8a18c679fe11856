"""Scores that are made up, and a cohort whose raters' errors are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from rated_cohort import atlas_folder, rated_cohort, writing

from atlas_builder.core.anatomy import Region
from atlas_builder.validation.agreement import Agreement, Pair
from atlas_builder.validation.scores import Scores

__all__ = ["atlas_folder", "make_scores", "rated_cohort", "writing"]

MakeScores = Callable[[Mapping[Pair, NDArray[np.float64]]], Scores]


@pytest.fixture(scope="session")
def make_scores() -> MakeScores:
    """Return a function that makes scores of given DSC, shape (participants, 10), by pair."""

    def make(values: Mapping[Pair, NDArray[np.float64]]) -> Scores:
        return Scores(
            tuple(
                Agreement(
                    f"sub-{place:02d}",
                    region,
                    side,
                    first,
                    second,
                    float(of_pair[place, region - 1]),
                    10 * (1 - float(of_pair[place, region - 1])),
                    1 - float(of_pair[place, region - 1]),
                    100.0 + place,
                    100.0,
                )
                for (first, second), of_pair in values.items()
                for place in range(len(of_pair))
                for region in Region
                for side in ("both", "left", "right")
            )
        )

    return make
