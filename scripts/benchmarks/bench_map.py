"""Compare mapping with this project and by the published route, in one run; time the command.

Usage: python scripts/benchmarks/bench_map.py COHORT ATLAS --age-group 50-69
    [--participants 8] [--repeats 5]

COHORT holds labelled validation participants, ATLAS is an atlas folder or a name in the catalogue.
Both routes start from the same preprocessed key slices and end with regions on the scan's own
pixels. The published route is ``ants.registration`` with SyN and an affine by mean squares, on
slices of 500 x 500 pixels, ITK's default threads, one level after the other, then
``ants.apply_transforms``. This project registers both levels at once, in two processes. Neither
time includes importing ANTs.

Then the whole command ``map-regions`` is timed with key slices given, from starting Python to the
last file, on a scan of two slices made from the first participant, or on --scan. The paper's route
takes 15 s a case.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.catalogue.atlas import Atlas
from atlas_builder.catalogue.entries import load_atlas
from atlas_builder.cohorts.labelled_scans import (
    LabelledSlice,
    read_labelled_slices,
    read_participants,
)
from atlas_builder.core.anatomy import LEVELS, AgeGroup, Level, Region, regions_of
from atlas_builder.mapping.level import carry_regions, map_level
from atlas_builder.metrics.overlap import dice_by_label
from atlas_builder.preprocessing.key_slice import (
    KEY_SLICE_SHAPE,
    KEY_SLICE_SPACING,
    KeySlice,
    make_key_slice,
)
from atlas_builder.workflows.map_processes import registration_processes

PUBLISHED_SHAPE = (500, 500)
PAPER_SECONDS = 15.0
COMMAND = (
    "from atlas_builder.commands.map_regions import map_regions_command as c; "
    "c(prog_name='map-regions')"
)

Case = dict[Level, LabelledSlice]


def published_route(folder: Path) -> None:
    """Register every case of a folder as published, in this process; write seconds and labels."""
    import ants  # noqa: PLC0415 - the main process never loads it

    spacing = (KEY_SLICE_SPACING, KEY_SLICE_SPACING)
    seconds, labels = [], {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            images = {name: ants.from_numpy(arrays[name], spacing=spacing) for name in arrays.files}
        started = time.perf_counter()
        for level in LEVELS:
            registered = ants.registration(
                images[f"{level}_scan"],
                images[f"{level}_atlas"],
                type_of_transform="SyN",
                aff_metric="meansquares",
            )
            carried = ants.apply_transforms(
                images[f"{level}_scan"],
                images[f"{level}_labels"],
                registered["fwdtransforms"],
                interpolator="nearestNeighbor",
            )
            labels[f"{path.stem}_{level}"] = carried.numpy().astype(np.uint8)
        seconds.append(time.perf_counter() - started)
    np.savez(folder / "published" / "labels.npz", **labels)
    (folder / "published" / "seconds.json").write_text(json.dumps(seconds))


def run_published_route(folder: Path) -> list[float]:
    """Run the published route in a process of its own, whose threads are ITK's default."""
    (folder / "published").mkdir()
    environment = {name: value for name, value in os.environ.items() if "THREADS" not in name}
    command = [sys.executable, __file__, "--published-route", str(folder)]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return json.loads((folder / "published" / "seconds.json").read_text())


