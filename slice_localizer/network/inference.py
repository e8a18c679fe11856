"""The network's prediction for a scan."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock, Thread

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from slice_localizer.network.calibration import SlicePredictions, probabilities
from slice_localizer.network.level import REACH_MM, level_from_heights
from slice_localizer.network.model import Localizer, read_localizer
from slice_localizer.network.views import view_scan
from slice_localizer.positions import heights_of

_SHOWN_MM = 40.0
_OPENING = Lock()


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


def open_ahead(path: Path) -> None:
    """Begin to open a network while something else is done, such as reading the scan.

    Parameters
    ----------
    path : Path
        The network. What is wrong with it is said when it is used.
    """
    Thread(target=_open_quietly, args=(path,)).start()


def open_network(path: Path) -> Localizer:
    """Open a network, or wait until `open_ahead` has; it is opened once in a process.

    Parameters
    ----------
    path : Path
        The network, see `read_localizer`.

    Returns
    -------
    Localizer

    Raises
    ------
    InputError
        See `read_localizer`.
    """
    with _OPENING:
        return _opened(path)


def predict_scan(
    scan: Scan, localizer: Localizer, about_mm: float | None = None
) -> NetworkPrediction:
    """Predict where a scan's basal ganglia level is.

    Parameters
    ----------
    scan : Scan
        A non-contrast CT of the head, HU, see `view_scan`.
    localizer : Localizer
        The network.
    about_mm : float, optional
        Where the level is thought to be, along the slices' normal. Only slices within 50 mm of it
        are shown to the network, unless it finds the level more than 20 mm off: a slice that lies
        further from the level than `level_from_heights` uses tells nothing about it. By default the
        network is shown every slice.

    Returns
    -------
    NetworkPrediction

    Raises
    ------
    InputError
        See `view_scan`.
    """
    if about_mm is not None:
        near = _predict(scan, localizer, (about_mm - _SHOWN_MM, about_mm + _SHOWN_MM))
        if near is not None and abs(near.level_mm - about_mm) <= _SHOWN_MM - REACH_MM:
            return near
    everywhere = _predict(scan, localizer, (-np.inf, np.inf))
    assert everywhere is not None
    return everywhere


def _predict(
    scan: Scan, localizer: Localizer, between_mm: tuple[float, float]
) -> NetworkPrediction | None:
    """Predict from the slices between two heights, or not where there are none."""
    view = view_scan(scan, localizer.size, between_mm)
    if not len(view.hu):
        return None
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


def _open_quietly(path: Path) -> None:
    with suppress(InputError):
        open_network(path)


@lru_cache(maxsize=1)
def _opened(path: Path) -> Localizer:
    return read_localizer(path)
