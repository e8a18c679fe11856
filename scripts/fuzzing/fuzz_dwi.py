"""Give ``score-aspects --dwi`` other images than it asks for, and check how each one ends.

Usage: python scripts/fuzzing/fuzz_dwi.py [--count 26] [--seed 1] [--only KIND]

The head is the average brain, resized, with an infarct, on few thick slices. What is wrong must be
refused with status 2, one line and nothing written, or flagged; what is right must get the score of
its clean twin without a flag about the kind of image. Prints a line for each that does otherwise,
and a summary; exits with 1 if there is any.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from fuzz_map import everything_in, streams_to
from numpy.typing import NDArray
from scipy import ndimage as ndi

from aspects_scorer.dwi.mni_brain import mni_brain

Array = NDArray[Any]
_SECONDS = 300
_ABOUT_KIND = {"dwi-doubtful", "adc-doubtful", "b-value"}
_COMPLETE = {"aspects.json", "regions.tsv", "overlay.png", "core.png", "report.html"}
_STEPS = (2.2, 2.2, 6.0)  # mm
_BRAIN_T2, _FLUID_T2 = 260.0, 700.0
_BRAIN_ADC, _INFARCT_ADC, _FLUID_ADC = 0.8, 0.42, 3.0  # 10^-3 mm^2/s


@dataclass(frozen=True)
class Head:
    """A head as diffusion MR shows it.

    Attributes
    ----------
    t2, adc, scalp, infarct : ndarray, shape (x, y, z)
        Signal at b 0, diffusion in 10^-3 mm^2/s, share of scalp, and the infarct.
    affine : ndarray, shape (4, 4)
        RAS+ mm.
    """

    t2: Array
    adc: Array
    scalp: Array
    infarct: Array
    affine: Array

    def weighted(self, b: float, rng: np.random.Generator) -> Array:
        """Return the image of a b value (s/mm^2), with noise."""
        signal = self.t2 * np.exp(-b / 1000 * self.adc)
        real, imaginary = rng.normal(0, 3.0, (2, *signal.shape))
        return np.hypot(signal + real, imaginary).astype(np.float32)


@dataclass(frozen=True)
class Given:
    """Options of the command, and whether it may score without a flag."""

    options: dict[str, Path]
    right: bool = False


Kind = Callable[[Path, Head, np.random.Generator], Given]
KINDS: list[Kind] = []


def kind(function: Kind) -> Kind:
    """Add a function to the kinds of inputs."""
    KINDS.append(function)
    return function


@cache
def _average() -> tuple[Array, Array]:
    """Return the average brain's tissue, fluid and scalp as shares at 1 mm, and the affine."""
    brain = mni_brain()
    tissue, fluid = brain.mixed(1.0, 1.0, 0.0), brain.mixed(0.0, 0.0, 1.0)
    away = ndi.distance_transform_edt(tissue + fluid < 0.5)
    return np.stack([tissue, fluid, ((away > 5) & (away < 10)) * 1.0]), brain.affine


def make_head(rng: np.random.Generator) -> Head:
    """Draw a head of any size with an infarct of 15 to 30 mm radius at a side."""
    shares, affine = _average()
    size = rng.uniform(0.86, 1.0, 3)
    steps = np.array(_STEPS) / size
    shape = tuple(int(n) for n in np.array(shares.shape[1:]) / steps)
    tissue, fluid, scalp = (
        ndi.affine_transform(
            ndi.gaussian_filter(share, steps / np.sqrt(12)), np.diag(steps), 0, shape, order=1
        )
        for share in shares
    )
    placed = np.eye(4)
    placed[:3, :3] = np.diag(_STEPS) @ np.sign(affine[:3, :3])
    placed[:3, 3] = affine[:3, 3] * size
    x, y, z = np.indices(shape) * np.reshape(_STEPS, (3, 1, 1, 1)) + placed[:3, 3].reshape(
        3, 1, 1, 1
    )
    side = rng.choice([-1, 1])
    apart = np.sqrt((x - side * 42) ** 2 + (y - rng.uniform(-35, 15)) ** 2 + (z - 18) ** 2)
    infarct = (apart < rng.uniform(15, 30)) & (tissue > 0.6)
    total = np.maximum(tissue + fluid, 1e-3)
    brain_adc = np.where(infarct, _INFARCT_ADC, _BRAIN_ADC)
    t2 = tissue * _BRAIN_T2 * np.where(infarct, 1.25, 1.0) + fluid * _FLUID_T2 + scalp * 20
    adc = (tissue * brain_adc + fluid * _FLUID_ADC) / total
    return Head(t2, adc, scalp, infarct, placed)


