"""The scorers of non-contrast CT by the names that users give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from aspects_scorer.ncct import hu_ratio
from aspects_scorer.ncct.asymmetry import scoring as asymmetry
from aspects_scorer.ncct.da_net import scoring as da_net
from aspects_scorer.ncct.deep_aspects import scoring as deep_aspects
from aspects_scorer.ncct.ensemble import scoring as ensemble
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import RegionDensities
from aspects_scorer.ncct.radiomics_forest import scoring as radiomics_forest
from aspects_scorer.ncct.scored_scan import ScoredScan

Scorer: TypeAlias = Callable[[MappedScan, RegionDensities, str], ScoredScan]
"""Scores a mapped scan, whose densities are measured, by the rule of a name."""

METHODS: Mapping[str, Scorer] = {
    asymmetry.METHOD: asymmetry.score_by_asymmetry,
    da_net.METHOD: da_net.score_by_da_net,
    deep_aspects.METHOD: deep_aspects.score_by_deep_aspects,
    ensemble.METHOD: ensemble.score_by_ensemble,
    hu_ratio.METHOD: hu_ratio.score_by_ratio,
    radiomics_forest.METHOD: radiomics_forest.score_by_forest,
}
"""Each method's scorer."""

DEFAULT_METHOD = ensemble.METHOD
"""The best on scans that none was fitted to."""
