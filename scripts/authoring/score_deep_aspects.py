"""Measure what the networks of Deep-ASPECTS draw on the heads of a stroke cohort.

Usage: python scripts/authoring/score_deep_aspects.py COHORT --out DIR [--rule barber] [--every 1]

DIR gets ``heads.tsv`` with the Dice overlap, sensitivity and specificity of the infarct on each
scan's own voxels, its volume, the hours since onset, the Dice overlap of each region on all slices
and the seconds; ``summary.json``, the tables of the paper; and ``deep-aspects`` with ``scores.tsv``
and ``regions.tsv`` for ``validate-scores``. The place of the standard brain in each head is kept in
DIR/places: other weights are measured faster.
"""

import argparse
import json
import time
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.deep_aspects.scoring import involvement_of, region_probabilities
from aspects_scorer.ncct.deep_aspects.segmentation import draw_both, infarct_on, regions_on
from aspects_scorer.ncct.infarct import Infarct
from atlas_builder.cohorts.participants import Participant
from atlas_builder.cohorts.stroke_subjects import (
    StrokeSubject,
    read_stroke_cohort,
    read_stroke_subject,
)
from atlas_builder.cohorts.stroke_truth import StrokeTruth
from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.tsv import write_tsv, yes_or_no
from slice_localizer.alignment.deformation import BrainPlace
from slice_localizer.alignment.level import align_level
from slice_localizer.whole_head.brain_place import place_brain

VOLUMES_ML = {"< 3": (0, 3), "3-16": (3, 16), "16-66": (16, 66), "> 66": (66, np.inf)}
HOURS = {"< 2": (0, 2), "2-6": (2, 6), "6-24": (6, np.inf)}
GROUPS = {
    "C": (Region.C,),
    "L": (Region.L,),
    "IC": (Region.IC,),
    "I": (Region.I,),
    "M1, M4": (Region.M1, Region.M4),
    "M2, M5": (Region.M2, Region.M5),
    "M3, M6": (Region.M3, Region.M6),
}
MOST_IN_HEALTHY_ML = 1.0
MEASURES = ("volume_ml", "true_ml", "hours", "dice", "sensitivity", "specificity", "seconds")
SCORES = ["participant_id", "aspects_left", "aspects_right", "aspects", "method", "rule", "status"]
REGIONS = ["participant_id", "side", "region", "affected", "probability", "fraction"]

Row = dict[str, float]


