"""The key slices of a scan, from the estimates of network and alignment."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.networks.registry import LOCALIZER
from slice_localizer.alignment.level import (
    LEAST_CORRELATION,
    LevelAlignment,
    align_level,
)
from slice_localizer.alignment.plausibility import remarks_on_proportions, remarks_on_reach
from slice_localizer.combination import FITTED, EstimateWeights, LevelEstimates, combine
from slice_localizer.network.inference import (
    NetworkPrediction,
    open_ahead,
    open_network,
    predict_scan,
)
from slice_localizer.network.model import Localizer
from slice_localizer.positions import heights_of, nearest, normal_of, sgl_of

DISAGREE_MM = 5.0
"""A larger difference between the levels of network and alignment is flagged."""

LEAST_CONFIDENCE = 0.5
"""A slice is flagged where it and those within 3 mm of it are less probable together."""

_SAME_MM = 3.0  # slices so close show the same regions

_BEYOND_MM = 5.0


@dataclass(frozen=True)
class LocatedSlices:
    """The key slices of a scan.

    Attributes
    ----------
    bgl_slice, sgl_slice : int
        Zero-based, in file order.
    confidence : float
        The probability that `bgl_slice` is the slice nearest to the basal ganglia level, calibrated
        on simulated scans.
    probabilities : ndarray, shape (slices,)
        The same of every slice; they add up to 1.
    network_probabilities : ndarray, shape (slices,)
        Those of the network alone.
    heights : ndarray, shape (slices,)
        Of the slices along their normal, in mm, see `slice_localizer.positions.heights_of`.
    network_mm : float
        The network's height of the level, in mm as `heights`.
    alignment : LevelAlignment
        The level by alignment.
    alignment_difference_mm : float
        How far the alignment's level lies above the network's, in mm along the normal.
    flags : tuple of Flag
        Reservations, such as ``slices-disagree``.
    timings : dict of str to float
        Seconds of each stage.
    """

    bgl_slice: int
    sgl_slice: int
    confidence: float
    probabilities: NDArray[np.float64]
    network_probabilities: NDArray[np.float64]
    heights: NDArray[np.float64]
    network_mm: float
    alignment: LevelAlignment
    alignment_difference_mm: float
    flags: tuple[Flag, ...]
    timings: dict[str, float]

    def describe(self) -> dict[str, Any]:
        """Return what ``locate-slices`` prints: plain numbers, text, lists and mappings."""
        bgl, sgl = (float(self.heights[k]) for k in (self.bgl_slice, self.sgl_slice))
        return {
            "bgl_slice": self.bgl_slice,
            "sgl_slice": self.sgl_slice,
            "confidence": round(self.confidence, 4),
            "distance_mm": round(sgl - bgl, 2),
            "second_opinion": {
                "slice": nearest(self.heights, self.alignment.height_mm),
                "difference_mm": round(self.alignment_difference_mm, 2),
                "above_bgl_slice_mm": round(self.alignment.height_mm - bgl, 2),
                "correlation": round(self.alignment.correlation, 3),
            },
            "flags": [{"code": flag.code, "reason": flag.reason} for flag in self.flags],
            "probabilities": [round(float(p), 4) for p in self.probabilities],
            "network_probabilities": [round(float(p), 4) for p in self.network_probabilities],
            "positions_mm": [round(float(height - bgl), 2) for height in self.heights],
            "timings_s": {stage: round(s, 3) for stage, s in self.timings.items()},
        }


def locate_slices(scan: Scan, network: Path | None = None) -> LocatedSlices:
    """Find the basal ganglia level and the slice about 20 mm above it.

    Parameters
    ----------
    scan : Scan
        A non-contrast CT of the head in HU: any number of slices, spacing, tilt and order.
    network : Path, optional
        The network, such as `train-localizer` writes; by default the one that ships.

    Returns
    -------
    LocatedSlices

    Raises
    ------
    InputError
        The scan does not reach both levels, has one slice only or slices that are not parallel; or
        the network cannot be read.

    Examples
    --------
    >>> located = locate_slices(scan)  # doctest: +SKIP
    >>> located.bgl_slice, located.sgl_slice, located.confidence  # doctest: +SKIP
    """
    heights = heights_of(scan.affines)
    timings: dict[str, float] = {}
    network = network or LOCALIZER
    open_ahead(network)
    started = time.perf_counter()
    alignment = align_level(scan)
    timings["second_opinion"] = time.perf_counter() - started
    started = time.perf_counter()
    localizer = open_network(network)
    timings["load_network"] = time.perf_counter() - started
    started = time.perf_counter()
    predicted = _predict(scan, alignment, localizer)
    timings["network"] = time.perf_counter() - started
    return choose_key_slices(
        heights, predicted.probabilities, predicted.level_mm, alignment, timings
    )


def _predict(scan: Scan, alignment: LevelAlignment, localizer: Localizer) -> NetworkPrediction:
    """Return the network's prediction; it is given an upright head, the only kind it is for."""
    about = alignment.height_mm if alignment.correlation >= LEAST_CORRELATION else None
    if not alignment.upside_down:
        return predict_scan(scan, localizer, about)
    upright, sum_mm = _mirrored(scan)
    predicted = predict_scan(upright, localizer, None if about is None else sum_mm - about)
    return replace(predicted, level_mm=sum_mm - predicted.level_mm)


