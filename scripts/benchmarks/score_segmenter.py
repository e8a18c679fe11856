"""Score the infarct network on simulated DWI with lesion shapes that it was not trained on.

Usage: python scripts/benchmarks/score_segmenter.py LESIONS --out FOLDER [--scans 60]
    [--seed 7000] [--jobs 2]
       [--weights FILE] [--without-adc] [--pictures]

LESIONS holds masks of real infarcts in MNI space; those that `lesion_shapes.part_of` keeps for
testing are used, each once before any comes again. Every one becomes an acute infarct of a new
subject of 20 to 89 years, whose diffusion scan is simulated, segmented and compared with the truth.
FOLDER keeps the scans, so that a second run is quick, and gets ``scans.tsv`` with a row a scan.

Both lesions, the network's and the true one, are scored by the rule of ASPECTS with the regions of
that subject's own anatomy, in that subject's space.
"""

import argparse
import csv
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from aspects_scorer.dwi.involvement import score_regions
from aspects_scorer.dwi.segmentation.brain import extract_brain
from aspects_scorer.dwi.segmentation.inference import segment_infarct
from atlas_builder.catalogue.mni_head import load_head
from atlas_builder.catalogue.mni_regions import MniAspects, lookup_table
from atlas_builder.core.lesion import Lesion
from atlas_builder.metrics.overlap import dice
from atlas_builder.metrics.reliability import icc_agreement
from atlas_builder.networks.registry import INFARCT_SEGMENTER
from atlas_builder.reporting.base.colours import REGION_COLOURS
from atlas_builder.runtime.files import replacing
from atlas_builder.runtime.workers import open_workers
from head_phantom.anatomy import make_anatomy
from head_phantom.infarct.infarct import Infarct
from head_phantom.infarct.lesion_shapes import (
    Part,
    lesion_files,
    participant_of,
    read_shape,
)
from head_phantom.infarct.old_lesions import OldInfarct
from head_phantom.person.person import draw_person
from head_phantom.person.volumes import Anatomy
from head_phantom.scanner.dwi import simulate_dwi

HOURS = (2.0, 48.0)
OLD_INFARCTS = 0.2  # share of the subjects that have one
SIZES_ML = ((0.0, 1.0), (1.0, 5.0), (5.0, 20.0), (20.0, 70.0), (70.0, np.inf))


@dataclass(frozen=True)
class Task:
    """A scan to make and to score."""

    file: Path
    lesion: Path
    old: Path
    seed: tuple[int, ...]
    weights: Path
    with_adc: bool


@dataclass(frozen=True)
class Row:
    """How well a scan was segmented; volumes in mL, times in s."""

    lesion: str
    slice_mm: float
    volume: float
    found: float
    dice: float
    aspects: int
    found_aspects: int
    left: int
    found_left: int
    right: int
    found_right: int
    brain_dice: float
    seconds: float


def main() -> None:
    """Simulate, segment, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesions", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scans", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--weights", type=Path, default=INFARCT_SEGMENTER)
    parser.add_argument("--without-adc", action="store_true")
    parser.add_argument("--pictures", action="store_true", help="draw every scan")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    tasks = make_tasks(arguments)
    with open_workers(arguments.jobs) as workers:
        rows = list(workers.in_order(score, tasks))
    with replacing(arguments.out / "scans.tsv") as partial, partial.open("w") as table:
        writer = csv.DictWriter(table, list(Row.__annotations__), delimiter="\t")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    print_figures(rows)
    if arguments.pictures:
        for task, row in zip(tasks, rows, strict=True):
            draw(task, row)


def make_tasks(arguments: argparse.Namespace) -> list[Task]:
    """Choose lesions and subjects."""
    files = lesion_files(arguments.lesions, Part.TEST)
    order = np.random.default_rng(arguments.seed).permutation(len(files))
    return [
        Task(
            arguments.out / f"seed-{arguments.seed}-scan-{index:03d}.npz",
            files[order[index % len(files)]],
            files[order[(index - 1) % len(files)]],
            (arguments.seed, index),
            arguments.weights,
            not arguments.without_adc,
        )
        for index in range(arguments.scans)
    ]


def score(task: Task) -> Row:
    """Make a scan unless it is there, segment it and compare."""
    if not task.file.exists():
        simulate(task)
    with np.load(task.file, allow_pickle=False) as scan:
        b1000, adc, truth, affine = (scan[k] for k in ("b1000", "adc", "lesion", "affine"))
        regions = MniAspects(
            scan["regions"], scan["place"], lookup_table(scan["regions"], REGION_COLOURS)
        )
        brain = scan["brain"]
    start = time.perf_counter()
    found = segment_infarct(b1000, affine, adc if task.with_adc else None, network=task.weights)
    seconds = time.perf_counter() - start
    voxel_ml = abs(np.linalg.det(affine[:3, :3])) / 1000
    true_score, found_score = (
        score_regions(Lesion(mask, affine), regions) for mask in (truth, found)
    )
    return Row(
        participant_of(task.lesion),
        round(float(np.linalg.norm(affine[:3, 2])), 2),
        round(float(truth.sum() * voxel_ml), 3),
        round(float(found.sum() * voxel_ml), 3),
        # Nothing found where a lesion is too small to mark a voxel is right: 1, not undefined.
        round(dice(truth, found), 4) if truth.any() or found.any() else 1.0,
        true_score.aspects,
        found_score.aspects,
        true_score.left,
        found_score.left,
        true_score.right,
        found_score.right,
        round(dice(brain, extract_brain(b1000, affine)), 4),
        round(seconds, 2),
    )


def anatomy_of(task: Task) -> Anatomy:
    """Return the subject of a scan."""
    return _subject(task)[0]


def simulate(task: Task) -> None:
    """Write the scan of a new subject."""
    anatomy, rng = _subject(task)
    scan = simulate_dwi(anatomy, rng)
    inside = anatomy.grey.astype(np.uint16) + anatomy.white + anatomy.csf > 127
    with replacing(task.file) as partial:
        np.savez_compressed(
            partial,
            b1000=scan.b1000,
            adc=scan.adc,
            lesion=scan.lesion,
            affine=scan.affine,
            regions=anatomy.regions,
            place=anatomy.affine,
            brain=resampled(inside, anatomy.affine, scan.b1000.shape, scan.affine),
        )


def _subject(task: Task) -> tuple[Anatomy, np.random.Generator]:
    """Return a new subject, and the generator that goes on to draw the scan."""
    rng = np.random.default_rng(task.seed)
    person = draw_person(rng.uniform(20, 90), "F" if rng.random() < 0.5 else "M", rng)
    old = [OldInfarct(read_shape(task.old))] if rng.random() < OLD_INFARCTS else []
    infarct = Infarct(read_shape(task.lesion), rng.uniform(*HOURS), int(rng.integers(2**31)))
    return make_anatomy(load_head(), person, infarct, old), rng


def resampled(
    mask: NDArray[np.bool_],
    affine: NDArray[np.float64],
    shape: tuple[int, ...],
    to: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return a mask at the voxels of another grid."""
    matrix = np.linalg.inv(affine) @ to
    places = np.tensordot(matrix[:3, :3], np.indices(shape), 1) + matrix[:3, 3].reshape(3, 1, 1, 1)
    nearest = np.rint(places).astype(int)
    last = np.array(mask.shape).reshape(3, 1, 1, 1) - 1
    inside = ((nearest >= 0) & (nearest <= last)).all(axis=0)
    return mask[tuple(np.clip(nearest, 0, last))] & inside


