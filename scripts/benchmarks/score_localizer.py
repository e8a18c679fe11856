"""Score how well key slices are found, and print every figure of it.

Usage:
  python scripts/benchmarks/score_localizer.py scans COHORT [--jobs N] [--weights FILE] [--seed 1]
  python scripts/benchmarks/score_localizer.py folds COHORT --out DIR [--per-group 25] [--folds 5]
      [--backbone resnet18] [--stages 112x60] [--batch 3] [--jobs N] [--seed 1]

``scans`` reads every scan of a cohort once, such as one that `simulate-cohort` wrote with a seed
that was not trained on, finds the key slices of it as it is and disturbed in one of ten ways (the
next scan in the next way), and prints accuracy and distance error by age group and by disturbance:
of the network by its highest score, as published, and by the heights it gives; of the alignment
that needs no network; and of `locate-slices`, which uses both. The network is the one
that ships, or that of --weights.

``folds`` is the cross-validation of the paper on the first scans of each age group. Its networks
start at random; --backbone, --stages and --batch set how small they are and how short they learn.
"""

import argparse
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scan_disturbances import DISTURBANCES, Case

from atlas_builder.cohorts.conditions import read_splits
from atlas_builder.cohorts.labelled_scans import Participant, read_labelled_scan, read_participants
from atlas_builder.commands.options import available_cores
from atlas_builder.commands.training.localizer import StagesType
from atlas_builder.core.anatomy import AGE_GROUPS
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.metrics.table_files import to_markdown
from atlas_builder.networks.registry import LOCALIZER
from atlas_builder.networks.training.device import Machine
from atlas_builder.runtime.progress import console_progress
from atlas_builder.runtime.workers import open_workers
from atlas_builder.validation.localisation import LocatedSlice, localisation_table, located
from slice_localizer.alignment.level import LevelAlignment
from slice_localizer.locating import locate_slices
from slice_localizer.network.level import level_from_heights
from slice_localizer.network.model import Localizer, read_localizer
from slice_localizer.network.views import view_scan
from slice_localizer.positions import heights_of, nearest, sgl_of
from slice_localizer.training.cohort_samples import EVERY_AGE, KeptScan, keep_scans
from slice_localizer.training.cross_validation import cross_validate, fold_tables, located_levels
from slice_localizer.training.plan import Plan, Stage

AS_IT_IS = "as it is"
BY_SCORE, BY_HEIGHT = "network, highest score", "network, heights"
ALIGNMENT, BOTH = "alignment alone", "locate-slices"
METHODS = (BY_SCORE, BY_HEIGHT, ALIGNMENT, BOTH)

Found = dict[str, tuple[LocatedSlice, ...] | str]
"""What each method found; text where it refused the scan."""

_networks: dict[Path, Localizer] = {}


def find(name: str, case: Case, weights: Path) -> Found:
    """Find the key slices of a scan by every method."""
    affines, true = case.scan.affines, (case.bgl, case.sgl)
    heights = heights_of(affines)
    best, level = predict_level(case.scan, _networks[weights])
    found: Found = {
        BY_SCORE: located_levels(name, affines, true, best),
        BY_HEIGHT: located_levels(name, affines, true, nearest(heights, level), level),
    }
    try:
        chosen = locate_slices(case.scan, weights)
    except InputError as error:
        return {**found, ALIGNMENT: str(error), BOTH: str(error)}
    found[ALIGNMENT] = by_alignment(name, case, chosen.alignment)
    found[BOTH] = (
        located(name, "BGL", affines, case.bgl, chosen.bgl_slice),
        located(name, "SGL", affines, case.sgl, chosen.sgl_slice),
    )
    return found


def by_alignment(name: str, case: Case, alignment: LevelAlignment) -> tuple[LocatedSlice, ...]:
    """Return the slices that the alignment alone would choose."""
    affines = case.scan.affines
    heights, level = heights_of(affines), alignment.height_mm
    if alignment.upside_down:  # upwards in the picture is downwards in the file
        heights, level = -heights, -level
    bgl = nearest(heights, level)
    try:
        sgl = sgl_of(heights, bgl, level)
    except InputError:
        sgl = int(heights.argmax())
    return (
        located(name, "BGL", affines, case.bgl, bgl),
        located(name, "SGL", affines, case.sgl, sgl),
    )


def predict_level(scan: Scan, localizer: Localizer) -> tuple[int, float]:
    """Return the slice of the highest score, and the level that follows from the heights, in mm."""
    view = view_scan(scan, localizer.size)
    logits, predicted = localizer.predict(view.hu)
    level = level_from_heights(view.heights_mm, predicted)
    at = np.interp(heights_of(scan.affines), view.heights_mm, logits)
    return int(at.argmax()), level.position_mm


def find_all(task: tuple[int, Participant, Path, int]) -> tuple[str, str, dict[str, Found]]:
    """Read a scan and find its key slices, as it is and disturbed; in a worker."""
    number, participant, weights, seed = task
    torch.set_num_threads(1)
    if weights not in _networks:
        _networks[weights] = read_localizer(weights)
    name = participant.participant_id
    labelled = read_labelled_scan(participant, "expert")
    case = Case(labelled.scan, labelled.key_slices["BGL"], labelled.key_slices["SGL"])
    found = {AS_IT_IS: find(name, case, weights)}
    for kind, disturb in DISTURBANCES[number % len(DISTURBANCES)].items():
        disturbed = disturb(case, np.random.default_rng([seed, number]))
        found[kind] = find(name, disturbed, weights)
    group = next((str(g) for g in AGE_GROUPS if participant.age in g), "other ages")
    return group, name, found


