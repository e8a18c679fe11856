"""How much of each region is core on a CBF map: the truth of one patient."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from aspects_scorer.perfusion.brain_scan import BrainScan, Mask
from aspects_scorer.perfusion.core import PENUMBRA_RATIO, CoreMap
from atlas_builder.core.anatomy import SIDES, Region, Side, map_value
from atlas_builder.core.aspects import POINTS, AspectsRule
from atlas_builder.core.flags import Flag

LEAST_COVERAGE = 0.5
"""Of a region's tissue that must be judged; with less the region is not known."""

_FULL_COVERAGE = 0.8
_BOTH_SIDES_ML, _BOTH_SIDES_SHARE = 5.0, 0.2
_LOW_ON_BOTH_ML = 5.0
_LEAST_ILL_ML = 2.0  # of tissue with low flow, for a side to be called ill
_ZERO_SHARE = 0.5


@dataclass(frozen=True)
class RegionCore:
    """One region of one side.

    Attributes
    ----------
    region, side
        Which region.
    volume_ml : float
        Its tissue, without fluid and vessels.
    coverage : float
        Share of that tissue whose flow is known on both sides, 0-1.
    core_ml : float
        Core in it; NaN where the region is not known.
    share : float
        Core as a share of the tissue that is known, 0-1; NaN where the region is not known.
    affected : bool or None
        By the rule; None where the region is not known.
    cbf, other_cbf : float
        Mean flow of its tissue and of the region on the other side, in mL/100 g/min; NaN where
        nothing is known.
    """

    region: Region
    side: Side
    volume_ml: float
    coverage: float
    core_ml: float
    share: float
    affected: bool | None
    cbf: float
    other_cbf: float


@dataclass(frozen=True)
class PerfusionTruth:
    """What a CBF map tells of a patient.

    Attributes
    ----------
    regions : tuple of RegionCore
        Twenty, left before right, each side in label order.
    side : {'left', 'right'} or None
        The ill side; None where neither has low flow.
    core_ml : float
        All core within the map, inside and outside the regions.
    flags : tuple of Flag
        Reservations.
    """

    regions: tuple[RegionCore, ...]
    side: Side | None
    core_ml: float
    flags: tuple[Flag, ...]

    def aspects(self, side: Side) -> int | None:
        """Return the score of a side; None where one of its regions is not known.

        Parameters
        ----------
        side : {'left', 'right'}
            Of the patient.
        """
        own = [one.affected for one in self.regions if one.side == side]
        return None if None in own else POINTS - sum(map(bool, own))

    @property
    def lower_aspects(self) -> int | None:
        """The score of the patient, the lower of the sides; None where either is not known."""
        scores = [self.aspects(side) for side in SIDES]
        known = [score for score in scores if score is not None]
        return min(known) if len(known) == len(scores) else None


def measure_regions(
    found: CoreMap, scan: BrainScan, rule: AspectsRule, factor: float, coverage_mm: float
) -> PerfusionTruth:
    """Measure the core in every region.

    Parameters
    ----------
    found : CoreMap
        From `find_core`, on the scan's voxels.
    scan : BrainScan
        The scan with its regions.
    rule : AspectsRule
        Which share counts.
    factor : float
        By which the map's values are divided to be in mL/100 g/min.
    coverage_mm : float
        Height of the map.

    Returns
    -------
    PerfusionTruth
    """
    tissue = scan.tissue & ~found.vessels
    sizes, judged, core = (_volumes(mask, scan) for mask in (tissue, found.judged, found.core))
    flows = _mean_flows(found, scan, factor)
    regions = []
    for side, region in product(SIDES, Region):
        value = map_value(region, side)
        other = map_value(region, "left" if side == "right" else "right")
        coverage = judged[value] / sizes[value] if sizes[value] else 0.0
        known = coverage >= LEAST_COVERAGE
        share = core[value] / judged[value] if known else math.nan
        regions.append(
            RegionCore(
                region,
                side,
                float(sizes[value]),
                float(coverage),
                float(core[value]) if known else math.nan,
                float(share),
                rule.loses_point(region, share, float(core[value])) if known else None,
                float(flows[value]),
                float(flows[other]),
            )
        )
    ill = _ill_side(found, scan)
    return PerfusionTruth(
        tuple(regions),
        ill,
        scan.volume_ml(found.core),
        (*_remarks_on_coverage(regions, coverage_mm), *_remarks_on_core(found, scan)),
    )


