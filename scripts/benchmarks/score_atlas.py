"""Print how well an atlas, mapped onto a cohort's validation participants, agrees with a rater.

Usage: python scripts/benchmarks/score_atlas.py ATLAS COHORT [--rater expert] [--metric mi]
    [--jobs 2]

Each participant's key slices are preprocessed as for building, the atlas is registered to them and
its regions are carried to the scan's own pixels, where the rater drew. Printed is the mean Dice
similarity coefficient of each region, both sides together, over participants.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np

from atlas_builder.catalogue.atlas import Atlas, read_atlas
from atlas_builder.cohorts.labelled_scans import (
    Participant,
    read_labelled_slices,
    read_participants,
)
from atlas_builder.core.anatomy import Region
from atlas_builder.mapping.agreement import score_level
from atlas_builder.registration.slices import Metric
from atlas_builder.runtime.workers import open_workers


def score(
    participant: Participant, atlas: Atlas, rater: str, metric: Metric
) -> dict[Region, float]:
    """Return the Dice coefficient of each region of one participant."""
    scores: dict[Region, float] = {}
    for level, drawn in read_labelled_slices(participant, rater).items():
        scores |= score_level(atlas.levels[level], level, drawn, metric).dice
    return scores


def main() -> None:
    """Read the arguments, score all participants, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("atlas", type=Path)
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--rater", default="expert")
    parser.add_argument("--metric", choices=[metric.value for metric in Metric], default="mi")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    atlas = read_atlas(arguments.atlas)
    participants, _ = read_participants(arguments.cohort, atlas.age_group, "validation")
    with open_workers(arguments.jobs) as workers:
        task = partial(score, atlas=atlas, rater=arguments.rater, metric=Metric(arguments.metric))
        scores = list(workers.in_order(task, participants))
    for region in Region:
        values = [of_participant[region] for of_participant in scores]
        print(f"{region.name:>4}  {np.mean(values):.4f}  lowest {np.min(values):.4f}")
    everything = [[of_one[region] for region in Region] for of_one in scores]
    print(f"mean  {np.mean(everything):.4f}  over {len(scores)} participants, ten regions")


if __name__ == "__main__":
    main()
