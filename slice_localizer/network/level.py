"""The basal ganglia level from the heights that the network predicts for all slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REACH_MM = 30.0
"""Slices that are predicted to lie further from the level tell nothing about it."""

_LEAST_SLICES = 3
_SD_OF_MAD = 1.4826  # of a normal distribution


@dataclass(frozen=True)
class Level:
    """Where the basal ganglia level lies.

    Attributes
    ----------
    position_mm : float
        Along the slices' normal, as their positions.
    spread_mm : float
        Standard deviation of the levels that follow from each slice, but for outliers.
    """

    position_mm: float
    spread_mm: float


def level_from_heights(positions_mm: NDArray[np.float64], heights_mm: NDArray[np.float64]) -> Level:
    """Return where the basal ganglia level lies.

    A slice's position less its predicted height is an estimate of the level. The median over the
    slices that are predicted to be near the level changes little if one of them is wrong.

    Parameters
    ----------
    positions_mm : ndarray, shape (slices,)
        Of the slices' middles along their normal.
    heights_mm : ndarray, shape (slices,)
        How far above the level each slice lies, as the network predicts.

    Returns
    -------
    Level
    """
    away = np.abs(heights_mm)
    near = away <= max(REACH_MM, float(np.sort(away)[:_LEAST_SLICES].max()))
    levels = positions_mm[near] - heights_mm[near]
    middle = float(np.median(levels))
    return Level(middle, _SD_OF_MAD * float(np.median(np.abs(levels - middle))))