def print_figures(rows: list[Row]) -> None:
    """Print what was found, in all and by the lesions' sizes."""
    values = {name: np.array([getattr(row, name) for row in rows]) for name in Row.__annotations__}
    print_row("all", values, np.ones(len(rows), bool))
    for least, most in SIZES_ML:
        part = (values["volume"] >= least) & (values["volume"] < most)
        print_row(f"{least:g}-{most:g} mL", values, part)
    scores = np.stack([values["aspects"], values["found_aspects"]], axis=1).astype(float)
    sides = np.stack(
        [
            np.r_[values["left"], values["right"]],
            np.r_[values["found_left"], values["found_right"]],
        ],
        axis=1,
    ).astype(float)
    print(f"volume Spearman {stats.spearmanr(values['volume'], values['found']).statistic:.4f}")
    for name, table in (("ASPECTS", scores), ("ASPECTS of a side", sides)):
        icc = icc_agreement(table)
        same = float(np.mean(table[:, 0] == table[:, 1]))
        print(f"{name} ICC {icc.value:.4f} ({icc.low:.4f} to {icc.high:.4f}), equal in {same:.0%}")
    print(f"brain Dice mean {values['brain_dice'].mean():.4f}, least {values['brain_dice'].min()}")
    print(f"seconds a scan: median {np.median(values['seconds'])}, most {values['seconds'].max()}")


def print_row(name: str, values: dict[str, NDArray], part: NDArray[np.bool_]) -> None:
    """Print Dice and the volumes' bias of some scans."""
    if not part.any():
        return
    scores = values["dice"][part]
    bias = values["found"][part] - values["volume"][part]
    limits = 1.96 * bias.std(ddof=1) if part.sum() > 1 else np.nan
    print(
        f"{name}: n {part.sum()}, Dice mean {scores.mean():.4f}, SD {scores.std(ddof=0):.4f}, "
        f"median {np.median(scores):.4f}, least {scores.min():.4f}; "
        f"volume bias {bias.mean():+.3f} mL, 95% of differences within "
        f"{bias.mean() - limits:.2f} and {bias.mean() + limits:.2f} mL"
    )


def draw(task: Task, row: Row) -> None:
    """Draw the slices of a scan that hold most of the true and of the found lesion."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only where asked for

    with np.load(task.file, allow_pickle=False) as scan:
        b1000, adc, truth, affine = (scan[k] for k in ("b1000", "adc", "lesion", "affine"))
    found = segment_infarct(b1000, affine, adc if task.with_adc else None, network=task.weights)
    slices = np.argsort((truth ^ found).sum(axis=(0, 1)) + 0.01 * truth.sum(axis=(0, 1)))[-4:]
    figure, places = plt.subplots(1, 4, figsize=(16, 5), layout="constrained")
    for axes, index in zip(places, sorted(slices), strict=True):
        axes.imshow(
            b1000[:, :, index].T, cmap="gray", origin="lower", vmax=np.percentile(b1000, 99.7)
        )
        for mask, colour in ((truth, "lime"), (found, "red")):
            if mask[:, :, index].any():
                axes.contour(mask[:, :, index].T, [0.5], colors=colour, linewidths=0.8)
        axes.set_title(f"slice {index}", fontsize=9)
        axes.axis("off")
    figure.suptitle(f"{task.file.stem}: Dice {row.dice}, {row.volume} and {row.found} mL")
    figure.savefig(task.file.with_suffix(".png"), dpi=60)
    plt.close(figure)


if __name__ == "__main__":
    main()
