"""A scan whose regions are blocks of known density, for scorers of non-contrast CT."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import measure_densities
from aspects_scorer.ncct.methods import Scorer
from aspects_scorer.ncct.scored_scan import ScoredScan
from atlas_builder.core.anatomy import SIDES, Region, Side, map_value

SPACING = (1.0, 1.0, 5.0)
SLICES = 6
_WIDE, _LONG = 24, 16  # voxels of a block
_BESIDE = 8  # from the midline
TISSUE_HU = 34.0


def block_of(region: Region, side: Side) -> tuple[slice, slice]:
    """Return where a region is: deep regions in front, the left at high columns."""
    row = list(Region).index(region)
    middle = _WIDE * 1 + _BESIDE
    columns = (
        slice(middle + _BESIDE, middle + _BESIDE + _WIDE)
        if side == "left"
        else slice(middle - _BESIDE - _WIDE, middle - _BESIDE)
    )
    return columns, slice(row * _LONG, (row + 1) * _LONG)


def mapped_blocks(
    added_hu: Mapping[tuple[Side, Region], float] | None = None,
    noise_hu: float = 3.0,
    seed: int = 1,
) -> MappedScan:
    """Return a scan of 34 HU and noise, some of whose regions have other densities."""
    shape = (2 * (_WIDE + _BESIDE), len(Region) * _LONG, SLICES)
    hu = np.full(shape, TISSUE_HU, np.float32)
    labels = np.zeros(shape, np.uint8)
    for side in SIDES:
        for region in Region:
            block = block_of(region, side)
            labels[block] = map_value(region, side)
            hu[block] += (added_hu or {}).get((side, region), 0.0)
    hu += np.random.default_rng(seed).normal(0, noise_hu, shape).astype(np.float32)
    affines = np.repeat(np.diag([*SPACING, 1.0])[np.newaxis], SLICES, axis=0)
    affines[:, 2, 3] = SPACING[2] * np.arange(SLICES)
    return MappedScan(hu, labels, np.ones(shape, np.bool_), affines, 60.0)


def mirrored(scan: MappedScan) -> MappedScan:
    """Return the same scan of a mirrored patient."""
    labels = scan.labels[::-1].astype(int)
    swapped = np.where(labels > 10, labels - 10, np.where(labels > 0, labels + 10, 0))
    return MappedScan(
        scan.hu[::-1].copy(), swapped.astype(np.uint8), scan.brain[::-1].copy(), scan.affines, 60.0
    )


def scored_by(scorer: Scorer, scan: MappedScan, rule: str) -> ScoredScan:
    """Measure a scan and score it."""
    return scorer(scan, measure_densities(scan), rule)
