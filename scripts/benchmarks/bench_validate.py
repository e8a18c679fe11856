"""Time the validation of many participants once they are mapped, against SimpleITK's measures.

Usage: python scripts/benchmarks/bench_validate.py [--participants 91] [--raters 3] [--jobs 2]
    [--peer 3]

Participants are simulated: ten regions a side on two slices of 512 x 512 pixels, as an atlas and
each rater draw them. Timed is all that follows mapping: every measure of every region, side and
pair, the statistics, tables, figures and the report. The peer, SimpleITK's LabelOverlapMeasures
and HausdorffDistance image filters cropped to each region, measures the first few participants in
one process; printed is its time for a participant over this project's, which is taken in one
process as well.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.anatomy import LEVELS, Level, Region, regions_of
from atlas_builder.reporting.base.sections import write_validation_report
from atlas_builder.reporting.validation.atlas import atlas_sections, atlas_summary
from atlas_builder.runtime.progress import no_progress
from atlas_builder.runtime.versions import COHORT_PACKAGES, software_versions
from atlas_builder.runtime.workers import open_workers
from atlas_builder.validation.agreement import Pair
from atlas_builder.validation.agreement_tables import Sources
from atlas_builder.validation.mapped import (
    MappedLevel,
    MappedParticipant,
    load_mapped,
    save_mapped,
)
from atlas_builder.validation.measuring import measure_everyone, measure_participant
from atlas_builder.workflows.validation_files import write_agreement

PIXELS = 512
SPACING = (0.45, 0.45)
MIDDLES = {  # mm to the left and to the back, and the radius
    Region.C: (11, -22, 6),
    Region.L: (22, -6, 9),
    Region.IC: (14, -2, 5),
    Region.I: (35, -5, 6),
    Region.M1: (35, -40, 13),
    Region.M2: (52, -2, 12),
    Region.M3: (38, 38, 14),
    Region.M4: (30, -38, 15),
    Region.M5: (48, 0, 18),
    Region.M6: (34, 40, 15),
}


def draw(level: Level, generator: np.random.Generator, bend_mm: float) -> NDArray[np.uint8]:
    """Draw a level's regions, bent smoothly by so many millimetres."""
    places = (np.indices((PIXELS, PIXELS)) - (PIXELS - 1) / 2) * SPACING[0]
    bend = generator.normal(size=(2, PIXELS // 16, PIXELS // 16))
    field = ndimage.zoom(ndimage.gaussian_filter(bend, (0, 2, 2)), (1, 16, 16), order=1)
    x, y = places + bend_mm * field / field.std()
    labels = np.zeros((PIXELS, PIXELS), np.uint8)
    for region in regions_of(level):
        across, back, radius = MIDDLES[region]
        labels[np.hypot(np.abs(x) - across, y - back) < radius] = region
    return labels


def simulate(path: Path, sources: Sources, seed: int) -> None:
    """Write one participant as mapping leaves it."""
    generator = np.random.default_rng(seed)
    left = np.indices((PIXELS, PIXELS))[0] > PIXELS / 2
    x, y = (np.indices((460, 460)) - 229.5) / 2
    brain = np.where(np.hypot(x / 68, y / 86) < 1, 95, 0) + generator.integers(0, 9, x.shape)
    to_slice = np.diag([0.5 / SPACING[0], 0.5 / SPACING[1], 1.0])
    to_slice[:2, 2] = (PIXELS - 1) / 2 - to_slice[:2, :2] @ (229.5, 229.5)
    levels = {}
    for level in LEVELS:
        bends = dict.fromkeys(sources.raters, 1.5) | {sources.atlas: 0.5}
        regions = {name: draw(level, generator, bend) for name, bend in bends.items()}
        levels[level] = MappedLevel(SPACING, left, regions, to_slice, brain.astype(np.uint8))
    save_mapped(path, MappedParticipant(levels))


def measure_with_simpleitk(path: Path, pairs: tuple[Pair, ...]) -> list[tuple[float, ...]]:
    """Measure what the peer can: Dice, the largest and the mean Hausdorff distance."""
    found = []
    for level, content in load_mapped(path).levels.items():
        for region in regions_of(level):
            for side in (np.ones_like(content.left), content.left, ~content.left):
                for first, second in pairs:
                    masks = [(content.regions[name] == region) & side for name in (first, second)]
                    x, y = (np.flatnonzero((masks[0] | masks[1]).any(axis=a)) for a in (1, 0))
                    box = slice(x[0], x[-1] + 1), slice(y[0], y[-1] + 1)
                    one, other = (
                        sitk.GetImageFromArray(mask[box].astype(np.uint8)) for mask in masks
                    )
                    for image in (one, other):
                        image.SetSpacing(content.spacing[::-1])
                    overlap = sitk.LabelOverlapMeasuresImageFilter()
                    overlap.Execute(one, other)
                    distance = sitk.HausdorffDistanceImageFilter()
                    distance.Execute(one, other)
                    found.append(
                        (
                            overlap.GetDiceCoefficient(),
                            distance.GetHausdorffDistance(),
                            distance.GetAverageHausdorffDistance(),
                        )
                    )
    return found


def peak_mib(workers: int) -> float:
    """Return the peak of this process and of its workers together, at most."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    largest_child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (own + workers * largest_child) / 1024


def main() -> None:
    """Simulate, validate, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--participants", type=int, default=91)
    parser.add_argument("--raters", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--peer", type=int, default=3)
    arguments = parser.parse_args()
    raters = ("expert", *(f"rater{number}" for number in range(1, arguments.raters)))
    sources = Sources("atlas", raters)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = {f"sub-{n:03d}": folder / f"{n}.npz" for n in range(arguments.participants)}
        for seed, path in enumerate(paths.values()):
            simulate(path, sources, seed)

        started = time.perf_counter()
        with open_workers(arguments.jobs) as workers:
            scores = measure_everyone(paths, sources.pairs, workers, no_progress)
        measured = time.perf_counter()
        write_agreement(scores, folder / "dsc.tsv")
        write_validation_report(
            folder,
            "Benchmark",
            atlas_summary(scores, sources, [], 1),
            atlas_sections(scores, sources, {}, paths, 1),
            [],
            {
                "settings": {"raters": list(raters)},
                "versions": software_versions(*COHORT_PACKAGES),
            },
        )
        done = time.perf_counter()
        memory = peak_mib(arguments.jobs)

        peers = list(paths.items())[: arguments.peer]
        ours_started = time.perf_counter()
        for item in peers:
            measure_participant(item, sources.pairs)
        ours = (time.perf_counter() - ours_started) / len(peers)
        peer_started = time.perf_counter()
        for _, path in peers:
            measure_with_simpleitk(path, sources.pairs)
        peer = (time.perf_counter() - peer_started) / len(peers)

    print(f"{len(paths)} participants, {len(raters)} raters, {arguments.jobs} processes")
    print(f"measuring {measured - started:.1f} s, tables, figures and report {done - measured:.1f}")
    print(f"together {done - started:.1f} s, peak memory {memory:.0f} MiB")
    print(f"a participant in one process: this {ours:.3f} s, SimpleITK {peer:.3f} s")
    print(f"time of SimpleITK over this project's: {peer / ours:.1f}")


if __name__ == "__main__":
    main()
