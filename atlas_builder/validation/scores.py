"""Agreement of many participants as arrays: what tables, tests and figures are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region
from atlas_builder.validation.agreement import Agreement, Pair, Sides

Measure: TypeAlias = Literal["dsc", "hausdorff95_mm", "mean_surface_mm", "area_difference_mm2"]


@dataclass(frozen=True)
class Scores:
    """The agreement of every participant, looked up by pair, measure and side.

    Attributes
    ----------
    rows : tuple of Agreement
        One a participant, region, side and pair.
    """

    rows: tuple[Agreement, ...]

    @cached_property
    def participants(self) -> tuple[str, ...]:
        """All participants, in the order of the rows."""
        return tuple(dict.fromkeys(row.participant_id for row in self.rows))

    @cached_property
    def _by_key(self) -> dict[tuple[Pair, Sides, str, Region], Agreement]:
        return {
            ((row.first, row.second), row.side, row.participant_id, row.region): row
            for row in self.rows
        }

    def of(self, pair: Pair, measure: Measure = "dsc", side: Sides = "both") -> NDArray[np.float64]:
        """Return a measure of a pair of sources for every participant and region.

        Parameters
        ----------
        pair : tuple of str
            Two sources by name, in either order; the difference of areas changes its sign with it.
        measure : {'dsc', 'hausdorff95_mm', 'mean_surface_mm', 'area_difference_mm2'}
            Which measure; distances in mm, areas in mm2.
        side : {'left', 'right', 'both'}
            Of the patient.

        Returns
        -------
        ndarray of float64, shape (participants, 10)
            In the order of `participants`, regions by label; NaN where the pair was not compared.
        """
        turned = pair[::-1]
        values = np.full((len(self.participants), len(Region)), np.nan)
        for place, name in enumerate(self.participants):
            for region in Region:
                row = self._by_key.get((pair, side, name, region))
                sign = 1.0
                if row is None:
                    row = self._by_key.get((turned, side, name, region))
                    sign = -1.0 if measure == "area_difference_mm2" else 1.0
                if row is not None:
                    values[place, region - 1] = sign * float(getattr(row, measure))
        return values

    def keeping(self, participants: Iterable[str]) -> Scores:
        """Return the scores of some participants.

        Parameters
        ----------
        participants : iterable of str
            By the names in the rows; names without rows are ignored.

        Returns
        -------
        Scores
            In the order of the rows.
        """
        kept = set(participants)
        return Scores(tuple(row for row in self.rows if row.participant_id in kept))


def with_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Append each participant's mean of the ten regions.

    Regions that neither source has, NaN, do not count.

    Parameters
    ----------
    values : ndarray of float64, shape (participants, 10)
        From `Scores.of`.

    Returns
    -------
    ndarray of float64, shape (participants, 11)
        The mean last.
    """
    return np.concatenate([values, mean_of_finite(values, axis=1)[:, np.newaxis]], axis=1)


def mean_of_finite(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the mean over finite values along an axis; NaN where there is none.

    Parameters
    ----------
    values : ndarray of float64, of any shape
        May hold NaN and infinite values.
    axis : int
        Along which the mean is taken.

    Returns
    -------
    ndarray of float64
        The shape of `values` without `axis`.
    """
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    total = np.where(finite, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def mean_of_pairs(
    scores: Scores, pairs: Sequence[Pair], measure: Measure = "dsc"
) -> NDArray[np.float64]:
    """Return each participant's mean over several pairs of sources.

    Parameters
    ----------
    scores : Scores
        Of all participants.
    pairs : sequence of tuple of str
        At least one.
    measure : {'dsc', 'hausdorff95_mm', 'mean_surface_mm', 'area_difference_mm2'}
        See `Scores.of`.

    Returns
    -------
    ndarray of float64, shape (participants, 10)
        Regions by label; NaN where no pair has a finite value.
    """
    return mean_of_finite(np.stack([scores.of(pair, measure) for pair in pairs]), axis=0)
