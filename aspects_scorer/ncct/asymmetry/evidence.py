"""What speaks for early ischaemia of a region: signs of its own, and of the regions around it.

All signs are differences to the other side. An infarct is darker (less density at every quantile of
the tissue), has less contrast of grey and white matter (less spread), and its neighbours in the
territory of the artery are darker too. What misleads is measured beside it: more fluid (an old
infarct, wide sulci) makes the tissue next to it look dark, and so does less of what is dense.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aspects_scorer.ncct.measures import Array, RegionDensities
from atlas_builder.core.anatomy import SIDES, Region

TOGETHER: Mapping[Region, tuple[Region, ...]] = {
    Region.C: (Region.L, Region.IC),
    Region.L: (Region.C, Region.IC),
    Region.IC: (Region.C, Region.L),
    Region.I: (Region.M1, Region.M2),
    Region.M1: (Region.I, Region.M2, Region.M4, Region.M5),
    Region.M2: (Region.I, Region.M1, Region.M3, Region.M5, Region.M6),
    Region.M3: (Region.M2, Region.M6),
    Region.M4: (Region.M1, Region.M5),
    Region.M5: (Region.M1, Region.M2, Region.M4, Region.M6),
    Region.M6: (Region.M3, Region.M2, Region.M5),
}
"""Regions that one branch of the middle cerebral artery supplies with a region, or beside it."""

NEIGHBOURS: Mapping[Region, tuple[Region, ...]] = {
    Region.C: (Region.L, Region.IC),
    Region.L: (Region.C, Region.IC, Region.I),
    Region.IC: (Region.C, Region.L),
    Region.I: (Region.L, Region.M1, Region.M2),
    Region.M1: (Region.I, Region.M2, Region.M4),
    Region.M2: (Region.I, Region.M1, Region.M3, Region.M5),
    Region.M3: (Region.M2, Region.M6),
    Region.M4: (Region.M1, Region.M5),
    Region.M5: (Region.M2, Region.M4, Region.M6),
    Region.M6: (Region.M3, Region.M5),
}
"""Regions that touch a region or lie above or below it."""

_MOST_HU = 12.0  # a difference of more says no more
_LEVELLING_HU = 6.0
_USUAL_HU = 0.6  # added to the error of a difference: sides differ that much without noise
_UNKNOWN_HU = 2.0  # error where nothing was measured
_HINGES_HU = (1.0, 2.0, 4.0)
_MOST_FLUID = 0.3
_MOST_OTHERS = 3.0  # neighbours expected to be affected: more say no more


def own_evidence(densities: RegionDensities) -> tuple[tuple[str, ...], Array]:
    """Return the signs that are measured.

    Parameters
    ----------
    densities : RegionDensities
        Of a scan.

    Returns
    -------
    names : tuple of str
        Of the signs.
    values : ndarray, shape (2, 10, signs)
        Left side first; where a region could not be measured, as if its sides did not differ.
    """
    sides = [_of_side(densities, side) for side in range(len(SIDES))]
    return tuple(sides[0]), np.stack([np.stack(list(one.values()), axis=-1) for one in sides])


def context_evidence(log_odds: Array) -> tuple[tuple[str, ...], Array]:
    """Return the signs that regions give for each other, once each has been judged alone.

    Parameters
    ----------
    log_odds : ndarray, shape (2, 10)
        Of each region, from its own signs.

    Returns
    -------
    names : tuple of str
        Of the signs.
    values : ndarray, shape (2, 10, signs)
        Left side first.
    """
    probability = 1 / (1 + np.exp(-log_odds))
    sides = []
    for side in range(len(SIDES)):
        here, there = probability[side], probability[1 - side]
        beside = [here[_columns(TOGETHER[region])] for region in Region]
        signs = {
            "own": log_odds[side],
            "same branch, mean": np.array([values.mean() for values in beside]),
            "same branch, greatest": np.array([values.max() for values in beside]),
            "others of the side": np.minimum(here.sum() - here, _MOST_OTHERS),
            "other side": np.full(len(Region), there.sum()),
        }
        sides.append({**signs, **_indicators()})
    return tuple(sides[0]), np.stack([np.stack(list(one.values()), axis=-1) for one in sides])


def _of_side(densities: RegionDensities, side: int) -> dict[str, Array]:
    def difference(values: Array, most: float) -> Array:
        return np.clip(np.nan_to_num(values[..., side, :] - values[..., 1 - side, :]), -most, most)

    mean, spread = (difference(v, _MOST_HU) for v in (densities.mean, densities.spread))
    quantiles = difference(densities.quantiles, _MOST_HU)
    lower, median = quantiles[1], quantiles[2]
    fluid, dense = difference(densities.fluid, 1.0), difference(densities.dense, 1.0)
    error = np.nan_to_num(np.hypot(*densities.error), nan=_UNKNOWN_HU)
    darker, more_fluid = np.maximum(-median, 0), np.maximum(fluid, 0)
    around = [median[_columns(NEIGHBOURS[region])] for region in Region]
    ordered = np.sort(median)
    whole_side = {
        "side, mean": median.mean(),
        "side, darkest": ordered[0],
        "side, third darkest": ordered[2],
        "side, second brightest": ordered[-2],
        "side, brightest": ordered[-1],
    }
    indicators = _indicators()
    return {
        "mean": mean,
        **{f"quantile {number}": values for number, values in enumerate(quantiles, start=1)},
        "spread": spread,
        "median, levelling off": _LEVELLING_HU * np.tanh(median / _LEVELLING_HU),
        "median, in errors": median / np.hypot(_USUAL_HU, error),
        "fluid": 10 * fluid,
        "more fluid": 10 * more_fluid,
        "darker beside fluid": 3 * np.minimum(more_fluid, _MOST_FLUID) * darker,
        "dense": 10 * dense,
        **{f"darker than {hu:g} HU": np.maximum(-median - hu, 0) for hu in _HINGES_HU},
        "neighbours, mean": np.array([values.mean() for values in around]),
        "neighbours, darkest": np.array([values.min() for values in around]),
        **{name: np.full(len(Region), value) for name, value in whole_side.items()},
        **indicators,
        **{f"{name}, median": own * median for name, own in indicators.items()},
        **{f"{name}, lower quartile": own * lower for name, own in indicators.items()},
        **{f"{name}, more fluid": 10 * own * more_fluid for name, own in indicators.items()},
    }


def _indicators() -> dict[str, Array]:
    """Return for each region's name where it stands among the ten: 1 there, else 0."""
    return dict(zip((region.name for region in Region), np.eye(len(Region)), strict=True))


def _columns(regions: tuple[Region, ...]) -> list[int]:
    return [list(Region).index(region) for region in regions]
