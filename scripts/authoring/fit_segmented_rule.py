"""Find from which extent on segmented and registered lesions should take a deep region's point.

Usage: python scripts/authoring/fit_segmented_rule.py LESIONS --out FOLDER [--scans 100]
    [--seed 7000] [--jobs 2] [--weights FILE]

Scans are those of ``scripts/benchmarks/score_segmenter.py`` with the same FOLDER and seed. The true
lesion of each, drawn on the diffusion image, and the one that the network finds are brought to MNI
space and laid over the regions there, as ``score-aspects --dwi`` does. The truth is the involvement
of the subject's own anatomy, where nothing was segmented or registered. FOLDER gets
``involvement.tsv``, from which the tables printed here follow.
"""

import argparse
import csv
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from score_segmenter import Task, anatomy_of, make_tasks, simulate

from aspects_scorer.dwi.involvement import score_regions
from aspects_scorer.dwi.scored_lesion import standard_atlas
from aspects_scorer.dwi.segmentation.brain import extract_brain
from aspects_scorer.dwi.segmentation.inference import segment_infarct
from aspects_scorer.dwi.template_space import register_to_template, to_template
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.aspects import ANATOMICAL, DEEP_REGIONS, AspectsRule
from atlas_builder.core.lesion import Lesion
from atlas_builder.core.volume import Volume
from atlas_builder.metrics.reliability import icc_agreement
from atlas_builder.networks.registry import INFARCT_SEGMENTER
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.workers import open_workers
from head_phantom.infarct.truth import infarct_truth

COLUMNS = ("scan", "side", "region", "share", "drawn_share", "drawn_ml", "found_share", "found_ml")
SHARES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2)
VOLUMES_ML = (0.0, 0.1, 0.2, 0.3, 0.5)
LESIONS = ("drawn", "found")


@dataclass(frozen=True)
class Involved:
    """What is true of the twenty regions of a scan, and what is measured in MNI space."""

    scan: str
    true: dict[tuple[str, Region], float]
    measured: dict[str, dict[tuple[str, Region], tuple[float, float]]]


def main() -> None:
    """Measure what is not measured yet, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesions", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scans", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--weights", type=Path, default=INFARCT_SEGMENTER)
    parser.set_defaults(without_adc=False)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with open_workers(arguments.jobs) as workers:
        rows = list(workers.in_order(measure, make_tasks(arguments)))
    write_table(arguments.out / "involvement.tsv", rows)
    for which in LESIONS:
        print_rules(rows, which)


def measure(task: Task) -> Involved:
    """Lay the true and the found lesion over the regions in MNI space."""
    if not task.file.exists():
        simulate(task)
    with np.load(task.file, allow_pickle=False) as scan:
        b1000, adc, truth, affine = (scan[k] for k in ("b1000", "adc", "lesion", "affine"))
    brain = extract_brain(b1000, affine)
    found = segment_infarct(b1000, affine, adc, brain=brain, network=task.weights)
    measured = {}
    for which, mask in zip(LESIONS, (truth, found), strict=True):
        transform = register_to_template(Volume(b1000, affine), brain, mask)
        lesion = to_template(Lesion(mask, affine), transform)
        regions = score_regions(lesion, standard_atlas()).regions
        measured[which] = {(r.side, r.region): (r.fraction, r.lesion_ml) for r in regions}
    return Involved(task.file.stem, dict(infarct_truth(anatomy_of(task)).involvement), measured)


def write_table(path: Path, rows: list[Involved]) -> None:
    """Write a row a scan, side and region."""
    with replacing(path) as partial, partial.open("w", newline="") as table:
        writer = csv.writer(table, delimiter="\t")
        writer.writerow(COLUMNS)
        for row in rows:
            for key in product(SIDES, Region):
                values = [row.true[key], *(v for w in LESIONS for v in row.measured[w][key])]
                writer.writerow([row.scan, key[0], key[1].name, *(f"{v:.5f}" for v in values)])


def print_rules(rows: list[Involved], which: str) -> None:
    """Print how well each rule's score agrees with the anatomical truth."""
    truth = scores(ANATOMICAL, [row.true for row in rows])
    affected = truth < 10
    print(f"{which} lesions, {len(rows)} scans, {affected.any(axis=1).sum()} with a point lost")
    print("share\tml\tICC\t95%\tequal\tbias\tdeep sensitivity\tdeep specificity\tbalanced")
    for share, least_ml in product(SHARES, VOLUMES_ML):
        if share and least_ml:
            continue
        rule = AspectsRule(deep_from_share=share, deep_from_ml=least_ml)
        found = scores(rule, [row.measured[which] for row in rows])
        pairs = np.stack([truth.min(axis=1), found.min(axis=1)], axis=1).astype(float)
        icc = icc_agreement(pairs)
        sensitivity, specificity = deep_agreement(rule, rows, which)
        print(
            f"{share:g}\t{least_ml:g}\t{icc.value:.4f}\t{icc.low:.3f}-{icc.high:.3f}\t"
            f"{np.mean(pairs[:, 0] == pairs[:, 1]):.3f}\t"
            f"{np.mean(pairs[:, 1] - pairs[:, 0]):+.3f}\t"
            f"{sensitivity:.3f}\t{specificity:.3f}\t{(sensitivity + specificity) / 2:.3f}"
        )


def scores(rule: AspectsRule, involved: list[dict]) -> NDArray[np.int64]:
    """Return ASPECTS of both sides, shape (scans, 2)."""

    def score(one: dict, side: str) -> int:
        return 10 - sum(loses(rule, one[side, region], region) for region in Region)

    return np.array([[score(one, side) for side in SIDES] for one in involved])


def loses(rule: AspectsRule, value: float | tuple[float, float], region: Region) -> bool:
    """Tell whether a region loses its point for a share, or for a share and a volume."""
    share, ml = value if isinstance(value, tuple) else (value, np.inf)
    return rule.loses_point(region, share, ml)


def deep_agreement(rule: AspectsRule, rows: list[Involved], which: str) -> tuple[float, float]:
    """Return sensitivity and specificity for deep regions."""
    keys = [(side, region) for side in SIDES for region in DEEP_REGIONS]
    true = np.array([[loses(ANATOMICAL, row.true[k], k[1]) for k in keys] for row in rows])
    found = np.array([[loses(rule, row.measured[which][k], k[1]) for k in keys] for row in rows])
    return float(found[true].mean()), float((~found[~true]).mean())


if __name__ == "__main__":
    main()
