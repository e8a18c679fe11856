"""How well alignment alone finds the basal ganglia level of simulated scans.

    python scripts/benchmarks/score_alignment.py --persons 24

Two scans a subject, of all ages, none of which the standard head was made from: one as hospitals
acquire them, one turned by up to 25 degrees, tilted, thick and short. Prints the error in mm along
the slices' normal and how often the right slices are chosen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_head import Head, load_head
from atlas_builder.core.errors import InputError
from head_phantom.anatomy import make_anatomy
from head_phantom.person.person import draw_person
from head_phantom.scanner.acquisition import Acquisition, draw_acquisition
from head_phantom.scanner.scanner import Acquired, acquire
from slice_localizer.alignment.level import align_level
from slice_localizer.positions import heights_of, nearest, normal_of, sgl_of


@dataclass(frozen=True)
class Score:
    """Of one scan: the error in mm, which slices were right, the fit, and the CPU's seconds."""

    kind: str
    age: float
    spacing_mm: float
    error_mm: float
    bgl_right: bool
    sgl_right: bool
    correlation: float
    seconds: float


@dataclass(frozen=True)
class Drawn:
    """A simulated scan, and where the level's point lies in it."""

    kind: str
    age: float
    spacing_mm: float
    acquired: Acquired
    point: NDArray[np.float64]


def draw_scans(index: int, seed: int, matrix: int) -> Iterator[Drawn]:
    """Simulate two scans of a subject: one as hospitals acquire them, one that is harder."""
    rng = np.random.default_rng([seed, index])
    age = float(rng.uniform(10, 90) if index % 2 else rng.uniform(50, 90))
    anatomy = make_anatomy(_head(), draw_person(age, "M" if index % 2 else "F", rng))
    for kind in ("usual", "hard"):
        acquisition = draw_acquisition(rng, matrix=matrix, uneven_share=0.15)
        if kind == "hard":
            acquisition = _harder(acquisition, rng)
        acquired = acquire(anatomy, acquisition, rng)
        point = (acquired.pose @ np.append(anatomy.bgl_point, 1.0))[:3]
        yield Drawn(kind, age, acquisition.spacing_mm, acquired, point)


@lru_cache(maxsize=1)
def _head() -> Head:
    return load_head()


def score_alignment(persons: int, seed: int, matrix: int) -> Iterator[Score]:
    """Simulate, scan and score subjects one after the other."""
    for index in range(persons):
        for drawn in draw_scans(index, seed, matrix):
            scan = drawn.acquired.scan
            started = time.process_time()
            alignment = align_level(scan)
            seconds = time.process_time() - started
            heights = heights_of(scan.affines)
            bgl = nearest(heights, alignment.height_mm)
            try:
                sgl = sgl_of(heights, bgl, alignment.height_mm)
            except InputError:
                continue  # the scan ends below the SGL
            yield Score(
                drawn.kind,
                drawn.age,
                drawn.spacing_mm,
                float(alignment.height_mm - normal_of(scan.affines) @ drawn.point),
                bgl == drawn.acquired.bgl_index,
                sgl == drawn.acquired.sgl_index,
                alignment.correlation,
                seconds,
            )


def _harder(acquisition: Acquisition, rng: np.random.Generator) -> Acquisition:
    """Turn the head far, tilt the gantry, and leave out the vertex and the base of the skull."""
    yaw, pitch, roll = (float(rng.uniform(-most, most)) for most in (25, 20, 20))
    tilt = float(rng.uniform(-25, 25)) if rng.random() < 0.5 else 0.0
    thickness = float(rng.choice([2.5, 5.0, 7.0, 10.0]))
    return replace(
        acquisition,
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        tilt_deg=tilt,
        straightened=False,
        thickness_mm=thickness,
        spacing_mm=thickness,
        base_top_mm=-np.inf,
        start_mm=float(rng.uniform(-50, -15)),
        beyond_vertex_mm=float(rng.uniform(-35, 5)),
    )


def main() -> None:
    """Parse, score, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=24)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--matrix", type=int, default=128)
    given = parser.parse_args()
    scores = list(score_alignment(given.persons, given.seed, given.matrix))
    print("scans\tn\tmean\tSD\t|error|\tlargest\twithin_half\tBGL\tSGL\tleast_fit\tCPU_s")
    for kind in ("usual", "hard"):
        rows = [score for score in scores if score.kind == kind]
        errors = np.array([row.error_mm for row in rows])
        half = np.array([row.spacing_mm for row in rows]) / 2
        print(
            f"{kind}\t{len(rows)}\t{errors.mean():.2f}\t{errors.std():.2f}"
            f"\t{np.abs(errors).mean():.2f}\t{np.abs(errors).max():.2f}"
            f"\t{np.mean(np.abs(errors) < half):.3f}\t{np.mean([r.bgl_right for r in rows]):.3f}"
            f"\t{np.mean([r.sgl_right for r in rows]):.3f}"
            f"\t{min(r.correlation for r in rows):.2f}\t{np.mean([r.seconds for r in rows]):.2f}"
        )


if __name__ == "__main__":
    main()
