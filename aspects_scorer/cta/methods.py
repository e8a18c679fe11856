"""The scorers of CT angiographies by the names that users give."""

from __future__ import annotations

from collections.abc import Mapping

from aspects_scorer.cta.radiomics_svm import scoring as radiomics_svm
from aspects_scorer.ncct import hu_ratio
from aspects_scorer.ncct.methods import Scorer

METHODS: Mapping[str, Scorer] = {
    radiomics_svm.METHOD: radiomics_svm.score_by_selected,
    radiomics_svm.PUBLISHED_METHOD: radiomics_svm.score_by_published,
    hu_ratio.METHOD: hu_ratio.score_by_ratio,
}
"""Each method's scorer."""

DEFAULT_METHOD = radiomics_svm.METHOD
"""The published one, with features selected anew."""
