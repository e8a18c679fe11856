"""Print how far a map moves where only the rounding of a scan's geometry changes.

Usage: python scripts/fuzzing/score_steadiness.py ATLAS AGE --scan SCAN BGL SGL
    [--scan SCAN BGL SGL ...] [--draws 1]

ATLAS is a name in the catalogue or a folder, AGE that of the atlas. Each SCAN is mapped onto its
key slices as it is, then with pixels larger or smaller by a factor, and with random changes of all
slices' orientation cosines of up to 1e-5, drawn anew --draws times. For each change: the mean Dice
similarity coefficient over the twenty regions with those of the unchanged scan, that of the region
that moved furthest, and how many regions fall below 0.99.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import Atlas
from atlas_builder.catalogue.entries import load_atlas
from atlas_builder.core.scan import Scan
from atlas_builder.io.source import open_scan
from atlas_builder.mapping.pipeline import map_regions
from atlas_builder.metrics.overlap import dice

FACTORS = (1 + 1e-8, 1 - 3e-8, 1 + 1e-6, 1 - 1e-6)
COSINE_NOISE = 1e-5
LEAST_DICE = 0.99


@dataclass(frozen=True)
class Given:
    """A scan and its key slices."""

    name: str
    scan: Scan
    bgl: int
    sgl: int


def read(path: str, bgl: str, sgl: str) -> Given:
    """Read a scan as a whole."""
    with open_scan(Path(path)) as source:
        return Given(Path(path).name, source.read(), int(bgl), int(sgl))


def scaled(affines: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Return affines whose pixels are larger by a factor."""
    changed = affines.copy()
    changed[:, :3, :2] *= factor
    return changed


def turned(affines: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return affines whose cosines in the plane have noise, as rounded ones have."""
    changed = affines.copy()
    sizes = np.linalg.norm(affines[:, :3, :2], axis=1, keepdims=True)
    changed[:, :3, :2] += sizes * rng.uniform(-COSINE_NOISE, COSINE_NOISE, (3, 2))
    normals = np.cross(changed[:, :3, 0], changed[:, :3, 1])
    changed[:, :3, 2] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return changed


def overlaps(given: Given, atlas: Atlas, changes: dict[str, NDArray[np.float64]]) -> None:
    """Map a scan with each of the changed affines and print the overlap."""
    maps = {
        name: map_regions(Scan(given.scan.data, affines), atlas, given.bgl, given.sgl)
        for name, affines in {"unchanged": given.scan.affines, **changes}.items()
    }
    own = maps.pop("unchanged").levels
    for name, region_map in maps.items():
        scores = [
            dice(level.regions == value, one.regions == value)
            for level, one in zip(region_map.levels, own, strict=True)
            for value in np.unique(one.regions[one.regions > 0])
        ]
        moved = sum(score < LEAST_DICE for score in scores)
        print(
            f"{given.name[:28]:30}{name:20}{np.mean(scores):10.4f}{min(scores):10.4f}"
            f"{moved:6}/{len(scores)}",
            flush=True,
        )


def main() -> None:
    """Read the arguments, map every scan under every change."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("atlas")
    parser.add_argument("age", type=float)
    parser.add_argument(
        "--scan", action="append", nargs=3, required=True, metavar=("SCAN", "BGL", "SGL")
    )
    parser.add_argument("--draws", type=int, default=1)
    arguments = parser.parse_args()
    atlas = load_atlas(arguments.atlas, arguments.age)
    print(f"{'scan':30}{'change':20}{'mean DSC':>10}{'lowest':>10}{'below 0.99':>12}")
    for each in arguments.scan:
        given = read(*each)
        affines = given.scan.affines
        changes = {f"pixels {factor - 1:+.0e}": scaled(affines, factor) for factor in FACTORS}
        for draw in range(arguments.draws):
            rng = np.random.default_rng(draw)
            changes[f"cosines {COSINE_NOISE:.0e} ({draw})"] = turned(affines, rng)
        overlaps(given, atlas, changes)


if __name__ == "__main__":
    main()
