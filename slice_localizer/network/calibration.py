"""Calibrated probabilities of the slices, from the network's scores and heights.

The scores and the level that follows from the heights are two estimates of the same slice. The
scores are tempered [1]_; the level's error is taken as normally distributed, the wider the more the
slices disagree. Temperature and widths are those under which the true slices of samples that were
not trained on are most likely.

References
----------
.. [1] Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML (2017).
   arXiv:1706.04599
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slice_localizer.network.level import Level
from slice_localizer.positions import reaches

_LEAST_SD_MM = 0.1
_LEAST_LOG = np.log(1e-12)  # so that one scan that is all wrong does not decide the fit


@dataclass(frozen=True)
class Calibration:
    """What turns scores and heights into probabilities.

    Attributes
    ----------
    temperature : float
        Scores are divided by it.
    sd_mm : float
        Standard deviation of the level's error when all slices agree.
    spread_share : float
        How much of the slices' disagreement is added, see `Level.spread_mm`.
    """

    temperature: float = 1.0
    sd_mm: float = 1.0
    spread_share: float = 0.5

    def level_sd(self, level: Level) -> float:
        """Return the standard deviation of a level's error.

        Parameters
        ----------
        level : Level
            From `level_from_heights`.

        Returns
        -------
        float
            In mm.
        """
        return float(np.hypot(self.sd_mm, self.spread_share * level.spread_mm))


@dataclass(frozen=True)
class SlicePredictions:
    """The network's predictions for one scan.

    Attributes
    ----------
    positions_mm : ndarray, shape (slices,)
        Of the slices along their normal.
    logits : ndarray, shape (slices,)
        Of being the basal ganglia slice.
    level : Level
        From the predicted heights, in mm as `positions_mm`.
    """

    positions_mm: NDArray[np.float64]
    logits: NDArray[np.float64]
    level: Level


def probabilities(predictions: SlicePredictions, calibration: Calibration) -> NDArray[np.float64]:
    """Return the probability of each slice to be the basal ganglia slice.

    Parameters
    ----------
    predictions : SlicePredictions
        For one scan.
    calibration : Calibration
        Of the network.

    Returns
    -------
    ndarray, shape (slices,)
        They add up to 1.
    """
    found = _log_probabilities(
        predictions.logits,
        np.stack(reaches(predictions.positions_mm)) - predictions.level.position_mm,
        calibration.temperature,
        np.array(calibration.level_sd(predictions.level)),
    )
    return np.asarray(np.exp(found))


def fit_calibration(
    predictions: Sequence[SlicePredictions], true_slices: Sequence[int]
) -> Calibration:
    """Find the calibration under which the true slices are most likely.

    Parameters
    ----------
    predictions : sequence of SlicePredictions
        For scans that were not trained on.
    true_slices : sequence of int
        The basal ganglia slice of each.

    Returns
    -------
    Calibration
    """
    from scipy import optimize  # noqa: PLC0415 - slow to load, and only training fits

    # Scans side by side: missing slices have no probability.
    most = max(len(one.logits) for one in predictions)
    logits, bounds = (
        np.full((len(predictions), most), -np.inf),
        np.zeros((2, len(predictions), most)),
    )
    for place, one in enumerate(predictions):
        logits[place, : len(one.logits)] = one.logits
        bounds[:, place, : len(one.logits)] = reaches(one.positions_mm)
        bounds[:, place] -= one.level.position_mm
    spread, true = np.array([one.level.spread_mm for one in predictions]), np.asarray(true_slices)

    def loss(logs: NDArray[np.float64]) -> float:
        calibration = _from_logs(logs)
        sd = np.hypot(calibration.sd_mm, calibration.spread_share * spread)
        found = _log_probabilities(logits, bounds, calibration.temperature, sd[:, np.newaxis])
        shares = found[np.arange(len(predictions)), true]
        return -float(np.maximum(shares, _LEAST_LOG).mean())

    start = np.log([2.0, 1.0, 0.5])
    found = optimize.minimize(loss, start, method="Nelder-Mead", options={"maxiter": 400})
    return _from_logs(found.x)


def _log_probabilities(
    logits: NDArray[np.float64],
    bounds: NDArray[np.float64],
    temperature: float,
    sd: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return tempered scores times the level's normal distribution, normalised, as logarithms.

    Parameters
    ----------
    logits : ndarray, shape (..., slices)
        Minus infinity for slices that do not exist.
    bounds : ndarray, shape (2, ..., slices)
        Between which heights above the level each slice is the nearest one.
    temperature : float
        Of the scores.
    sd : ndarray, shape (..., 1)
        Of the level.
    """
    away = bounds / sd
    # In the upper tail both are all but 1: their difference is taken from the other side.
    below, above = special.log_ndtr(away), special.log_ndtr(-away)
    upper_half = away[0] > 0
    near, far = np.where(upper_half, above[0], below[1]), np.where(upper_half, above[1], below[0])
    mass = near + np.log1p(-np.exp(np.minimum(far - near, -1e-12)))
    return np.asarray(special.log_softmax(logits / temperature + mass, axis=-1))


def _from_logs(logs: NDArray[np.float64]) -> Calibration:
    temperature, sd, share = np.exp(np.clip(logs, -5.0, 5.0))
    return Calibration(float(temperature), max(_LEAST_SD_MM, float(sd)), float(share))
