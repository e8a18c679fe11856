"""The scores of one scorer as arrays, and beside the truth of the same participants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.agreement.truth_table import Truth
from atlas_builder.cohorts.participants import Refusal


@dataclass(frozen=True)
class Scorer:
    """What a scorer says of participants, as arrays in one order.

    Attributes
    ----------
    name : str
        As the report calls it.
    participants : tuple of str
        With ``sub-`` before each.
    left, right, aspects : ndarray, shape (participants,)
        ASPECTS of each side, and the lower of them; NaN where it is not given.
    core_ml : ndarray, shape (participants,)
        Core volume in mL; NaN where it is not given.
    affected : ndarray, shape (participants, 20)
        1 or 0 of every region, in the order of `PLACES`; NaN where the scorer says nothing.
    probability : ndarray, shape (participants, 20)
        Of being affected; NaN where there is none.
    fraction : ndarray, shape (participants, 20)
        Share of the region that is lesion; NaN where there is none.
    """

    name: str
    participants: tuple[str, ...]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    aspects: NDArray[np.float64]
    core_ml: NDArray[np.float64]
    affected: NDArray[np.float64]
    probability: NDArray[np.float64]
    fraction: NDArray[np.float64]

    @property
    def marker(self) -> tuple[str, NDArray[np.float64]]:
        """By what regions are ordered from healthy to ill: the column's name, and its values."""
        if np.isfinite(self.probability).any() or not np.isfinite(self.fraction).any():
            return "probability", self.probability
        return "fraction", self.fraction

    @property
    def side(self) -> NDArray[np.intp]:
        """Which side is worse: a place in `SIDES`, -1 where neither is or it is not known."""
        side = np.where(self.right < self.left, 1, 0)
        return np.where(np.isfinite(self.left - self.right) & (self.left != self.right), side, -1)

    @property
    def gives_sides(self) -> NDArray[np.bool_]:
        """Of whom the scores of both sides are known."""
        return np.isfinite(self.left - self.right)

    def taking(self, places: NDArray[np.intp]) -> Scorer:
        """Return some of the participants.

        Parameters
        ----------
        places : ndarray of int
            Which, in the order wanted.

        Returns
        -------
        Scorer
        """
        return Scorer(
            self.name,
            tuple(self.participants[place] for place in places),
            self.left[places],
            self.right[places],
            self.aspects[places],
            self.core_ml[places],
            self.affected[places],
            self.probability[places],
            self.fraction[places],
        )


@dataclass(frozen=True)
class Matched:
    """A scorer's participants beside their truth, both in the order of the truth table."""

    truth: Truth
    scorer: Scorer

    def __len__(self) -> int:
        """Return the number of participants."""
        return len(self.truth.participants)

    def taking(self, places: NDArray[np.intp]) -> Matched:
        """Return some of the participants.

        Parameters
        ----------
        places : ndarray of int
            Which, in the order wanted.

        Returns
        -------
        Matched
        """
        return Matched(self.truth.taking(places), self.scorer.taking(places))

    def among(self, participants: set[str]) -> Matched:
        """Return those participants who are in a set.

        Parameters
        ----------
        participants : set of str
            Their names.

        Returns
        -------
        Matched
        """
        kept = [name in participants for name in self.truth.participants]
        return self.taking(np.flatnonzero(kept))


def match(truth: Truth, scorer: Scorer) -> tuple[Matched, list[Refusal]]:
    """Bring a scorer's participants together with their truth.

    Parameters
    ----------
    truth : Truth
        Of anyone.
    scorer : Scorer
        Scores of anyone.

    Returns
    -------
    matched : Matched
        Those who are in both.
    refusals : list of Refusal
        Those whom only one of them knows.
    """
    place = {name: number for number, name in enumerate(scorer.participants)}
    both = [number for number, name in enumerate(truth.participants) if name in place]
    matched = truth.taking(np.array(both, np.intp))
    refusals = [
        Refusal(name, "not in the scores") for name in truth.participants if name not in place
    ]
    known = set(truth.participants)
    refusals += [
        Refusal(name, "no truth in the truth table")
        for name in scorer.participants
        if name not in known
    ]
    order = np.array([place[name] for name in matched.participants], np.intp)
    return Matched(matched, scorer.taking(order)), refusals
