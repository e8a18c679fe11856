"""Fit the weights of the asymmetry scorer to simulated strokes.

Usage: python scripts/authoring/fit_asymmetry.py COHORT... [--out FILE] [--work DIR] [--jobs 2]

Each COHORT is what ``simulate-cohort --infarcts P --lesions DIR --lesion-part training`` wrote.
Every scan is mapped as ``score-aspects --ncct`` maps it, and its regions are measured twice: as
mapped, and with the subject's true regions, so that the weights depend less on where maps err. DIR
keeps the measures, so a second run is quick. The first regression's log-odds that the second learns
from are those of subjects it was not fitted to.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from aspects_scorer.ncct.asymmetry.evidence import context_evidence, own_evidence
from aspects_scorer.ncct.asymmetry.model import FILE
from aspects_scorer.ncct.mapped_scan import MappedScan
from aspects_scorer.ncct.measures import RegionDensities, measure_densities
from atlas_builder import __version__
from atlas_builder.cohorts.participants import Participant
from atlas_builder.cohorts.stroke_subjects import read_stroke_cohort, read_stroke_subject
from atlas_builder.cohorts.stroke_truth import StrokeTruth
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import ANATOMICAL, RULES, AspectsRule
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import replacing, write_json
from atlas_builder.runtime.workers import open_workers
from atlas_builder.workflows.score_ncct import map_scan_for_scoring

# A lesion that is known voxel by voxel has traces in regions that no reader would count.
TRUTH = {**RULES, "barber": ANATOMICAL}
FOLDS = 5
OWN_STRENGTH, CONTEXT_STRENGTH = 0.03, 0.1  # inverse of the penalty on standardised signs
BRAIN_MARGIN = 2  # pixels around true regions
BRAIN_HU = (-10.0, 100.0)
HEALTHY_SHARE = 0.0


@dataclass(frozen=True)
class Task:
    """A subject to measure."""

    participant: Participant
    truth: StrokeTruth
    work: Path


@dataclass(frozen=True)
class Measured:
    """A subject's densities in mapped and in true regions, and the share of each that is ill."""

    name: str
    densities: tuple[RegionDensities, ...]
    shares: NDArray[np.float64]


def main() -> None:
    """Measure, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohorts", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--work", type=Path, default=Path("asymmetry-measures"))
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    subjects = measure_cohorts(arguments.cohorts, arguments.work, arguments.jobs)
    write_json(arguments.out, describe(subjects))
    print(f"{len(subjects)} subjects: {arguments.out}")


def measure_cohorts(cohorts: Sequence[Path], work: Path, jobs: int) -> list[Measured]:
    """Measure everyone of some cohorts who can be mapped; the others are named."""
    work.mkdir(parents=True, exist_ok=True)
    tasks = [
        Task(participant, truth, work)
        for cohort in cohorts
        for participant, truth in read_stroke_cohort(cohort)[0]
    ]
    with open_workers(jobs) as workers:
        return [one for one in workers.in_order(measure, tasks) if one is not None]


def measure(task: Task) -> Measured | None:
    """Measure one subject unless that was done."""
    name = task.participant.participant_id
    file = task.work / f"{task.participant.folder.parent.name}-{name}.npz"
    if not file.exists():
        try:
            found = _densities(task)
        except InputError as error:
            print(f"left out {name}: {error}")
            return None
        with replacing(file) as partial, partial.open("wb") as opened:
            np.savez(
                opened,
                **{
                    f"{number}.{field.name}": getattr(one, field.name)
                    for number, one in enumerate(found)
                    for field in fields(RegionDensities)
                },
            )
    with np.load(file, allow_pickle=False) as stored:
        densities = tuple(
            RegionDensities(**{f.name: stored[f"{n}.{f.name}"] for f in fields(RegionDensities)})
            for n in range(2)
        )
    shares = np.array([[task.truth.shares[side, region] for region in Region] for side in SIDES])
    return Measured(name, densities, shares)


def _densities(task: Task) -> tuple[RegionDensities, RegionDensities]:
    subject = read_stroke_subject(task.participant, task.truth)
    mapped = map_scan_for_scoring(subject.scan, age=subject.participant.age)
    near = ndimage.binary_dilation(subject.regions > 0, np.ones((3, 3, 1)), iterations=BRAIN_MARGIN)
    hu = np.asarray(subject.scan.data, np.float32)
    brain = near & (hu > BRAIN_HU[0]) & (hu < BRAIN_HU[1])
    true = MappedScan(hu, subject.regions, brain, subject.scan.affines)
    return measure_densities(mapped), measure_densities(true)


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
    ill = np.array(
        [
            [[rule.loses_point(region, share) for region, share in zip(Region, row, strict=True)]
             for row in one.shares]
            for one in subjects
            for _ in one.densities
        ]
    )  # fmt: skip
    groups = np.repeat(np.arange(len(subjects)), [len(one.densities) for one in subjects])
    evidence = [own_evidence(d) for one in subjects for d in one.densities]
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
    for column in range(len(Region)):
        differences = [
            one.densities[0].median[0, column] - one.densities[0].median[1, column]
            for one in subjects
            if one.shares[:, column].max() <= HEALTHY_SHARE
        ]
        low, high = np.nanquantile(differences, (0.16, 0.84))
        found.append(round(float(high - low) / 2, 3))
    return found


if __name__ == "__main__":
    main()
