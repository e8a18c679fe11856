"""Compare building one level with this project and with ANTs' own template builder, in one run.

Usage: python scripts/benchmarks/bench_build.py COHORT --age-group 50-69 [--level BGL]
    [--sizes 4,8,16]

Both start from the same preprocessed key slices. The peer is ``ants.build_template`` (SyN, 4
iterations, ITK on 2 threads) on the whole key-slice grid; its time is that of the template alone.
This project's time is that of the template and the fused regions with 2 processes, their start
included. The peer's regions come from registering every participant to its template once more and
a majority vote. Both atlases are then mapped onto the validation participants in the same way.

Every contender runs in a process of its own. Peak memory is that process's maximum resident set
size, plus that of the largest worker times the number of workers.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import AtlasLevel
from atlas_builder.cohorts.labelled_scans import read_labelled_slices, read_participants
from atlas_builder.construction.build import BuildSettings, level_job
from atlas_builder.construction.fitting import register_slices
from atlas_builder.construction.iteration import build_level
from atlas_builder.construction.labels import Votes, tidy
from atlas_builder.construction.preparation import (
    Preparation,
    load_level,
    load_notes,
    prepare,
    save_preparation,
)
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.transform import sample_labels
from atlas_builder.mapping.agreement import score_level
from atlas_builder.metrics.entropy import shannon_entropy
from atlas_builder.preprocessing.key_slice import (
    KEY_SLICE_SHAPE,
    KEY_SLICE_SPACING,
    key_slice_affine,
    key_slice_grid,
)
from atlas_builder.registration.slices import FINE, Metric
from atlas_builder.runtime.progress import no_progress
from atlas_builder.runtime.workers import Workers, open_workers

WORKERS = 2
MIB = 1024.0


def contend(name: str, prepared: Path, out: Path, arguments: argparse.Namespace) -> None:
    """Build with one contender in this process and write the atlas and the measures."""
    notes = {path.stem: load_notes(path) for path in sorted(prepared.glob("*.npz"))}
    notes = dict(list(notes.items())[: arguments.participants])
    build = _ours if name == "ours" else _peer
    started = time.perf_counter()
    image, labels, seconds = build(prepared, notes, out, arguments)
    seconds = seconds or time.perf_counter() - started
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / MIB
    np.savez(out / "atlas.npz", image=image, labels=labels)
    measures = {"seconds": seconds, "memory_mib": own + WORKERS * worker}
    (out / "measures.json").write_text(json.dumps(measures))


def _ours(
    prepared: Path, notes: dict[str, Preparation], out: Path, arguments: argparse.Namespace
) -> tuple[NDArray[np.float32], NDArray[np.uint8], float | None]:
    settings = BuildSettings(arguments.age_group)
    job = level_job(arguments.level, prepared, out / "work", notes, settings)
    with open_workers(WORKERS) as workers:
        result = build_level(job, workers, no_progress)
    return result.image, result.labels, None


def _peer(
    prepared: Path, notes: dict[str, Preparation], out: Path, arguments: argparse.Namespace
) -> tuple[NDArray[np.float32], NDArray[np.uint8], float | None]:
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(WORKERS)
    started = time.perf_counter()
    import ants  # noqa: PLC0415 - the thread count must be set before

    slices = [load_level(prepared / f"{name}.npz", arguments.level) for name in notes]
    spacing = (KEY_SLICE_SPACING, KEY_SLICE_SPACING)
    images = [ants.from_numpy(s.image, spacing=spacing) for s in slices]
    template = ants.build_template(image_list=images, iterations=4, type_of_transform="SyN")
    image = template.numpy().astype(np.float32)
    seconds = time.perf_counter() - started
    # Its sharpening lifts the background off 0; the mapping needs to know where the brain is.
    inside = np.mean([s.image != 0 for s in slices], axis=0) > 0
    image = np.where(inside, image, 0).astype(np.float32)

    grid = key_slice_grid()
    votes = Votes(arguments.level, KEY_SLICE_SHAPE)
    for one in slices:
        transform = register_slices(image, one.image, grid, metric=Metric.MI, schedule=FINE)
        votes.add(sample_labels(one.labels, grid, transform.to_participant(grid.points())))
    return image, tidy(votes.majority(), (KEY_SLICE_SHAPE[0] - 1) / 2), seconds


def score(out: Path, arguments: argparse.Namespace, workers: Workers) -> NDArray[np.float64]:
    """Return an atlas's mean Dice coefficient over regions for each validation participant."""
    with np.load(out / "atlas.npz") as arrays:
        atlas = AtlasLevel(arrays["image"], arrays["labels"], key_slice_affine())
    participants, _ = read_participants(arguments.cohort, arguments.age_group, "validation")
    tasks = ((participant, atlas, arguments.level) for participant in participants)
    return np.array(list(workers.in_order(_score_one, tasks)))