def score_scans(arguments: argparse.Namespace) -> None:
    """Find the key slices of every scan and print the tables."""
    participants = everyone(arguments.cohort)
    tasks = [(n, one, arguments.weights, arguments.seed) for n, one in enumerate(participants)]
    by_age: dict[str, dict[str, list]] = {m: defaultdict(list) for m in METHODS}
    by_kind: dict[str, dict[str, list]] = {m: defaultdict(list) for m in METHODS}
    refused: list[str] = []
    began = time.monotonic()
    with console_progress() as progress, open_workers(arguments.jobs) as workers:
        for number, (group, name, kinds) in enumerate(workers.in_order(find_all, tasks), start=1):
            for kind, found in kinds.items():
                for method, slices in found.items():
                    if isinstance(slices, str):
                        refused.append(f"{name}, {kind}, {method}: {slices}")
                        continue
                    by_kind[method][kind] += slices
                    if kind == AS_IT_IS:
                        by_age[method][group] += slices
                        by_age[method]["all ages"] += slices
            progress("Finding key slices", number, len(tasks))
    order = [AS_IT_IS, *(kind for kinds in DISTURBANCES for kind in kinds)]
    for method in METHODS:
        ages = {g: by_age[method][g] for g in sorted(by_age[method], key=lambda g: (g > "9", g))}
        kinds = {kind: by_kind[method][kind] for kind in order if by_kind[method][kind]}
        for title, groups in ((f"{method}, by age", ages), (f"{method}, by disturbance", kinds)):
            print(to_markdown(replace(localisation_table(groups), title=title)))
    for line in refused:
        print(f"Refused: {line}")
    runs = sum(len(DISTURBANCES[n % len(DISTURBANCES)]) + 1 for n in range(len(tasks)))
    seconds = time.monotonic() - began
    print(
        f"{len(tasks)} scans, {runs} times all methods, {seconds:.0f} s, {arguments.jobs} processes"
    )


def everyone(cohort: Path) -> list[Participant]:
    """Return all participants of a cohort, whatever their split."""
    read_participants(cohort, EVERY_AGE, "build")  # refuses a table that cannot be read
    found = [read_participants(cohort, EVERY_AGE, s)[0] for s in read_splits(cohort) or ("build",)]
    return [one for participants in found for one in participants]


def score_folds(arguments: argparse.Namespace) -> None:
    """Cross-validate and print the tables."""
    torch.set_num_threads(arguments.jobs)
    began, used = time.monotonic(), time.process_time()
    with console_progress() as progress:
        scans, refusals = keep_scans(
            arguments.cohort,
            arguments.out / "scans",
            "expert",
            read_splits(arguments.cohort) or ("build",),
            jobs=arguments.jobs,
            progress=progress,
        )
        scans = first_of_each_group(scans, arguments.per_group)
        plan = Plan(
            stages=tuple(Stage(size, steps) for size, steps in arguments.stages),
            batch=arguments.batch,
            backbone=arguments.backbone,
            seed=arguments.seed,
            check_every=sum(steps for _, steps in arguments.stages),
        )
        folds = cross_validate(
            scans,
            arguments.folds,
            plan,
            arguments.out,
            machine=Machine(torch.device("cpu"), loaders=0),
            progress=progress,
        )
    for table in fold_tables(folds):
        print(to_markdown(table))
    for refusal in refusals:
        print(f"Left out {refusal.participant_id}: {refusal.reason}")
    print(
        f"{len(scans)} scans, {arguments.folds} folds, {plan.backbone}, stages "
        f"{', '.join(f'{s.size}x{s.steps}' for s in plan.stages)}, {plan.batch} scans a step: "
        f"{(time.process_time() - used) / 60:.1f} core-minutes in this process, "
        f"{(time.monotonic() - began) / 60:.1f} minutes"
    )


def first_of_each_group(scans: list[KeptScan], count: int) -> list[KeptScan]:
    """Return the first scans of each age group."""
    chosen = []
    for group in AGE_GROUPS:
        chosen += [scan for scan in scans if scan.age in group][:count]
    return chosen


def main() -> None:
    """Read the arguments; score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("scans", "folds"):
        command = commands.add_parser(name)
        command.add_argument("cohort", type=Path)
        command.add_argument("--jobs", type=int, default=available_cores())
        command.add_argument("--seed", type=int, default=1)
    commands.choices["scans"].add_argument("--weights", type=Path, default=LOCALIZER)
    folds = commands.choices["folds"]
    folds.add_argument("--out", type=Path, required=True)
    folds.add_argument("--per-group", type=int, default=25)
    folds.add_argument("--folds", type=int, default=5)
    folds.add_argument("--backbone", default="resnet18")
    folds.add_argument(
        "--stages", type=lambda text: StagesType().convert(text, None, None), default="112x60"
    )
    folds.add_argument("--batch", type=int, default=3)
    arguments = parser.parse_args()
    score_scans(arguments) if arguments.command == "scans" else score_folds(arguments)


if __name__ == "__main__":
    main()
