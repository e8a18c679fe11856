"""The network's prediction for a scan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from atlas_builder.core.scan import Scan
from slice_localizer.network.calibration import SlicePredictions, probabilities
from slice_localizer.network.level import level_from_heights
from slice_localizer.network.views import View, view_scan
from slice_localizer.network.weights import Trained, read_weights
from slice_localizer.positions import heights_of

_TOGETHER = 4  # slices whose features stay in a processor's cache: half the time of all at once


@dataclass(frozen=True)
class NetworkPrediction:
    """The network's prediction for a scan.

    Attributes
    ----------
    probabilities : ndarray, shape (slices,)
        Of each slice, in file order, to be the basal ganglia slice; they add up to 1.
    level_mm : float
        Where that level lies along the slices' normal, as `heights_of`.
    sd_mm : float
        Standard deviation that is expected of the error of `level_mm`.
    """

    probabilities: NDArray[np.float64]
    level_mm: float
    sd_mm: float


def load_network(weights: Path) -> None:
    """Read a network ahead of `predict_scan`.

    Parameters
    ----------
    weights : Path
        The network's, see `read_weights`.

    Raises
    ------
    InputError
        See `read_weights`.
    """
    _trained(weights)


def predict_scan(scan: Scan, weights: Path) -> NetworkPrediction:
    """Predict where a scan's basal ganglia level is.

    Parameters
    ----------
    scan : Scan
        A non-contrast CT of the head, HU, see `view_scan`.
    weights : Path
        The network's, see `read_weights`; read once in a process.

    Returns
    -------
    NetworkPrediction

    Raises
    ------
    InputError
        See `view_scan` and `read_weights`.
    """
    trained = _trained(weights)
    view = view_scan(scan, trained.size)
    logits, heights = predict_slices(view, trained)
    level = level_from_heights(view.heights_mm, heights)
    positions = heights_of(scan.affines)
    # Where thin slices were averaged, each has the score of the place it lies at.
    predictions = SlicePredictions(positions, np.interp(positions, view.heights_mm, logits), level)
    return NetworkPrediction(
        probabilities(predictions, trained.calibration),
        level.position_mm,
        trained.calibration.level_sd(level),
    )


def predict_slices(view: View, trained: Trained) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the network's logit and height of each slice of a view.

    Parameters
    ----------
    view : View
        From `view_scan`, of `Trained.size`.
    trained : Trained
        The network, on the CPU.

    Returns
    -------
    logits : ndarray of float64, shape (slices,)
        Of being the basal ganglia slice.
    heights_mm : ndarray of float64, shape (slices,)
        Above the basal ganglia level.
    """
    network = trained.network
    with torch.inference_mode():
        features = torch.cat([network.features(few) for few in torch.split(view.hu, _TOGETHER)])
        scores = network.score(features, [len(view.heights_mm)])[0]
    return scores.logits.double().numpy(), scores.heights_mm.double().numpy()


@lru_cache(maxsize=1)
def _trained(weights: Path) -> Trained:
    trained = read_weights(weights)
    # The layout that convolutions need; otherwise weights are reordered for every slice.
    trained.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return trained
