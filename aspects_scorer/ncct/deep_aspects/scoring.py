"""From the infarct and the regions that the networks drew to points: where they overlap."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.deep_aspects.segmentation import (
    Drawn,
    draw_both,
    infarct_on,
    region_labels,
    regions_on,
)
from aspects_scorer.ncct.findings import make_findings
from aspects_scorer.ncct.infarct import Infarct
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import RegionDensities
from aspects_scorer.ncct.scored_scan import ScoredScan
from atlas_builder.core.anatomy import SIDES, Region, Side, map_value
from atlas_builder.core.aspects import VOXEL_RULES, AspectsScore, score_involvement
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from slice_localizer.positions import voxel_volumes_ml

METHOD = "deep-aspects"

_VALUES = 1 + 2 * len(Region)
_OUTSIDE_SHARE, _OUTSIDE_ML = 0.5, 3.0
_QUANTILE = 0.9


def score_by_deep_aspects(scan: MappedScan, densities: RegionDensities, rule: str) -> ScoredScan:
    """Score a scan by the overlap of the infarct and the regions that the networks draw.

    Parameters
    ----------
    scan : MappedScan
        The scan, with the place of the standard brain in it.
    densities : RegionDensities
        Of its mapped regions, from `measure_densities`; described, not judged by.
    rule : str
        How much of a region must be infarcted, a name of `atlas_builder.core.aspects.RULES`.

    Returns
    -------
    ScoredScan
        With the infarct.

    Raises
    ------
    ValueError
        The place of the standard brain in the scan is not known.
    """
    if scan.place is None:
        raise ValueError("the place of the standard brain in the scan is not known")
    slices = Scan(scan.hu, scan.affines)
    drawn = draw_both(slices, scan.place)
    infarct = infarct_on(slices, drawn)
    score = involvement_of(infarct, regions_on(slices, drawn), rule)
    reasons = {
        (one.side, one.region): f"infarct on {one.fraction:.0%} of it, {one.lesion_ml:.1f} mL"
        for one in score.regions
        if one.loses_point
    }
    findings = make_findings(scan, densities, region_probabilities(drawn), reasons)
    flags = (*scan.flags, *_flag_undrawn(score), *_flag_elsewhere(infarct, score))
    return replace(
        ScoredScan(METHOD, rule, findings, {}, None, flags),
        infarct=infarct,
    )


def involvement_of(infarct: Infarct, labels: NDArray[np.uint8], rule: str) -> AspectsScore:
    """Return how much of each region is infarcted, over all slices, and what that costs.

    Parameters
    ----------
    infarct : Infarct
        On the scan's voxels.
    labels : ndarray of uint8, shape (columns, rows, slices)
        1-10 on the left, 11-20 on the right.
    rule : str
        A name of `atlas_builder.core.aspects.RULES`; by ``barber`` a tenth of a deep region counts,
        as less is the border of an infarct beside it.

    Returns
    -------
    AspectsScore
    """
    volumes, lesion = np.zeros(_VALUES), np.zeros(_VALUES)
    for index, voxel_ml in enumerate(voxel_volumes_ml(infarct.affines)):
        own, within = labels[:, :, index], infarct.mask[:, :, index]
        volumes += voxel_ml * np.bincount(own.ravel(), minlength=_VALUES)
        lesion += voxel_ml * np.bincount(own[within], minlength=_VALUES)
    keys: list[tuple[Side, Region]] = list(product(SIDES, Region))
    by_key = [
        {key: float(values[map_value(key[1], key[0])]) for key in keys}
        for values in (volumes, lesion)
    ]
    return score_involvement(by_key[0], by_key[1], VOXEL_RULES[rule])


def region_probabilities(drawn: Drawn) -> NDArray[np.float64]:
    """Return the probability of infarct that a tenth of a region reaches.

    Parameters
    ----------
    drawn : Drawn
        With regions.

    Returns
    -------
    ndarray, shape (2, 10)
        Left side first; NaN where a region was not drawn.
    """
    assert drawn.regions is not None
    labels = region_labels(drawn.regions)
    found = np.full((len(SIDES), len(Region)), np.nan)
    for row, side in enumerate(SIDES):
        for region in Region:
            values = drawn.infarct[labels == map_value(region, side)]
            if values.size:
                found[row, region.value - 1] = np.quantile(values, _QUANTILE)
    return found


def _flag_undrawn(score: AspectsScore) -> tuple[Flag, ...]:
    missing = [f"{one.side} {one.region.name}" for one in score.regions if one.volume_ml == 0]
    if not missing:
        return ()
    reason = f"the network draws no {', '.join(missing)} here: they keep their points"
    return (Flag("regions-not-judged", reason),)


def _flag_elsewhere(infarct: Infarct, score: AspectsScore) -> tuple[Flag, ...]:
    """Remark on an infarct of which the score shows little."""
    volume = infarct.volume_ml
    outside = volume - sum(one.lesion_ml for one in score.regions)
    if outside < _OUTSIDE_ML or outside < _OUTSIDE_SHARE * volume:
        return ()
    reason = (
        f"{outside:.0f} of {volume:.0f} mL of infarct lie outside the regions of ASPECTS: the "
        "score does not count them"
    )
    return (Flag("infarct-outside-regions", reason),)
