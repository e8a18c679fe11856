"""Print how well an atlas maps onto its age groups' participants, clean and disturbed.

Usage: python scripts/benchmarks/score_mapping.py ATLAS COHORT... [--disturbed]
    [--participants N] [--jobs 2]

ATLAS is a name in the catalogue or a folder, each COHORT a cohort's folder. Every validation
participant's two slices are mapped as a new scan is, with the atlas of the participant's age, and
the regions are compared with the expert's on the scan's own pixels: mean Dice similarity
coefficient over ten regions, and the share of pixels given to the wrong side. With --disturbed, the
same for slices that are turned, mirrored in storage, tilted, cut off, noisy or darkened by an
infarct, and how far the coefficient falls from the clean slices'.

Also printed: regions that stand out (nobody has a lesion but by the infarcts), flags, and how
confidence and the coefficient of a region go together.
"""

import argparse
import itertools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from disturbances import DISTURBANCES
from scipy.stats import spearmanr

from atlas_builder.catalogue.atlas import Atlas
from atlas_builder.catalogue.entries import load_atlas
from atlas_builder.cohorts.drawn_regions import distance_from_midline
from atlas_builder.cohorts.labelled_scans import (
    LabelledSlice,
    Participant,
    read_labelled_slices,
    read_participants,
)
from atlas_builder.core.anatomy import AGE_GROUPS, Level, Region, Side, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Slice
from atlas_builder.mapping.agreement import score_regions
from atlas_builder.mapping.pipeline import KeySlices, map_key_slices
from atlas_builder.mapping.thick_slices import ThickSlice
from atlas_builder.runtime.workers import open_workers


@dataclass(frozen=True)
class Result:
    """One participant's map under one disturbance."""

    name: str
    participant: str
    age_group: str
    dice: dict[str, float]
    wrong_side: float
    confidence: dict[str, float]
    dark: int
    healthy_dark: int
    infarcted: int
    flags: tuple[str, ...]


def score(task: tuple[Participant, str, Atlas]) -> Result:
    """Map a participant's disturbed slices and compare."""
    participant, name, atlas = task
    rng = np.random.default_rng(list(participant.participant_id.encode()))
    drawn = {
        level: DISTURBANCES[name](labelled, rng)
        for level, labelled in read_labelled_slices(participant, "expert").items()
    }
    slices = {level: labelled.ct for level, labelled in drawn.items()}
    slices["SGL"] = _raised(slices["SGL"])
    thick = {level: ThickSlice(ct) for level, ct in slices.items()}
    chosen = KeySlices(thick, {"BGL": 0, "SGL": 1}, slice_count=2)
    region_map = map_key_slices(chosen, atlas, age=participant.age)
    agreements = [
        score_regions(level_map.regions, drawn[level_map.level]) for level_map in region_map.levels
    ]
    dice = {region.name: d for found in agreements for region, d in found.dice.items()}
    confidence = {
        region.name: float(
            np.mean([m.confidence for m in region_map.measures if m.region == region])
        )
        for region in Region
    }
    affected = _infarcted(participant, drawn) if name.startswith("infarct") else set()
    dark = {(m.region, m.side) for m in region_map.measures if m.stands_out}
    return Result(
        name=name,
        participant=participant.participant_id,
        age_group=str(atlas.age_group),
        dice=dice,
        wrong_side=max(found.wrong_side for found in agreements),
        confidence=confidence,
        dark=len(dark & affected),
        healthy_dark=len(dark - affected),
        infarcted=len(affected),
        flags=tuple(flag.code for flag in region_map.flags),
    )


def _raised(ct: Slice) -> Slice:
    """Put a slice 20 mm above where its file says it is: each level has a file of its own."""
    affine = ct.affine.copy()
    affine[:3, 3] += 20.0 * affine[:3, 2]
    return Slice(ct.data, affine)


