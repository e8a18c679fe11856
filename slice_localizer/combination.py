"""The probability of each slice from the estimates of network and alignment, and their weights.

The probabilities of network and alignment are multiplied. Either estimate may fail; so each is
mixed with an even distribution over the slices, or a confident wrong estimate would decide alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr

from slice_localizer.positions import reaches

Array = NDArray[np.float64]

_LEAST_SD_MM = 0.05
_LEAST_FAILURE = 0.005  # what a few hundred scans without a failure cannot rule out


@dataclass(frozen=True)
class EstimateWeights:
    """How much the estimates of network and alignment count.

    Attributes
    ----------
    alignment_sd_mm : float
        Standard deviation of the alignment's error, which is taken as normally distributed.
    alignment_failure : float
        Probability that the alignment fails and its level is of no use, 0-1.
    network_share : float
        Share of the network's probabilities in the mixture with an even distribution, 0-1.
    """

    alignment_sd_mm: float
    alignment_failure: float
    network_share: float


@dataclass(frozen=True)
class LevelEstimates:
    """The estimates of network and alignment for one scan.

    Attributes
    ----------
    network : ndarray, shape (slices,)
        The network's probability of each slice to be the basal ganglia slice.
    heights : ndarray, shape (slices,)
        Of the slices, in mm upwards.
    level : float
        The alignment's height of the basal ganglia level, in the same mm.
    """

    network: Array
    heights: Array
    level: float


FITTED = EstimateWeights(alignment_sd_mm=0.4, alignment_failure=0.005, network_share=0.02)
"""Fitted on simulated scans by ``scripts/benchmarks/fit_combination.py``. Real heads differ in more
ways than simulated ones; how much larger both errors are there is not known."""


def combine(estimates: LevelEstimates, weights: EstimateWeights = FITTED) -> Array:
    """Return the probability of each slice to be the nearest to the basal ganglia level.

    The alignment gives each slice the part of its normal distribution that lies nearer to that
    slice than to any other.

    Parameters
    ----------
    estimates : LevelEstimates
        Of network and alignment.
    weights : EstimateWeights
        How much each estimate counts.

    Returns
    -------
    ndarray, shape (slices,)
        They add up to 1.
    """
    count = len(estimates.heights)
    lower, upper = (
        (b - estimates.level) / weights.alignment_sd_mm for b in reaches(estimates.heights)
    )
    aligned = (1 - weights.alignment_failure) * (ndtr(upper) - ndtr(lower))
    aligned += weights.alignment_failure / count
    network = weights.network_share * estimates.network + (1 - weights.network_share) / count
    together = network * aligned
    return np.asarray(together / together.sum())


def fit_weights(
    estimates: Sequence[LevelEstimates], true_slices: Sequence[int], levels: Array
) -> EstimateWeights:
    """Fit the weights of network and alignment to scans whose level is known.

    The alignment's errors are taken as normally distributed, or as even over the scan where it
    fails; standard deviation and failure are those of greatest likelihood. The network's share is
    then the one under which the true slices are most likely by both estimates together.

    Parameters
    ----------
    estimates : sequence of LevelEstimates
        Of scans that neither network nor standard head was made from.
    true_slices : sequence of int
        The basal ganglia slice of each.
    levels : ndarray, shape (scans,)
        Where the level truly lies, in mm as the heights.

    Returns
    -------
    EstimateWeights
    """
    from scipy import optimize  # noqa: PLC0415 - slow to load, and finding slices does not fit

    errors = np.array([one.level for one in estimates]) - levels
    lengths = np.array([np.ptp(one.heights) for one in estimates])

    def alignment_loss(values: Array) -> float:
        sd, failure = np.exp(values[0]), expit(values[1])
        near = np.exp(-0.5 * (errors / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
        return -float(np.log((1 - failure) * near + failure / lengths).mean())

    start = np.array([np.log(0.5), logit(0.02)])
    aligned = optimize.minimize(alignment_loss, start, method="Nelder-Mead").x
    sd = max(_LEAST_SD_MM, float(np.exp(aligned[0])))
    failure = max(_LEAST_FAILURE, float(expit(aligned[1])))

    def combined_loss(share: float) -> float:
        weights = EstimateWeights(sd, failure, share)
        right = [combine(one, weights)[k] for one, k in zip(estimates, true_slices, strict=True)]
        return -float(np.log(right).mean())

    bounds = (0.0, 1.0 - _LEAST_FAILURE)
    found = optimize.minimize_scalar(combined_loss, bounds=bounds, method="bounded").x
    return EstimateWeights(sd, failure, float(found))