def main() -> None:
    """Draw on every head, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rule", default="barber")
    parser.add_argument("--every", type=int, default=1, help="take every so manyth head only")
    arguments = parser.parse_args()
    (arguments.out / "places").mkdir(parents=True, exist_ok=True)
    rows: dict[str, Row] = {}
    scores, regions = [], []
    for participant, truth in read_stroke_cohort(arguments.cohort)[0][:: arguments.every]:
        name = participant.participant_id
        try:
            row, score, probability = measure(participant, truth, arguments.out, arguments.rule)
        except InputError as error:
            print(f"{name}: {error}")
            continue
        rows[name] = row
        print(name, *(f"{key} {value:.3g}" for key, value in row.items()), flush=True)
        points = [str(n) for n in (score.left, score.right, score.aspects)]
        scores.append([name, *points, "deep-aspects", arguments.rule, "scored"])
        regions += [
            [
                *(name, one.side, one.region.name, yes_or_no(one.loses_point)),
                f"{probability[SIDES.index(one.side), one.region.value - 1]:.4f}",
                f"{one.fraction:.4f}",
            ]
            for one in score.regions
        ]
    folder = arguments.out / "deep-aspects"
    folder.mkdir(exist_ok=True)
    write_tsv(folder / "scores.tsv", SCORES, scores)
    write_tsv(folder / "regions.tsv", REGIONS, regions)
    columns = [*MEASURES, *GROUPS]
    table = [[name, *(f"{row[column]:.4g}" for column in columns)] for name, row in rows.items()]
    write_tsv(arguments.out / "heads.tsv", ["participant_id", *columns], table)
    summary = summarise(list(rows.values()))
    with replacing(arguments.out / "summary.json") as partial:
        partial.write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
    print(json.dumps(summary, indent=2))


def measure(participant: Participant, truth: StrokeTruth, out: Path, rule: str):
    """Return what was measured of a head, its score and the probabilities of its regions."""
    subject = read_stroke_subject(participant, truth)
    scan = subject.scan
    place = kept_place(out / "places" / f"{participant.participant_id}.npz", scan)
    started = time.process_time()
    drawn = draw_both(scan, place)
    infarct, labels = infarct_on(scan, drawn), regions_on(scan, drawn)
    seconds = time.process_time() - started
    row = compare(subject, infarct, labels) | {
        "hours": np.nan if truth.hours is None else float(truth.hours),
        "seconds": seconds,
    }
    return row, involvement_of(infarct, labels, rule), region_probabilities(drawn)


def compare(subject: StrokeSubject, infarct: Infarct, labels: NDArray[np.uint8]) -> Row:
    """Return how what was drawn agrees with the truth, on the scan's voxels."""
    true, found = subject.lesion, infarct.mask
    both, wrong = float((true & found).sum()), float((found & ~true).sum())
    size = float(true.sum())
    row = {
        "volume_ml": infarct.volume_ml,
        "true_ml": Infarct(true, subject.scan.affines).volume_ml,
        "dice": 2 * both / (size + float(found.sum())) if size else np.nan,
        "sensitivity": both / size if size else np.nan,
        "specificity": 1 - wrong / float((~true).sum()),
    }
    for name, group in GROUPS.items():
        values = [map_value(region, side) for region, side in product(group, SIDES)]
        ours = sum(float(((labels == v) & (subject.regions == v)).sum()) for v in values)
        total = float(np.isin(labels, values).sum() + np.isin(subject.regions, values).sum())
        row[name] = 2 * ours / total if total else np.nan
    return row


def kept_place(path: Path, scan: Scan) -> BrainPlace:
    """Return the place of the standard brain in a scan, found once."""
    if not path.exists():
        place = place_brain(scan, align_level(scan))
        with replacing(path) as partial, partial.open("wb") as opened:
            np.savez_compressed(opened, **vars(place))
    with np.load(path, allow_pickle=False) as stored:
        return BrainPlace(**{**stored, "spacing": float(stored["spacing"])})


def summarise(rows: list[Row]) -> dict[str, object]:
    """Return the tables of the paper."""
    ill = [row for row in rows if row["true_ml"] > 0]
    healthy = [row for row in rows if row["true_ml"] == 0]
    pooled = {name: mean(rows, name) for name in GROUPS}
    return {
        "heads": len(rows),
        "infarcts": len(ill),
        "dice": mean(ill, "dice"),
        "sensitivity": mean(ill, "sensitivity"),
        "specificity": mean(ill, "specificity"),
        "dice_by_ml": binned(ill, "true_ml", VOLUMES_ML),
        "dice_by_hours": binned(ill, "hours", HOURS),
        "healthy": len(healthy),
        "healthy_below_1_ml": sum(row["volume_ml"] <= MOST_IN_HEALTHY_ML for row in healthy),
        "regions": round(float(np.mean([mean(rows, name) for name in GROUPS])), 4),
        "regions_by_group": pooled,
        "seconds": mean(rows, "seconds"),
    }


def mean(rows: list[Row], name: str) -> float:
    """Return the mean of a measure."""
    return round(float(np.nanmean([row[name] for row in rows])), 4) if rows else float("nan")


def binned(rows: list[Row], name: str, bins: dict[str, tuple[float, float]]) -> dict[str, object]:
    """Return the mean Dice overlap and the number of heads of each bin."""
    return {
        label: {
            "heads": len(chosen),
            "dice": mean(chosen, "dice"),
        }
        for label, (low, high) in bins.items()
        for chosen in [[row for row in rows if low < row[name] <= high]]
    }


if __name__ == "__main__":
    main()
