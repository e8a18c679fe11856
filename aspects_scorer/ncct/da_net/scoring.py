"""From DA-Net's log-odds to points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import expit

from aspects_scorer.ncct.attention import AttentionMap
from aspects_scorer.ncct.da_net.attention import attention_of
from aspects_scorer.ncct.da_net.network import KINDS, RULE_NAMES
from aspects_scorer.ncct.da_net.patches import GROUPS, patches_of
from aspects_scorer.ncct.da_net.standard_view import view_of
from aspects_scorer.ncct.findings import add_densities
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import Array, RegionDensities
from aspects_scorer.ncct.points import Thresholds, score_by_probability
from aspects_scorer.ncct.scored_scan import ScoredScan
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.networks.model import Model, open_model, read_description, refusal_of
from atlas_builder.networks.registry import DA_NET

METHOD = "da-net"

THRESHOLDS = Thresholds(certain=0.6, likely=0.4)
"""Chosen on real brains with planted infarcts; probabilities are calibrated."""


@dataclass(frozen=True)
class Judged:
    """What the networks say of a scan.

    Attributes
    ----------
    log_odds : ndarray, shape (2, 10)
        Of each region being affected, calibrated; left side first. NaN where a region or its
        counterpart is not on the scan.
    attention : AttentionMap
        Where they looked.
    """

    log_odds: Array
    attention: AttentionMap


def judge_by_da_net(scan: MappedScan, rule: str) -> Judged:
    """Run both networks on a scan.

    Parameters
    ----------
    scan : MappedScan
        With the place of the standard brain in it.
    rule : str
        Which extent of ischaemia counts, a name of `atlas_builder.core.aspects.RULES`.

    Returns
    -------
    Judged

    Raises
    ------
    ValueError
        The place is not known.
    """
    view = view_of(scan)
    index = RULE_NAMES.index(rule)
    log_odds = np.full((len(SIDES), len(Region)), np.nan)
    maps = {}
    for group, regions in GROUPS.items():
        model, calibration = _opened(DA_NET[group], group)
        slope, intercept = calibration[rule]
        found, attention = model.run(patches=patches_of(view, regions))
        for row, region in enumerate(regions):
            log_odds[:, region.value - 1] = slope * found[row, :, index] + intercept
            maps[region] = np.asarray(attention[row, :, index])
    counts = np.bincount(view.labels.ravel(), minlength=1 + len(SIDES) * len(Region))[1:]
    unseen = (counts.reshape(log_odds.shape) == 0).any(axis=0)
    log_odds[:, unseen] = np.nan
    assert scan.place is not None  # or there were no view
    return Judged(
        log_odds, attention_of(maps, np.nan_to_num(expit(log_odds)), view.labels, scan.place)
    )


def score_by_da_net(scan: MappedScan, densities: RegionDensities, rule: str) -> ScoredScan:
    """Score a scan by DA-Net.

    Parameters
    ----------
    scan : MappedScan
        The scan.
    densities : RegionDensities
        Of its regions, from `measure_densities`.
    rule : str
        Which extent of ischaemia counts, a name of `atlas_builder.core.aspects.RULES`.

    Returns
    -------
    ScoredScan
        With the networks' attention.

    Raises
    ------
    ValueError
        The place of the standard brain in the scan is not known.
    """
    judged = judge_by_da_net(scan, rule)
    probability = expit(judged.log_odds)

    def reason(row: int, column: int) -> str:
        words = f"probability {probability[row, column]:.2f} by comparing the sides' features"
        return add_densities(words, densities, row, column)

    scored = score_by_probability(METHOD, rule, scan, densities, probability, THRESHOLDS, reason)
    return replace(scored, attention=judged.attention)


@cache
def _opened(path: Path, group: str) -> tuple[Model, dict[str, tuple[float, float]]]:
    model = open_model(path, KINDS[group])
    try:
        fitted = read_description(path, KINDS[group])["calibration"]
        calibration = {
            name: (float(fitted[name][0]), float(fitted[name][1])) for name in RULE_NAMES
        }
    except (KeyError, TypeError, ValueError, IndexError):
        raise refusal_of(path, KINDS[group], "its calibration is missing") from None
    return model, calibration
