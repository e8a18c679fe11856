"""Grow the random forests of the radiomics-forest scorer on simulated strokes.

Usage: python scripts/authoring/fit_radiomics_forest.py COHORT... [--out FILE] [--work DIR]
           [--jobs 2] [--seed 1]

Each COHORT is what ``simulate-cohort --infarcts P --lesions DIR --lesion-part training`` wrote, and
is mapped and measured as `mapped_strokes` says; pyradiomics must be installed. DIR keeps the
features, so a second run is quick. The threshold from which a region loses its point is the one
whose affected regions overlap most with the true ones, in subjects that the forests were not grown
on.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from forest_growing import grow
from mapped_strokes import TRUTH, Measured, measure_cohorts
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.radiomics_forest.features import RegionRadiomics, measure_radiomics
from aspects_scorer.ncct.radiomics_forest.forest import FILE, ForestModel, store_forests
from atlas_builder.core.aspects import AspectsRule
from atlas_builder.runtime.files import replacing

FOLDS = 5
THRESHOLDS = np.arange(0.1, 0.75, 0.01).round(2)

Array = NDArray[np.float64]


def main() -> None:
    """Measure, grow, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohorts", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--work", type=Path, default=Path("radiomics-measures"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    subjects = measure_cohorts(arguments.cohorts, arguments.work, arguments.jobs, measure)
    models = {rule: fit(subjects, counts, arguments.seed) for rule, counts in TRUTH.items()}
    with replacing(arguments.out) as partial, partial.open("wb") as opened:
        np.savez_compressed(opened, **store_forests(models))
    for rule, model in models.items():
        print(f"{rule}: points are lost from {model.threshold:g} on")
    print(f"{len(subjects)} subjects: {arguments.out}")


def measure(scan: MappedScan) -> dict[str, NDArray[np.generic]]:
    """Return the features of a scan's regions and their names."""
    return {name: np.asarray(values) for name, values in asdict(measure_radiomics(scan)).items()}


def fit(subjects: Sequence[Measured], rule: AspectsRule, seed: int) -> ForestModel:
    """Grow the forests of one rule and choose its threshold."""
    scans = [
        RegionRadiomics(tuple(map(str, one["names"])), one["values"]).beside_counterparts()
        for subject in subjects
        for one in subject.measures
    ]
    names = scans[0][0]
    values = np.stack([value for _, value in scans])
    ill = np.array([one.affected(rule) for one in subjects for _ in one.measures])
    groups = np.repeat(np.arange(len(subjects)), [len(one.measures) for one in subjects])
    judged = np.full(ill.shape, np.nan)
    for learn, judge in GroupKFold(FOLDS).split(values, groups=groups):
        model = ForestModel(names, tuple(grow(values[learn], ill[learn], seed)), 0.0)
        judged[judge] = [model.probabilities(names, one) for one in values[judge]]
    mapped = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    threshold = choose_threshold(judged[mapped], ill[mapped])
    return ForestModel(names, tuple(grow(values, ill, seed)), threshold)


def choose_threshold(probability: Array, ill: NDArray[np.bool_]) -> float:
    """Return the threshold with the greatest overlap (Dice) of affected regions and true ones.

    Unlike the error of the score, it does not reward points that healthy people lose.
    """
    known = np.nan_to_num(probability)
    overlaps = []
    for threshold in THRESHOLDS:
        affected = known >= threshold
        overlaps.append(2 * (affected & ill).sum() / (affected.sum() + ill.sum()))
    return float(THRESHOLDS[int(np.argmax(overlaps))])


if __name__ == "__main__":
    main()