def _infarcted(
    participant: Participant, drawn: dict[Level, LabelledSlice]
) -> set[tuple[Region, Side]]:
    """Return the regions whose mean the infarct lowered by at least 2 HU."""
    affected: set[tuple[Region, Side]] = set()
    for level, clean_slice in read_labelled_slices(participant, "expert").items():
        labels = clean_slice.labels.data
        fall = clean_slice.ct.data - drawn[level].ct.data
        places = np.argwhere(labels)
        on_left = np.zeros(labels.shape, bool)
        spacing = np.array(clean_slice.ct.spacing)
        left = distance_from_midline(places * spacing, labels[labels > 0]) > 0
        on_left[tuple(places[left].T)] = True
        for region in regions_of(level):
            for side, half in (("left", on_left), ("right", ~on_left)):
                if fall[(labels == region) & half].mean() >= 2.0:
                    affected.add((region, side))
    return affected


def print_groups(results: list[Result]) -> None:
    """Print the coefficients of each age group's clean slices."""
    print(f"{'age':>6}{'n':>4}{'DSC':>8}{'lowest':>8}  " + "".join(f"{r.name:>7}" for r in Region))
    for group in sorted({result.age_group for result in results}):
        of_group = [result for result in results if result.age_group == group]
        means = [np.mean(list(result.dice.values())) for result in of_group]
        by_region = [
            np.mean([result.dice[region.name] for result in of_group]) for region in Region
        ]
        print(
            f"{group:>6}{len(of_group):4}{np.mean(means):8.4f}{np.min(means):8.4f}  "
            + "".join(f"{value:7.3f}" for value in by_region)
        )


def print_disturbances(results: list[Result]) -> None:
    """Print each disturbance's coefficients, and what stands out and is flagged."""
    clean_dice = {
        r.participant: np.mean(list(r.dice.values())) for r in results if r.name == "clean"
    }
    print(
        f"{'':26}{'DSC':>8}{'fall':>8}{'worst':>8}{'wrong side':>12}"
        f"{'dark healthy':>14}{'dark infarcted':>16}  flags"
    )
    for name in dict.fromkeys(result.name for result in results):
        of_name = [result for result in results if result.name == name]
        means = np.array([np.mean(list(result.dice.values())) for result in of_name])
        falls = np.array([clean_dice[result.participant] for result in of_name]) - means
        healthy = sum(2 * len(Region) - result.infarcted for result in of_name)
        flags = Counter(flag for result in of_name for flag in result.flags)
        print(
            f"{name:26}{means.mean():8.4f}{falls.mean():8.4f}{falls.max():8.4f}"
            f"{max(result.wrong_side for result in of_name):12.4f}"
            f"{sum(result.healthy_dark for result in of_name):8}/{healthy:<5}"
            f"{sum(result.dark for result in of_name):9}"
            f"/{sum(result.infarcted for result in of_name):<6}  "
            + ", ".join(f"{code} {count}" for code, count in flags.items())
        )


def print_confidence(results: list[Result]) -> None:
    """Print how confidence and the coefficient of a region go together."""
    pairs = np.array(
        [(r.confidence[region], dice) for r in results for region, dice in r.dice.items()]
    )
    correlation = float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)
    print(f"confidence and DSC of {len(pairs)} regions: Spearman {correlation:.2f}")
    edges = [0, 0.6, 0.7, 0.8, 0.9, 1.0]
    for low, high in itertools.pairwise(edges):
        dice = pairs[(pairs[:, 0] >= low) & (pairs[:, 0] < high), 1]
        if dice.size:
            print(f"  {low:.1f}-{high:.1f}: {dice.size:5} regions, DSC {dice.mean():.3f}")


def main() -> None:
    """Read the arguments, score all participants, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("atlas")
    parser.add_argument("cohorts", type=Path, nargs="+", metavar="COHORT")
    parser.add_argument("--disturbed", action="store_true")
    parser.add_argument("--participants", type=int, help="of each age group")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    names = list(DISTURBANCES) if arguments.disturbed else ["clean"]
    tasks = []
    for cohort in arguments.cohorts:
        for group in AGE_GROUPS:
            try:
                found, _ = read_participants(cohort, group, "validation")
            except InputError:
                continue  # no participant of that age
            for participant in found[: arguments.participants]:
                atlas = load_atlas(arguments.atlas, participant.age)
                tasks += [(participant, name, atlas) for name in names]
    with open_workers(arguments.jobs) as workers:
        results = list(workers.in_order(score, tasks))
    print_groups([result for result in results if result.name == "clean"])
    print_disturbances(results)
    print_confidence(results)


if __name__ == "__main__":
    main()
