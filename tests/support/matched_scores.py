"""A scorer and the truth of the same made-up participants, as arrays."""

from __future__ import annotations

import numpy as np

from aspects_scorer.agreement.scorer import Matched, Scorer
from aspects_scorer.agreement.truth_table import Truth


def sides_of(affected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 10 - affected[:, :10].sum(axis=1), 10 - affected[:, 10:].sum(axis=1)


def matched_of(
    affected: np.ndarray,
    said: np.ndarray,
    probability: np.ndarray | None = None,
    **known: np.ndarray,
) -> Matched:
    """What is true and what a scorer says of twenty regions of each participant."""
    affected, said = affected.astype(float), said.astype(float)
    n = len(affected)
    unknown = np.full(n, np.nan)
    names = tuple(f"sub-{number}" for number in range(n))
    left, right = sides_of(affected)
    side = np.where(left == right, -1, np.where(right < left, 1, 0))
    group = known.pop("group", ("",) * n)
    amounts = dict.fromkeys(("core_ml", "nihss", "mrs", "hours"), unknown) | known
    truth = Truth(
        names, affected, left, right, np.minimum(left, right), side, **amounts, group=tuple(group)
    )
    left, right = sides_of(said)
    nothing = np.full((n, 20), np.nan)
    scorer = Scorer(
        "scorer",
        names,
        left,
        right,
        np.minimum(left, right),
        unknown,
        said,
        nothing if probability is None else probability,
        nothing,
    )
    return Matched(truth, scorer)