def _volumes(mask: Mask, scan: BrainScan) -> np.ndarray:
    """Return the volume in mL of some voxels with each label value."""
    volumes = np.zeros(2 * len(Region) + 1)
    for index, voxel_ml in enumerate(scan.voxel_ml):
        own = scan.labels[:, :, index][mask[:, :, index]]
        volumes += np.bincount(own, minlength=len(volumes)) * voxel_ml
    return volumes


def _mean_flows(found: CoreMap, scan: BrainScan, factor: float) -> np.ndarray:
    """Return the mean flow of each label value's tissue in mL/100 g/min; NaN where not known."""
    known = np.isfinite(found.flow)
    counts = np.bincount(scan.labels[known], minlength=2 * len(Region) + 1)
    totals = np.bincount(
        scan.labels[known], found.flow[known].astype(np.float64), 2 * len(Region) + 1
    )
    return np.where(counts > 0, totals / np.maximum(counts, 1) / factor, np.nan)


def side_volumes(mask: Mask, scan: BrainScan) -> dict[Side, float]:
    """Return the volume of some voxels on each side of the midline, in mL.

    Parameters
    ----------
    mask : ndarray of bool, shape (columns, rows, slices)
        The voxels.
    scan : BrainScan
        The scan.
    """
    volumes: dict[Side, float] = dict.fromkeys(SIDES, 0.0)
    for index, _, points in scan.on_slices(mask):
        across = scan.place.to_standard(points)[0]
        volumes["left"] += float((across < 0).sum() * scan.voxel_ml[index])
        volumes["right"] += float((across >= 0).sum() * scan.voxel_ml[index])
    return volumes


def _ill_side(found: CoreMap, scan: BrainScan) -> Side | None:
    low = side_volumes(found.judged & (np.nan_to_num(found.ratio, nan=1.0) < PENUMBRA_RATIO), scan)
    ill: Side = "left" if low["left"] > low["right"] else "right"
    return ill if low[ill] >= _LEAST_ILL_ML else None


def _remarks_on_coverage(regions: list[RegionCore], coverage_mm: float) -> Iterator[Flag]:
    unknown = [one for one in regions if one.affected is None]
    partial = [one for one in regions if one.affected is not None and one.coverage < _FULL_COVERAGE]
    if unknown:
        yield Flag(
            "regions-not-covered",
            f"the map ({coverage_mm:.0f} mm high) does not reach {_named(unknown)}: n/a, not "
            "healthy, and no score of that side",
        )
    if partial:
        yield Flag(
            "regions-partly-covered",
            f"less than {_FULL_COVERAGE:.0%} of {_named(partial)} is judged: the shares are of "
            "what the map shows",
        )


def _named(regions: list[RegionCore]) -> str:
    parts = []
    for side in SIDES:
        names = [one.region.name for one in regions if one.side == side]
        if names:
            parts.append(f"{', '.join(names)} on the {side}")
    return " and ".join(parts)


def _remarks_on_core(found: CoreMap, scan: BrainScan) -> Iterator[Flag]:
    core = side_volumes(found.core, scan)
    lesser, greater = sorted(core.values())
    if lesser >= _BOTH_SIDES_ML and lesser >= _BOTH_SIDES_SHARE * greater:
        yield Flag(
            "core-on-both-sides",
            f"core of {core['left']:.0f} mL on the left and {core['right']:.0f} mL on the right: "
            "where both sides are ill, neither is a healthy reference for the other",
        )
    low = scan.volume_ml(found.low_on_both)
    if low >= _LOW_ON_BOTH_ML:
        yield Flag(
            "low-on-both-sides",
            f"{low:.0f} mL of tissue with hardly any flow on either side were left out: infarcts "
            "on both sides, old ones, or tissue that the map leaves out; look at the overlay",
        )
    if found.core.any():
        none = float((found.flow[found.core] < 1e-6).mean())
        if none > _ZERO_SHARE:
            yield Flag(
                "core-without-flow",
                f"{none:.0%} of the core has a flow of exactly 0: the workstation may have left "
                "this tissue out of the map; look at the overlay",
            )
