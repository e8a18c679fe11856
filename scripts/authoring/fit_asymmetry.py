"""Fit the weights of the asymmetry scorer to simulated strokes.

Usage: python scripts/authoring/fit_asymmetry.py COHORT... [--out FILE] [--work DIR] [--jobs 2]

Each COHORT is what ``simulate-cohort --infarcts P --lesions DIR --lesion-part training`` wrote, and
is mapped and measured as `mapped_strokes` says. DIR keeps the measures, so a second run is quick.
The first regression's log-odds that the second learns from are those of subjects it was not fitted
to.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from mapped_strokes import TRUTH, Measured, measure_cohorts
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from aspects_scorer.ncct.asymmetry.evidence import context_evidence, own_evidence
from aspects_scorer.ncct.asymmetry.model import FILE
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import RegionDensities, measure_densities
from atlas_builder import __version__
from atlas_builder.core.anatomy import Region
from atlas_builder.core.aspects import AspectsRule
from atlas_builder.runtime.files import write_json

FOLDS = 5
OWN_STRENGTH, CONTEXT_STRENGTH = 0.03, 0.1  # inverse of the penalty on standardised signs
HEALTHY_SHARE = 0.0


def main() -> None:
    """Measure, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohorts", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--work", type=Path, default=Path("asymmetry-measures"))
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    subjects = measure_cohorts(arguments.cohorts, arguments.work, arguments.jobs, measure)
    write_json(arguments.out, describe(subjects))
    print(f"{len(subjects)} subjects: {arguments.out}")


def measure(scan: MappedScan) -> dict[str, NDArray[np.float64]]:
    """Return the densities of a scan's regions by their names."""
    return asdict(measure_densities(scan))


def densities_of(subject: Measured) -> list[RegionDensities]:
    """Return a subject's densities in mapped and in true regions."""
    return [RegionDensities(**measures) for measures in subject.measures]


def describe(subjects: Sequence[Measured]) -> dict[str, object]:
    """Fit every rule and return what the file of weights holds."""
    return {
        "fitted_by": "scripts/authoring/fit_asymmetry.py",
        "version": __version__,
        "subjects": len(subjects),
        "rules": {name: fit(subjects, rule) for name, rule in TRUTH.items()},
    }


def fit(subjects: Sequence[Measured], rule: AspectsRule) -> dict[str, object]:
    """Fit both regressions to one rule."""
    ill = np.array([one.affected(rule) for one in subjects for _ in one.measures])
    groups = np.repeat(np.arange(len(subjects)), [len(one.measures) for one in subjects])
    evidence = [own_evidence(d) for one in subjects for d in densities_of(one)]
    names = evidence[0][0]
    values = np.stack([value for _, value in evidence])
    log_odds = np.zeros(ill.shape)
    for learn, judge in GroupKFold(FOLDS).split(values, groups=groups):
        part = regress(names, values[learn], ill[learn], OWN_STRENGTH)
        log_odds[judge] = apply(part, values[judge])
    context = [context_evidence(one) for one in log_odds]
    around = np.stack([value for _, value in context])
    return {
        "own": regress(names, values, ill, OWN_STRENGTH),
        "context": regress(context[0][0], around, ill, CONTEXT_STRENGTH),
        "usual_hu": usual_differences(subjects),
    }


def regress(
    names: Sequence[str], values: NDArray[np.float64], ill: NDArray[np.bool_], strength: float
) -> dict[str, object]:
    """Return a logistic regression on standardised signs."""
    rows = values.reshape(-1, values.shape[-1])
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale == 0] = 1
    fitted = LogisticRegression(C=strength, max_iter=5000, tol=1e-6)
    fitted.fit((rows - mean) / scale, ill.ravel())
    table = np.stack([mean, scale, fitted.coef_[0]], axis=1)
    return {
        "intercept": round(float(fitted.intercept_[0]), 6),
        "signs": {
            name: [round(float(v), 6) for v in row] for name, row in zip(names, table, strict=True)
        },
    }


def apply(regression: dict[str, object], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-odds."""
    mean, scale, weights = np.array(list(regression["signs"].values())).T
    return (values - mean) / scale @ weights + regression["intercept"]


def usual_differences(subjects: Sequence[Measured]) -> list[float]:
    """Return the robust standard deviation of the sides' difference where neither is ill, HU."""
    found = []
    medians = [densities_of(one)[0].median for one in subjects]
    for column in range(len(Region)):
        differences = [
            median[0, column] - median[1, column]
            for one, median in zip(subjects, medians, strict=True)
            if one.shares[:, column].max() <= HEALTHY_SHARE
        ]
        low, high = np.nanquantile(differences, (0.16, 0.84))
        found.append(round(float(high - low) / 2, 3))
    return found


if __name__ == "__main__":
    main()