def padded(image: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return an image of the key-slice grid in the middle of the published size."""
    rest = np.subtract(PUBLISHED_SHAPE, KEY_SLICE_SHAPE)
    return np.pad(image.astype(np.float32), np.transpose([rest // 2, rest - rest // 2]))


def on_scan(labels: NDArray[np.uint8], key: KeySlice, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Carry labels of the published size onto the scan's own pixels."""
    to_key = np.linalg.inv(key.to_slice)
    to_key[:2, 2] += np.subtract(PUBLISHED_SHAPE, KEY_SLICE_SHAPE) // 2
    return ndi.affine_transform(labels, to_key, output_shape=shape, order=0)


def mean_dice(mapped: dict[Level, NDArray[np.uint8]], case: Case) -> float:
    """Return the mean Dice coefficient of ten regions, both sides together."""
    scores = [
        score
        for level, regions in mapped.items()
        for score in dice_by_label(regions, case[level].labels.data, regions_of(level)).values()
    ]
    return float(np.mean(scores))


def compare(cases: list[Case], atlas: Atlas) -> None:
    """Map every case both ways and print times and overlaps."""
    keys = [{level: make_key_slice(case[level].ct) for level in LEVELS} for case in cases]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for number, case_keys in enumerate(keys):
            arrays = {}
            for level, key in case_keys.items():
                content = atlas.levels[level]
                arrays[f"{level}_scan"] = padded(key.image)
                arrays[f"{level}_atlas"] = padded(content.image)
                arrays[f"{level}_labels"] = padded(content.labels)
            np.savez(folder / f"{number:03d}.npz", **arrays)
        theirs = run_published_route(folder)
        with np.load(folder / "published" / "labels.npz") as labels:
            published = [
                {
                    level: on_scan(
                        labels[f"{number:03d}_{level}"], key, cases[number][level].ct.data.shape
                    )
                    for level, key in case_keys.items()
                }
                for number, case_keys in enumerate(keys)
            ]
    ours, mapped = [], []
    with registration_processes() as executor:
        list(executor.map(abs, range(4)))  # both have started
        for case, case_keys in zip(cases, keys, strict=True):
            started = time.perf_counter()
            waiting = {
                level: executor.submit(map_level, atlas.levels[level], case_keys[level])
                for level in LEVELS
            }
            regions = {}
            for level, future in waiting.items():
                shape = case[level].ct.data.shape
                content = atlas.levels[level]
                carried = carry_regions(content, level, future.result(), case_keys[level], shape)
                # Sides are not compared: the published labels carry none.
                regions[level] = np.where(
                    carried.regions > len(Region), carried.regions - len(Region), carried.regions
                )
            ours.append(time.perf_counter() - started)
            mapped.append(regions)
    print(f"{len(cases)} participants, both levels{'':8}{'median s':>10}{'mean DSC':>10}")
    for name, seconds, regions in (("this", ours, mapped), ("published", theirs, published)):
        scores = [mean_dice(one, case) for one, case in zip(regions, cases, strict=True)]
        print(f"{name:36}{statistics.median(seconds):10.2f}{np.mean(scores):10.4f}")
    print(
        "time of the published route over this project's: "
        f"{statistics.median(theirs) / statistics.median(ours):.1f}"
    )


def write_scan(case: Case, path: Path) -> None:
    """Write both key slices of a case as one scan, 20 mm apart."""
    bgl, sgl = (case[level].ct for level in LEVELS)
    affine = bgl.affine.copy()
    affine[:3, 2] *= 20.0
    nib.save(nib.Nifti1Image(np.stack([bgl.data, sgl.data], axis=2), affine), path)


def time_command(scan: Path, atlas: str, age: float, indices: list[int], repeats: int) -> None:
    """Run the whole command several times and print the median."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeats):
            started = time.perf_counter()
            subprocess.run(
                [
                    *(sys.executable, "-c", COMMAND, str(scan), "--out", f"{folder}/{number}"),
                    *("--atlas", atlas, "--age", f"{age:g}"),
                    *("--bgl-slice", str(indices[0]), "--sgl-slice", str(indices[1])),
                ],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            seconds.append(time.perf_counter() - started)
    print(
        f"map-regions, key slices given: median {statistics.median(seconds):.2f} s, "
        f"{min(seconds):.2f} to {max(seconds):.2f} s ({repeats} runs); "
        f"the paper: {PAPER_SECONDS:g} s"
    )


def main() -> None:
    """Read the arguments; compare and time, or run the published route for it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path, nargs="?")
    parser.add_argument("atlas", nargs="?")
    parser.add_argument("--age-group", type=AgeGroup.parse)
    parser.add_argument("--participants", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scan", type=Path, help="with --slices, timed instead of the made one")
    parser.add_argument("--slices", type=int, nargs=2, default=[0, 1], metavar=("BGL", "SGL"))
    parser.add_argument("--published-route", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.published_route:
        published_route(arguments.published_route)
        return
    if not (arguments.cohort and arguments.atlas and arguments.age_group):
        parser.error("give COHORT, ATLAS and --age-group")
    found, _ = read_participants(arguments.cohort, arguments.age_group, "validation")
    chosen = found[: arguments.participants]
    cases = [read_labelled_slices(participant, "expert") for participant in chosen]
    age = (arguments.age_group.first + arguments.age_group.last) / 2
    compare(cases, load_atlas(arguments.atlas, age))
    with tempfile.TemporaryDirectory() as folder:
        scan = arguments.scan or Path(folder) / "scan.nii.gz"
        if arguments.scan is None:
            write_scan(cases[0], scan)
        time_command(scan, arguments.atlas, age, arguments.slices, arguments.repeats)


if __name__ == "__main__":
    main()