def _score_one(task: tuple) -> float:
    participant, atlas, level = task
    drawn = read_labelled_slices(participant, "expert")[level]
    return float(np.mean(list(score_level(atlas, level, drawn).dice.values())))


def run_contender(
    name: str, participants: int, prepared: Path, out: Path, arguments: argparse.Namespace
) -> dict[str, float]:
    """Run a contender in a process of its own and return its measures."""
    out.mkdir()
    command = [sys.executable, __file__, str(arguments.cohort)]
    command += ["--age-group", str(arguments.age_group), "--level", arguments.level]
    command += ["--contender", name, "--participants", str(participants)]
    subprocess.run(
        [*command, "--prepared", str(prepared), "--out", str(out)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return json.loads((out / "measures.json").read_text())


def compare(arguments: argparse.Namespace) -> None:
    """Prepare the cohort, run every contender, print the tables."""
    with tempfile.TemporaryDirectory() as folder, open_workers(WORKERS) as workers:
        prepared = Path(folder) / "prepared"
        prepared.mkdir()
        participants, _ = read_participants(arguments.cohort, arguments.age_group, "build")
        tasks = ((participant, "expert") for participant in participants)
        for participant, ready in zip(participants, workers.in_order(prepare, tasks), strict=True):
            if ready.refusal is None:
                save_preparation(prepared / f"{participant.participant_id}.npz", ready)
        total = len(list(prepared.glob("*.npz")))
        sizes = [size for size in arguments.sizes if size <= total]

        ours: dict[int, dict[str, float]] = {}
        for size in sizes:
            out = Path(folder) / f"ours-{size}"
            ours[size] = run_contender("ours", size, prepared, out, arguments)
        largest = sizes[-1]
        peer = run_contender("peer", largest, prepared, Path(folder) / "peer", arguments)

        print(f"{arguments.level}, {largest} participants, 4 iterations")
        print(f"{'':12}{'seconds':>9}{'DSC':>8}{'entropy':>9}{'MiB':>7}")
        scores = {}
        for name, measures, out in (
            ("this", ours[largest], Path(folder) / f"ours-{largest}"),
            ("ants", peer, Path(folder) / "peer"),
        ):
            with np.load(out / "atlas.npz") as arrays:
                entropy = shannon_entropy(np.rint(arrays["image"]))
            scores[name] = score(out, arguments, workers)
            print(
                f"{name:12}{measures['seconds']:9.1f}{scores[name].mean():8.4f}"
                f"{entropy:9.2f}{measures['memory_mib']:7.0f}"
            )
        ratio = peer["seconds"] / ours[largest]["seconds"]
        print(f"time of ants.build_template over this project's: {ratio:.1f}")
        gain = scores["this"] - scores["ants"]
        print(
            f"DSC of this minus ants, by participant: mean {gain.mean():+.4f}, "
            f"standard deviation {gain.std(ddof=1):.4f}"
        )
        print("growth of this project's build:")
        for size, measures in ours.items():
            seconds, memory = measures["seconds"], measures["memory_mib"]
            print(f"{size:5} participants {seconds:7.1f} s {memory:6.0f} MiB")


def main() -> None:
    """Read the arguments; run the comparison, or one contender of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--age-group", type=AgeGroup.parse, required=True)
    parser.add_argument("--level", choices=["BGL", "SGL"], default="BGL")
    parser.add_argument(
        "--sizes", type=lambda text: [int(n) for n in text.split(",")], default=[4, 8, 16]
    )
    parser.add_argument("--contender", choices=["ours", "peer"], help=argparse.SUPPRESS)
    for hidden, kind in (("--participants", int), ("--prepared", Path), ("--out", Path)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        contend(arguments.contender, arguments.prepared, arguments.out, arguments)
    else:
        compare(arguments)


if __name__ == "__main__":
    main()
