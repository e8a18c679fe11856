"""The routes to the regions on all slices: an atlas carried onto the scan, or a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.vb_net.segmentation import segment_regions
from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from slice_localizer.whole_head.whole_map import WholeMap

Route: TypeAlias = Callable[[Scan, WholeMap], tuple[WholeMap, tuple[Flag, ...]]]
"""Takes a scan and its map by the atlas, and returns the map to use with what to doubt of it."""

_ALIKE = 0.5
"""Dice overlap of a region by both routes below which they are not of one place: the definitions
alone leave 0.6 to 0.9."""


def keep_atlas(scan: Scan, whole: WholeMap) -> tuple[WholeMap, tuple[Flag, ...]]:
    """Keep the regions that the atlas gives.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    whole : WholeMap
        By the atlas.

    Returns
    -------
    whole : WholeMap
        The same.
    flags : tuple of Flag
        None.
    """
    del scan
    return whole, ()


def draw_by_network(scan: Scan, whole: WholeMap) -> tuple[WholeMap, tuple[Flag, ...]]:
    """Draw the regions by VB-Net instead, and see whether both routes agree.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    whole : WholeMap
        By the atlas.

    Returns
    -------
    whole : WholeMap
        With the network's regions.
    flags : tuple of Flag
        Where a region lies elsewhere than the atlas has it.

    Raises
    ------
    InputError
        The network finds no regions.
    """
    labels = segment_regions(scan)
    apart = _apart(labels, whole.labels)
    drawn = replace(whole, labels=labels)
    if not apart:
        return drawn, ()
    reason = (
        f"network and atlas have {', '.join(apart)} at different places (Dice below {_ALIKE:g}): "
        "look at the regions before relying on them"
    )
    return drawn, (Flag("routes-disagree", reason),)


ROUTES: Mapping[str, Route] = {"atlas": keep_atlas, "vb-net": draw_by_network}
"""The routes by the names that users give."""

DEFAULT_ROUTE = "atlas"


def _apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> list[str]:
    size = 1 + len(SIDES) * len(Region)
    sums = np.bincount(one.ravel(), minlength=size) + np.bincount(other.ravel(), minlength=size)
    both = np.bincount(one[one == other], minlength=size)
    return [
        f"{side} {region.name}"
        for side in SIDES
        for region in Region
        if 2 * both[map_value(region, side)] < _ALIKE * sums[map_value(region, side)]
    ]