def save(path: Path, data: Array, affine: Array) -> Path:
    """Write a NIfTI file."""
    nib.save(nib.Nifti1Image(np.asarray(data, np.float32), affine), path)
    return path


def _b1000(folder: Path, head: Head, rng: np.random.Generator) -> Path:
    return save(folder / "dwi.nii.gz", head.weighted(1000, rng), head.affine)


def _adc(folder: Path, head: Head) -> Path:
    return save(folder / "adc.nii.gz", head.adc * (head.t2 > 60), head.affine)


@kind
def clean(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Give what is asked for, in another unit."""
    dwi = save(folder / "dwi.nii.gz", rng.choice([0.1, 7]) * head.weighted(1000, rng), head.affine)
    adc = save(folder / "adc.nii.gz", 1e-3 * head.adc * (head.t2 > 60), head.affine)
    return Given({"--dwi": dwi, "--adc": adc}, right=True)


@kind
def stated_b_1000(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Give b 1000 among other volumes, with the b values beside it."""
    return Given(
        {"--dwi": _series(folder, head, rng, [0, 1000]), "--adc": _adc(folder, head)}, True
    )


def _series(folder: Path, head: Head, rng: np.random.Generator, b_values: list[int]) -> Path:
    volumes = [head.weighted(b, rng) for b in b_values]
    (folder / "dwi.bval").write_text(" ".join(map(str, b_values)))
    return save(folder / "dwi.nii.gz", np.stack(volumes, axis=-1), head.affine)


@kind
def other_b_values(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Give b 700 or b 2500."""
    return Given({"--dwi": _series(folder, head, rng, [0, int(rng.choice([700, 2500]))])})


@kind
def b_0(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Give b 0 as b 1000."""
    path = save(folder / "dwi.nii.gz", head.weighted(0, rng), head.affine)
    return Given(
        {"--dwi": path, "--adc": _adc(folder, head)} if rng.random() < 0.5 else {"--dwi": path}
    )


@kind
def map_as_image(folder: Path, head: Head, _: np.random.Generator) -> Given:
    """Give the ADC map as b 1000."""
    return Given({"--dwi": _adc(folder, head)})


@kind
def twice(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Give b 1000 as the map as well, in another scale."""
    dwi = head.weighted(1000, rng)
    again = save(folder / "adc.nii.gz", rng.uniform(0.5, 3) * dwi, head.affine)
    return Given({"--dwi": save(folder / "dwi.nii.gz", dwi, head.affine), "--adc": again})


@kind
def exchanged(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Exchange image and map."""
    return Given({"--dwi": _adc(folder, head), "--adc": _b1000(folder, head, rng)})


@kind
def exponential_map(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Give the exponential ADC as the map."""
    data = np.exp(-head.adc) * (head.t2 > 60)
    path = save(folder / "adc.nii.gz", data, head.affine)
    return Given({"--dwi": _b1000(folder, head, rng), "--adc": path})


@kind
def flair(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Give an image on which fluid is dark and scalp bright."""
    share = np.clip(head.t2 / _BRAIN_T2, 0, 1.3) * (head.adc < 1.2)
    signal = 300 * (share + rng.uniform(0.9, 1.4) * head.scalp) + np.abs(
        rng.normal(0, 4, share.shape)
    )
    return Given({"--dwi": save(folder / "dwi.nii.gz", signal, head.affine)})


@kind
def map_of_b_0(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Give b 0 as the map."""
    path = save(folder / "adc.nii.gz", head.weighted(0, rng), head.affine)
    return Given({"--dwi": _b1000(folder, head, rng), "--adc": path})


@kind
def inverted_mask(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Give everything but the infarct as its mask."""
    mask = save(folder / "mask.nii.gz", ~head.infarct, head.affine)
    return Given({"--dwi": _b1000(folder, head, rng), "--lesion": mask})


@kind
def mask_on_another_grid(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Give a mask of another matrix or place."""
    mask, affine = head.infarct, head.affine.copy()
    if rng.random() < 0.5:
        mask = mask[:, :-2]
    else:
        affine[:3, 3] += rng.uniform(3, 20, 3)
    path = save(folder / "mask.nii.gz", mask, affine)
    return Given({"--dwi": _b1000(folder, head, rng), "--lesion": path})


@kind
def mask_on_b_0(folder: Path, head: Head, rng: np.random.Generator) -> Given:
    """Give a mask on b 0, which is allowed: its twin has it on b 1000."""
    mask = save(folder / "mask.nii.gz", head.infarct, head.affine)
    path = save(folder / "dwi.nii.gz", head.weighted(0, rng), head.affine)
    return Given({"--dwi": path, "--lesion": mask}, right=True)


def score(options: dict[str, Path], out: Path) -> tuple[int, str]:
    """Run the command; return its status and what it wrote on standard error."""
    from atlas_builder.cli import score_aspects_main  # noqa: PLC0415 - slow to load

    pairs = [str(part) for pair in options.items() for part in pair]
    sys.argv = ["score-aspects", *pairs, "--out", str(out)]
    with tempfile.TemporaryFile("w+") as written, tempfile.TemporaryFile("w+") as complained:
        with streams_to(written.fileno(), complained.fileno()):
            signal.alarm(_SECONDS)
            try:
                score_aspects_main()
                status = 0
            except SystemExit as leaving:
                status = int(leaving.code or 0)
            finally:
                signal.alarm(0)
        complained.seek(0)
        return status, complained.read()


def faults(given: Given, folder: Path, twin: Path) -> tuple[int, list[str]]:
    """Score an input and say how it ended and what was wrong about that."""
    out, before = folder / "out", everything_in(folder)
    status, errors = score(given.options, out)
    new = everything_in(folder) - before
    wrong = []
    if "Traceback" in errors or "unexpected " in errors or "Warning" in errors:
        wrong.append("a traceback or a warning")
    if any(not path.is_relative_to(out) for path in new):
        wrong.append("files left behind")
    if status == 2:
        if new:
            wrong.append("files under a final name")
        if len(errors.strip().splitlines()) != 1:
            wrong.append("not one line on standard error")
        if given.right:
            wrong.append("refused though right")
        return status, [f"{fault}: {errors.strip()}" for fault in wrong]
    if status != 0 or not {path.name for path in new} >= _COMPLETE:
        return status, [*wrong, f"status {status}, or an incomplete score: {errors.strip()}"]
    told = json.loads((out / "aspects.json").read_text())
    about_kind = _ABOUT_KIND & {flag["code"] for flag in told["flags"]}
    if not given.right:
        return status, wrong if about_kind else [*wrong, "scored without a flag"]
    clean_score = json.loads((twin / "aspects.json").read_text())["aspects"]
    if about_kind:
        wrong.append(f"flagged though right: {', '.join(sorted(about_kind))}")
    if told["aspects"] != clean_score:
        wrong.append(f"scored {told['aspects']}, its clean twin {clean_score}")
    return status, wrong


def run_case(number: int, made: Kind, seed: int, work: Path) -> tuple[int, list[str]]:
    """Make an input, with its twin where it is right, and judge it."""
    folder, twin = work / f"{number:04d}", work / f"{number:04d}-twin"
    folder.mkdir()
    twin.mkdir()
    rng = np.random.default_rng([seed, number])
    head = make_head(rng)
    given = made(folder, head, rng)
    if given.right:
        options = {"--dwi": _b1000(twin, head, rng), "--adc": _adc(twin, head)}
        if "--lesion" in given.options:
            options = {"--dwi": options["--dwi"], "--lesion": given.options["--lesion"]}
        status, errors = score(options, twin / "out")
        if status != 0:
            return status, [f"the clean twin is refused: {errors.strip()}"]
    return faults(given, folder, twin / "out")


def main() -> None:
    """Run the cases and print what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2 * len(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[made.__name__ for made in KINDS])
    arguments = parser.parse_args()
    kinds = [made for made in KINDS if arguments.only in (None, made.__name__)]
    ended: Counter[tuple[str, int]] = Counter()
    faulty = 0
    with tempfile.TemporaryDirectory() as temporary:
        for number in range(arguments.count):
            made = kinds[number % len(kinds)]
            started = time.monotonic()
            status, wrong = run_case(number, made, arguments.seed, Path(temporary))
            ended[made.__name__, status] += 1
            faulty += bool(wrong)
            for fault in wrong:
                seconds = time.monotonic() - started
                print(f"{number} {made.__name__}: {fault} ({seconds:.0f} s)", flush=True)
    for (name, status), count in sorted(ended.items()):
        print(f"{name:<24} status {status}: {count:3d}")
    print(f"{arguments.count} inputs: {faulty} ended otherwise than they should")
    sys.exit(1 if faulty else 0)


if __name__ == "__main__":
    main()
