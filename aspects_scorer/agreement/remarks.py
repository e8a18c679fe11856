"""What to know of a scorer's scores: regions it says nothing of, scores they do not add up to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aspects_scorer.agreement.scorer import Scorer
from atlas_builder.core.aspects import POINTS


def remarks_on(scorer: Scorer) -> list[str]:
    """Return what to know of a scorer's scores before reading its figures.

    Parameters
    ----------
    scorer : Scorer
        As its files were read.

    Returns
    -------
    list of str
        A sentence each.
    """
    remarks = []
    points = [POINTS - scorer.affected[:, of].sum(axis=1) for of in (slice(0, 10), slice(10, 20))]
    differs = np.zeros(len(scorer.participants), bool)
    for counted, given in zip(points, (scorer.left, scorer.right), strict=True):
        differs |= np.isfinite(counted) & np.isfinite(given) & (counted != given)
    if differs.any():
        who = _some([scorer.participants[place] for place in np.flatnonzero(differs)])
        remarks.append(
            f"{scorer.name}: the score of a side is not ten less its affected regions for {who}; "
            "scores and regions are each taken as they are."
        )
    silent = np.isnan(scorer.affected)
    if silent.all():
        remarks.append(f"{scorer.name}: tells no regions, so it has no figures of regions.")
    elif silent.any():
        who = _some([scorer.participants[p] for p in np.flatnonzero(silent.any(axis=1))])
        remarks.append(
            f"{scorer.name}: says nothing of {int(silent.sum())} regions, of {who}; these count "
            "nowhere."
        )
    name, values = scorer.marker
    if name == "fraction":
        remarks.append(
            f"{scorer.name}: has no probabilities; areas under the curve order regions by the "
            "share that is lesion, and nothing is said of calibration."
        )
    elif not np.isfinite(values).any() and not silent.all():
        remarks.append(
            f"{scorer.name}: has no probabilities; there are no areas under the curve of regions "
            "and nothing is said of calibration."
        )
    return remarks


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
