"""How severe strokes are called: the bounds on the NIHSS that Wei et al. use."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

MODERATE_FROM = 8
SEVERE_FROM = 17
"""The least NIHSS of a moderate and of a severe stroke."""

HIGHEST_NIHSS = 42


class Severity(IntEnum):
    """A group by NIHSS."""

    MILD = 0
    MODERATE = 1
    SEVERE = 2

    @property
    def words(self) -> str:
        """The group with its bounds."""
        return _WORDS[self]


_WORDS = {
    Severity.MILD: f"mild (0–{MODERATE_FROM - 1})",
    Severity.MODERATE: f"moderate ({MODERATE_FROM}–{SEVERE_FROM - 1})",
    Severity.SEVERE: f"severe (≥ {SEVERE_FROM})",
}


def severity_of(nihss: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the group of each patient, as the values of `Severity`.

    Parameters
    ----------
    nihss : ndarray, shape (patients,)
        From 0 to 42, without NaN.

    Returns
    -------
    ndarray of int, shape (patients,)
    """
    return np.searchsorted([MODERATE_FROM, SEVERE_FROM], nihss, side="right")
