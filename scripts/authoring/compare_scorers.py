"""Map every head of a stroke cohort once, draw its regions twice and score it by every method.

Usage: python scripts/authoring/compare_scorers.py COHORT --out DIR [--jobs 2] [--rule barber]

DIR gets a folder a method with ``scores.tsv`` and ``regions.tsv``, for ``validate-scores --scores
asymmetry=DIR/asymmetry --scores da-net=DIR/da-net ... --truth COHORT/truth.tsv``, and
``region_dice.tsv``: how well the atlas's map and the VB-Net's regions overlap the true ones, and
the seconds that each took. A head that was done is not done again.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

import numpy as np

from aspects_scorer.ncct.measures import measure_densities
from aspects_scorer.ncct.methods import METHODS
from aspects_scorer.ncct.vb_net.segmentation import segment_regions
from atlas_builder.cohorts.participants import Participant
from atlas_builder.cohorts.stroke_subjects import read_stroke_cohort, read_stroke_subject
from atlas_builder.cohorts.stroke_truth import StrokeTruth
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.errors import InputError
from atlas_builder.metrics.overlap import dice_by_label
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.tsv import write_tsv
from atlas_builder.runtime.workers import open_workers
from atlas_builder.workflows.ncct.score import map_scan_for_scoring

ROUTES = ("atlas", "vb-net")
LABELS = range(1, 1 + len(SIDES) * len(Region))
SCORES = ["participant_id", "aspects_left", "aspects_right", "aspects", "method", "rule", "status"]
REGIONS = ["participant_id", "side", "region", "affected", "probability"]


def main() -> None:
    """Map, draw, score, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rule", default="barber")
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    work = arguments.out / "heads"
    work.mkdir(parents=True, exist_ok=True)
    subjects, _ = read_stroke_cohort(arguments.cohort)
    task = partial(compare, work, tuple(arguments.methods), arguments.rule)
    with open_workers(arguments.jobs) as workers:
        found = [one for one in workers.in_order(task, subjects) if one is not None]
    for method in arguments.methods:
        write_scores(arguments.out / method, method, arguments.rule, found)
    write_dice(arguments.out / "region_dice.tsv", found)


def compare(
    work: Path, methods: tuple[str, ...], rule: str, subject: tuple[Participant, StrokeTruth]
) -> dict[str, object] | None:
    """Return what all methods and both routes say of a head; None where it cannot be mapped."""
    participant, truth = subject
    file = work / f"{participant.participant_id}.json"
    if file.exists():
        return json.loads(file.read_text("utf-8"))
    case = read_stroke_subject(participant, truth)
    started = time.perf_counter()
    try:
        mapped = map_scan_for_scoring(case.scan, participant.age)
    except InputError as error:
        print(f"left out {participant.participant_id}: {error}")
        return None
    seconds = {"atlas": time.perf_counter() - started}
    started = time.perf_counter()
    drawn = segment_regions(case.scan)
    seconds["vb-net"] = time.perf_counter() - started
    densities = measure_densities(mapped)
    scores = {}
    for method in methods:
        scored = METHODS[method](mapped, densities, rule)
        scores[method] = {
            "left": scored.left,
            "right": scored.right,
            "regions": [
                [f.side, f.region.name, "yes" if f.affected else "no", f.probability]
                for f in scored.findings
            ],
        }
    found = {
        "participant_id": participant.participant_id,
        "dice": {
            route: list(dice_by_label(labels, case.regions, LABELS).values())
            for route, labels in zip(ROUTES, (mapped.labels, drawn), strict=True)
        },
        "seconds": seconds,
        "scores": scores,
    }
    with replacing(file) as partial_file:
        partial_file.write_text(json.dumps(found), "utf-8")
    return found


def write_scores(folder: Path, method: str, rule: str, found: list[dict]) -> None:
    """Write a method's tables as ``validate-scores`` reads them."""
    folder.mkdir(exist_ok=True)
    scores, regions = [], []
    for head in found:
        name, scored = head["participant_id"], head["scores"][method]
        both = scored["left"], scored["right"]
        scores.append([name, *both, min(both), method, rule, "scored"])
        for side, region, affected, probability in scored["regions"]:
            shown = "n/a" if np.isnan(probability) else f"{probability:.6f}"
            regions.append([name, side, region, affected, shown])
    write_tsv(folder / "scores.tsv", SCORES, scores)
    write_tsv(folder / "regions.tsv", REGIONS, regions)


def write_dice(path: Path, found: list[dict]) -> None:
    """Write the mean Dice of each region, both sides together, and the seconds; and print them."""
    rows = []
    for route in ROUTES:
        dice = np.array([head["dice"][route] for head in found]).reshape(-1, len(SIDES), 10)
        by_region = np.nanmean(dice, axis=(0, 1))
        seconds = np.median([head["seconds"][route] for head in found])
        rows.append(
            [route, *(f"{d:.3f}" for d in by_region), f"{np.nanmean(dice):.3f}", f"{seconds:.1f}"]
        )
        print(*rows[-1])
    write_tsv(path, ["route", *(r.name for r in Region), "all", "seconds"], rows)


if __name__ == "__main__":
    main()
