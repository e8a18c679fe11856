"""How time and memory of a build grow with its cohort, alone and on a Dask cluster, in one run.

Usage: python scripts/benchmarks/bench_growth.py COHORT --age-group 50-69 [--sizes 16,64,256]

COHORT holds labelled participants, as `build-atlas` takes them. Beyond its own, participants are
made from them by smooth random deformations, up to 3 mm, of scan and labels alike. Each size is
built by the whole command, both levels and the report included, with two processes and on a local
Dask cluster of two workers of one thread. Memory is that of the command's own process, which holds
what does not fit a worker: the largest resident set of any process that the command starts, and of
any worker of the cluster.
"""

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
from distributed import LocalCluster
from scipy import ndimage as ndi

from atlas_builder.cohorts.labelled_scans import Participant, read_participants
from atlas_builder.core.anatomy import AgeGroup

WORKERS = 2
MIB = 1024.0
LARGEST_MM, SMOOTH_MM = 3.0, 25.0
COMMAND = (
    "from atlas_builder.commands.build_atlas import build_atlas_command as c; "
    "c(prog_name='build-atlas')"
)


def grown(participants: list[Participant], size: int, folder: Path) -> Path:
    """Write a cohort of a size, each round of participants deformed in another way."""
    rows = []
    for number in range(size):
        source = participants[number % len(participants)]
        name = f"sub-{number:04d}"
        (folder / name).mkdir(parents=True)
        field = None
        for file in sorted(source.folder.glob("*.nii.gz")):
            image = nib.load(file)
            data = np.asanyarray(image.dataobj)
            target = folder / name / file.name.replace(source.participant_id, name)
            if number < len(participants):
                target.write_bytes(file.read_bytes())
                continue
            if field is None:
                field = deformation(data.shape[:2], image.header.get_zooms()[0], number)
            order = 0 if "label" in file.name or "mask" in file.name else 1
            layers = [
                ndi.map_coordinates(layer, field, order=order, mode="nearest")
                for layer in np.moveaxis(data.reshape(*data.shape[:2], -1), 2, 0)
            ]
            moved = np.stack(layers, axis=2).reshape(data.shape)
            nib.save(nib.Nifti1Image(moved.astype(data.dtype), image.affine, image.header), target)
        rows.append([name, f"{source.age:g}", source.sex or "n/a"])
    with (folder / "participants.tsv").open("w", newline="") as table:
        writer = csv.writer(table, delimiter="\t")
        writer.writerows([["participant_id", "age", "sex"], *rows])
    return folder


def deformation(shape: tuple[int, int], pixel_mm: float, seed: int) -> np.ndarray:
    """Return where each pixel comes from, in pixels, shape (2, columns, rows)."""
    noise = np.random.default_rng([7, seed]).normal(size=(2, *shape))
    smooth = np.stack([ndi.gaussian_filter(axis, SMOOTH_MM / pixel_mm) for axis in noise])
    smooth *= LARGEST_MM / pixel_mm / np.abs(smooth).max()
    return np.indices(shape) + smooth


def build(cohort: Path, out: Path, group: AgeGroup, *options: str) -> tuple[float, float]:
    """Run the command; return its seconds and the MiB of its largest process."""
    words = ["--cohort", str(cohort), "--age-group", str(group), "--out", str(out), *options]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"build-atlas {' '.join(words)}: exit status {process.returncode}")
    return time.perf_counter() - started, used.ru_maxrss / MIB


def peak() -> float:
    """Return the largest resident set of this process in MiB; for the cluster's workers."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def main() -> None:
    """Make the cohorts, build each one both ways, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--age-group", type=AgeGroup.parse, required=True)
    parser.add_argument(
        "--sizes", type=lambda text: [int(n) for n in text.split(",")], default=[16, 64, 256]
    )
    arguments = parser.parse_args()
    participants, _ = read_participants(arguments.cohort, arguments.age_group, "build")
    print("participants\twhere\tseconds\tseconds_a_participant\tlargest_process_mib")
    with tempfile.TemporaryDirectory() as temporary:
        for size in arguments.sizes:
            cohort = grown(participants, size, Path(temporary) / f"cohort-{size}")
            alone = Path(temporary) / f"alone-{size}"
            seconds, mib = build(cohort, alone, arguments.age_group, "--jobs", str(WORKERS))
            print(f"{size}\ttwo processes\t{seconds:.1f}\t{seconds / size:.2f}\t{mib:.0f}")
            with LocalCluster(n_workers=WORKERS, threads_per_worker=1) as cluster:
                on_cluster = Path(temporary) / f"cluster-{size}"
                seconds, mib = build(
                    cohort,
                    on_cluster,
                    arguments.age_group,
                    "--scheduler",
                    cluster.scheduler_address,
                )
                workers = cluster.get_client().run(peak).values()
            largest = max(mib, *workers)
            print(f"{size}\ttwo Dask workers\t{seconds:.1f}\t{seconds / size:.2f}\t{largest:.0f}")
            for image in alone.glob("*.nii.gz"):
                if image.read_bytes() != (on_cluster / image.name).read_bytes():
                    raise SystemExit(f"{image.name} differs on the cluster")


if __name__ == "__main__":
    main()
