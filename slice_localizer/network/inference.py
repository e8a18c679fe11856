"""The network's prediction for a scan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.scan import Scan
from slice_localizer.network.calibration import SlicePredictions, probabilities
from slice_localizer.network.level import level_from_heights
from slice_localizer.network.model import Localizer, read_localizer
from slice_localizer.network.views import view_scan
from slice_localizer.positions import heights_of


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


def load_network(path: Path) -> None:
    """Read a network ahead of `predict_scan`.

    Parameters
    ----------
    path : Path
        The network, see `read_localizer`.

    Raises
    ------
    InputError
        See `read_localizer`.
    """
    _opened(path)


def predict_scan(scan: Scan, path: Path) -> NetworkPrediction:
    """Predict where a scan's basal ganglia level is.

    Parameters
    ----------
    scan : Scan
        A non-contrast CT of the head, HU, see `view_scan`.
    path : Path
        The network, see `read_localizer`; read once in a process.

    Returns
    -------
    NetworkPrediction

    Raises
    ------
    InputError
        See `view_scan` and `read_localizer`.
    """
    localizer = _opened(path)
    view = view_scan(scan, localizer.size)
    logits, heights = localizer.predict(view.hu)
    level = level_from_heights(view.heights_mm, heights)
    positions = heights_of(scan.affines)
    # Where thin slices were averaged, each has the score of the place it lies at.
    predictions = SlicePredictions(positions, np.interp(positions, view.heights_mm, logits), level)
    return NetworkPrediction(
        probabilities(predictions, localizer.calibration),
        level.position_mm,
        localizer.calibration.level_sd(level),
    )


@lru_cache(maxsize=1)
def _opened(path: Path) -> Localizer:
    return read_localizer(path)
