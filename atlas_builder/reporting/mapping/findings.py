"""What a region map found, in words."""

from __future__ import annotations

import math

from atlas_builder.core.anatomy import SIDES, Side
from atlas_builder.mapping.region_map import RegionMap, RegionMeasure
from atlas_builder.metrics.tables import with_true_minus
from atlas_builder.runtime.tsv import NOT_AVAILABLE


def standing_out(region_map: RegionMap) -> dict[Side, list[RegionMeasure]]:
    """Return the regions that stand out, by side.

    Parameters
    ----------
    region_map : RegionMap
        From `map_regions`.

    Returns
    -------
    dict of side to list of RegionMeasure
        The right first, as in pictures; only sides that have any.
    """
    return {
        side: found
        for side in reversed(SIDES)
        if (found := [m for m in region_map.measures if m.stands_out and m.side == side])
    }


def standing_out_in_words(region_map: RegionMap) -> str:
    """Return which regions stand out, side by side, in one line.

    Parameters
    ----------
    region_map : RegionMap
        From `map_regions`.

    Returns
    -------
    str
    """
    parts = [
        f"{side} {', '.join(measure.region.name for measure in measures)}"
        for side, measures in standing_out(region_map).items()
    ]
    if not parts:
        return "No region is darker than its counterpart by more than normal"
    return "Darker than the other side: " + "; ".join(parts)


def flags_in_brief(region_map: RegionMap) -> str:
    """Return the codes of the quality flags in one line, each once with its levels.

    Parameters
    ----------
    region_map : RegionMap
        From `map_regions`.

    Returns
    -------
    str
    """
    if not region_map.flags:
        return "Quality: nothing flagged"
    levels: dict[str, list[str]] = {}
    for flag in region_map.flags:
        found = levels.setdefault(flag.code.replace("-", " "), [])
        if flag.level is not None and flag.level not in found:
            found.append(flag.level)
    names = [name + (f" ({', '.join(found)})" if found else "") for name, found in levels.items()]
    return "Check: " + ", ".join(names)


def written(value: float, spec: str = ".1f") -> str:
    """Return a number as it is printed: with a true minus sign, and none before a zero.

    Parameters
    ----------
    value : float
        Finite, or NaN for what could not be measured.
    spec : str
        As `format` takes it.
    """
    if math.isnan(value):
        return NOT_AVAILABLE
    return with_true_minus(format(value, spec))
