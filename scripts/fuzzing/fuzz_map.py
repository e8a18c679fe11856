"""Give ``map-regions`` damaged and unsuitable scans, and check how each one ends.

Usage: python scripts/fuzzing/fuzz_map.py [--count 200] [--seed 1] [--jobs 2] [--only KIND]

Every input must end with status 0 and a complete map, or with status 2, one line on standard error
and nothing written: no traceback, no file under a final name, no part of one left behind, nothing
outside the output folder, and the patient's name nowhere but in DICOM. Prints a line for each that
does not, and a summary; exits with 1 if there is any.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import fuzz_dicom
import fuzz_exports  # noqa: F401 - adds its kinds
import nibabel as nib
import numpy as np
from fuzz_head import BGL, SGL, write_head_atlas
from fuzz_inputs import KINDS, Given

_SECONDS = 120
_LEAST_DICE = 0.99  # of a region, here 8 mm wide
_COMPLETE = {"regions.nii.gz", "regions.tsv", "mapping.json", "overlay.png", "report.html"}


@dataclass(frozen=True)
class Case:
    """One input by its number: the kind and the random numbers follow from it."""

    number: int
    kind: int
    seed: int
    work: Path
    atlas: Path


@dataclass(frozen=True)
class Outcome:
    """How a case ended, and what was wrong about it."""

    name: str
    status: int
    seconds: float
    message: str
    wrong: tuple[str, ...]


def run_case(case: Case) -> Outcome:
    """Make an input, map it, and check how that ended."""
    made = KINDS[case.kind]
    folder = case.work / f"{case.number:04d}"
    folder.mkdir()
    given = made(folder, np.random.default_rng([case.seed, case.number]))
    out = Path(given.options.get("--out", folder / "out"))
    before = everything_in(folder)
    started = time.monotonic()
    status, text, errors = _map(given, out, case.atlas)
    seconds = time.monotonic() - started
    new = everything_in(folder) - before
    wrong = (
        *_faults(given, status, text, errors, out, new),
        *_differences(given, status, out, folder / "twin-out", case.atlas),
    )
    shutil.rmtree(folder)
    lines = errors.strip().splitlines()
    return Outcome(made.__name__, status, seconds, lines[-1] if lines else "", wrong)


def _map(given: Given, out: Path, atlas: Path) -> tuple[int, str, str]:
    """Run the command and return its status, output and errors, libraries' and children's too."""
    from atlas_builder.cli import map_regions_main  # noqa: PLC0415 - slow to load

    options = {
        "--out": str(out),
        "--age": "63",
        "--atlas": str(atlas),
        "--bgl-slice": str(BGL),
        "--sgl-slice": str(SGL),
    }
    pairs = (options | given.options).items()
    sys.argv = ["map-regions", *(part for pair in pairs for part in pair), "--", str(given.scan)]
    with tempfile.TemporaryFile("w+") as written, tempfile.TemporaryFile("w+") as complained:
        with streams_to(written.fileno(), complained.fileno()):
            signal.alarm(_SECONDS)
            try:
                map_regions_main()
                status = 0
            except SystemExit as leaving:
                status = int(leaving.code or 0)
            finally:
                signal.alarm(0)
        for file in (written, complained):
            file.seek(0)
        return status, written.read(), complained.read()


@contextlib.contextmanager
def streams_to(*descriptors: int) -> Iterator[None]:
    """Send standard output and error elsewhere, below Python."""
    kept = [os.dup(stream) for stream in (1, 2)]
    try:
        for stream, descriptor in zip((1, 2), descriptors, strict=True):
            os.dup2(descriptor, stream)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, descriptor in zip((1, 2), kept, strict=True):
            os.dup2(descriptor, stream)
            os.close(descriptor)


def _faults(
    given: Given, status: int, text: str, errors: str, out: Path, new: set[Path]
) -> Iterator[str]:
    if status not in given.may_end:
        yield f"status {status}, not {' or '.join(map(str, sorted(given.may_end)))}"
    if "Traceback" in errors or "unexpected " in errors or "Warning" in errors:
        yield "a traceback or a warning"
    inside = {path for path in new if path.is_relative_to(out)}
    if new - inside:
        yield f"left behind {', '.join(sorted(path.name for path in new - inside))}"
    if status == 2:
        lines = errors.strip().splitlines()
        if len(lines) != 1 or not lines[0].startswith("Error: "):
            yield f"{len(lines)} lines on standard error"
        if inside:
            yield "files under a final name"
    elif status == 0 and not {path.name for path in inside} >= _COMPLETE:
        yield "an incomplete map"
    spoken = text + errors
    for path in inside:
        if path.is_file() and path.suffix in (".json", ".tsv", ".html"):
            spoken += path.read_text("utf-8")
    if any(private in spoken for private in fuzz_dicom.PRIVATE):
        yield "the patient's name outside DICOM"


def _differences(
    given: Given, status: int, out: Path, twin_out: Path, atlas: Path
) -> Iterator[str]:
    """Compare a map with that of the clean twin, and look for the remark."""
    if status != 0 or given.twin is None:
        return
    codes = [
        flag["code"] for flag in json.loads((out / "mapping.json").read_text())["quality_flags"]
    ]
    if given.remark and given.remark not in codes:
        yield f"no remark {given.remark}"
    _map(Given(given.twin, options=given.options), twin_out, atlas)
    mapped, clean = (_regions(folder) for folder in (out, twin_out))
    for value in np.unique(clean[clean > 0]):
        share = 2 * np.sum((mapped == value) & (clean == value))
        dice = share / (np.sum(mapped == value) + np.sum(clean == value))
        if dice < _LEAST_DICE:
            yield f"region {value} has a Dice of {dice:.3f} with that of the clean twin"


def _regions(folder: Path) -> np.ndarray:
    """Return the two slices with regions, in their order."""
    labels = np.asarray(nib.load(folder / "regions.nii.gz").dataobj)
    return labels[:, :, labels.any(axis=(0, 1))]


def everything_in(folder: Path) -> set[Path]:
    """Return every path below a folder."""
    return {
        Path(where, name) for where, *names in os.walk(folder) for part in names for name in part
    }


def main() -> None:
    """Run the cases and print what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=[made.__name__ for made in KINDS])
    arguments = parser.parse_args()
    kinds = [place for place, made in enumerate(KINDS) if arguments.only in (None, made.__name__)]
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as temporary:
        atlas, work = Path(temporary) / "atlas", Path(temporary) / "work"
        atlas.mkdir()
        work.mkdir()
        write_head_atlas(atlas)
        cases = [
            Case(number, kinds[number % len(kinds)], arguments.seed, work, atlas)
            for number in range(arguments.count)
        ]
        with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as workers:
            for case, outcome in zip(cases, workers.map(run_case, cases), strict=True):
                outcomes.append(outcome)
                for fault in outcome.wrong:
                    print(f"{case.number} {outcome.name}: {fault}: {outcome.message}", flush=True)
    for name, status in sorted({(outcome.name, outcome.status) for outcome in outcomes}):
        of_kind = [o for o in outcomes if (o.name, o.status) == (name, status)]
        slowest = max(outcome.seconds for outcome in of_kind)
        print(f"{name:<24} status {status}: {len(of_kind):3d}, the slowest {slowest:.1f} s")
    statuses = Counter(outcome.status for outcome in outcomes)
    faulty = sum(bool(outcome.wrong) for outcome in outcomes)
    print(
        f"{len(outcomes)} inputs: {statuses[0]} mapped, {statuses[2]} refused, "
        f"{faulty} ended otherwise than they should"
    )
    sys.exit(1 if faulty else 0)


if __name__ == "__main__":
    main()