def _mirrored(scan: Scan) -> tuple[Scan, float]:
    """Mirror the slices' positions; returns also the sum of each old and new height, in mm."""
    heights, normal = heights_of(scan.affines), normal_of(scan.affines)
    sum_mm = float(heights.min() + heights.max())
    affines = scan.affines.copy()
    affines[:, :3, 3] += (sum_mm - 2 * heights)[:, np.newaxis] * normal
    return Scan(scan.data, affines), sum_mm


def choose_key_slices(
    heights: NDArray[np.float64],
    network: NDArray[np.float64],
    network_mm: float,
    alignment: LevelAlignment,
    timings: dict[str, float],
    combination: EstimateWeights = FITTED,
) -> LocatedSlices:
    """Choose the key slices by the estimates of network and alignment.

    Parameters
    ----------
    heights : ndarray, shape (slices,)
        From `heights_of`, in file order.
    network : ndarray, shape (slices,)
        The network's probability of each slice to be the BGL slice.
    network_mm : float
        The network's height of the level, in mm as `heights`.
    alignment : LevelAlignment
        The level by alignment; not used where it found no brain.
    timings : dict of str to float
        Seconds of each stage so far.
    combination : EstimateWeights
        How much each estimate counts.

    Returns
    -------
    LocatedSlices

    Raises
    ------
    InputError
        The scan does not reach both levels.
    """
    # A picture against its positions has its levels in the other direction.
    upwards = -heights if alignment.upside_down else heights
    level = -alignment.height_mm if alignment.upside_down else alignment.height_mm
    found = alignment.correlation >= LEAST_CORRELATION
    if found:
        _check_coverage(upwards, level)
    elif _near(network, heights, int(network.argmax())) < LEAST_CONFIDENCE:
        raise InputError(
            f"no brain found: the scan does not resemble a head (correlation "
            f"{alignment.correlation:.2f} with a standard one) and the network is unsure; give a "
            "CT of the head in HU, or both slices"
        )
    probabilities = network
    if found:
        probabilities = combine(LevelEstimates(network, upwards, level), combination)
    bgl = int(probabilities.argmax())
    difference = alignment.height_mm - network_mm
    flags = []
    if not found:
        flags.append(
            Flag(
                "second-opinion-failed",
                f"the alignment with a standard head found no brain (correlation "
                f"{alignment.correlation:.2f}): the slices are the network's alone; look at them",
            )
        )
    elif abs(difference) > DISAGREE_MM:
        flags.append(
            Flag(
                "slices-disagree",
                f"the alignment sees the basal ganglia level {abs(difference):.1f} mm "
                f"{'above' if difference > 0 else 'below'} where the network "
                f"does (slice {int(network.argmax())}); look at slice {bgl} and its neighbours",
            )
        )
    if found:
        flags += [*remarks_on_proportions(alignment), *remarks_on_reach(alignment, upwards, level)]
    confidence = float(probabilities[bgl])
    near = _near(probabilities, heights, bgl)
    if near < LEAST_CONFIDENCE:
        flags.append(
            Flag(
                "slices-unsure",
                f"slice {bgl} is the basal ganglia level with a probability of {near:.2f} only; "
                "look at its neighbours",
            )
        )
    if alignment.upside_down:
        flags.append(
            Flag(
                "upside-down",
                "the picture runs against the slices' positions: what the file says is higher "
                "shows the lower part of the head; left and right may be wrong as well",
            )
        )
    return LocatedSlices(
        bgl_slice=bgl,
        sgl_slice=sgl_of(upwards, bgl, level if found else None),
        confidence=confidence,
        probabilities=probabilities,
        network_probabilities=network,
        heights=heights,
        network_mm=network_mm,
        alignment=alignment,
        alignment_difference_mm=difference,
        flags=tuple(flags),
        timings=timings,
    )


def _near(probabilities: NDArray[np.float64], heights: NDArray[np.float64], index: int) -> float:
    """Return the probability of a slice together with those that show the same regions."""
    return float(probabilities[np.abs(heights - heights[index]) <= _SAME_MM].sum())


def _check_coverage(heights: NDArray[np.float64], level: float) -> None:
    """Make sure that the basal ganglia level lies in the scan or next to it."""
    beyond = max(float(heights.min()) - level, level - float(heights.max()))
    if beyond > _BEYOND_MM + float(np.median(np.abs(np.diff(heights)))):
        where = "above" if level > heights.max() else "below"
        raise InputError(
            f"the basal ganglia level lies about {beyond:.0f} mm {where} the scan's outermost "
            "slice; give a scan of the whole head, or both slices"
        )
