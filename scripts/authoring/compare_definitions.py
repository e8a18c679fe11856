"""Compare the regions on all slices with those that readers drew in 3-D, and draw both.

Usage: python scripts/authoring/compare_definitions.py SCAN REGIONS [SCAN REGIONS ...]
    [--age 70] [--atlas NAME_OR_DIR] --out FOLDER

Each SCAN is mapped as `map-regions --all-slices` does; REGIONS is a NIfTI file on its grid with
1-10 on the patient's left and 11-20 on the right. Printed is a table: the Dice similarity
coefficient of each region, mean of both sides and all scans, on its key slice, over all slices, and
over the slices on which the readers drew it; volumes; how many mm below and above the basal ganglia
slice each reaches. FOLDER gets a picture a scan: the key slices and those nearer to where the
readers' regions end, ours in colour, the readers' in white. The pictures show the scan: keep them
with it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from atlas_builder.catalogue.entries import load_atlas
from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.core.scan import Scan
from atlas_builder.io.source import open_scan
from atlas_builder.mapping.pipeline import map_regions
from atlas_builder.metrics.overlap import dice
from atlas_builder.reporting.base.colours import REGION_COLOURS
from atlas_builder.reporting.base.pictures import grey_levels, rgb
from atlas_builder.runtime.threads import keep_to_one_thread
from slice_localizer.locating import locate_slices
from slice_localizer.positions import heights_of
from slice_localizer.whole_head.whole_map import map_all_slices

Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Compared:
    """A scan with both sets of regions."""

    scan: Scan
    ours: Labels
    drawn: Labels
    key: dict[str, int]

    @property
    def above_bgl(self) -> NDArray[np.float64]:
        """Heights of the slices in mm."""
        heights = heights_of(self.scan.affines)
        return np.asarray(heights - heights[self.key["BGL"]])


def compare(scan: Path, regions: Path, age: float, atlas: str | None) -> Compared:
    """Map a scan, and read what was drawn on it."""
    with open_scan(scan) as source:
        read = source.read()
    with open_scan(regions) as source:
        drawn = np.rint(source.read().data).astype(np.uint8)
    located = locate_slices(read)
    region_map = map_regions(
        read, load_atlas(atlas, age, allow_nearest=True), located.bgl_slice, located.sgl_slice
    )
    whole = map_all_slices(read, region_map, located.alignment)
    key = {level_map.level: level_map.index for level_map in region_map.levels}
    return Compared(read, whole.labels, drawn, key)


def row_of(region: Region, scans: list[Compared]) -> list[str]:
    """Return what the table says of a region."""
    on_key, whole, shared, volumes, reaches = [], [], [], [], []
    for one in scans:
        voxel_ml = float(np.prod(one.scan[0].spacing) * np.median(np.diff(one.above_bgl))) / 1000
        both = []
        for side in SIDES:
            value = map_value(region, side)
            ours, drawn = one.ours == value, one.drawn == value
            slices = drawn.any(axis=(0, 1))
            index = one.key[region.level]
            on_key.append(dice(ours[:, :, index], drawn[:, :, index]))
            whole.append(dice(ours, drawn))
            shared.append(dice(ours[:, :, slices], drawn[:, :, slices]))
            both.append((ours, drawn))
        volumes.append([np.sum([pair[i] for pair in both]) / 2 * abs(voxel_ml) for i in (0, 1)])
        reaches.append(
            [
                one.above_bgl[np.any([pair[i] for pair in both], axis=(0, 1, 2))][[0, -1]]
                for i in (0, 1)
            ]
        )
    volume, reach = np.mean(volumes, axis=0), np.mean(reaches, axis=0)
    return [
        region.name,
        *(f"{np.mean(values):.2f}" for values in (on_key, whole, shared)),
        *(f"{ml:.1f}" for ml in volume),
        *(f"{low:+.0f} to {high:+.0f}" for low, high in reach),
    ]


def draw(one: Compared, path: Path) -> None:
    """Draw four slices: ours in colour, the readers' in white."""
    drawn = np.flatnonzero(one.drawn.any(axis=(0, 1)))
    chosen = sorted({(drawn[0] + one.key["BGL"]) // 2, *one.key.values(), drawn[-1] - 1})
    panels = []
    for index in chosen:
        grey = grey_levels(np.asarray(one.scan.data[:, :, index], np.float32))
        picture = np.kron(rgb(grey), np.ones((2, 2, 1), np.uint8))
        ours, readers = (
            np.kron(labels[:, :, index], np.ones((2, 2), np.uint8))
            for labels in (one.ours, one.drawn)
        )
        for region in Region:
            for side in SIDES:
                value = map_value(region, side)
                picture[border(readers == value)] = 255
                colour = ImageColor.getrgb(REGION_COLOURS[region])
                picture[border(ours == value)] = colour
        # The patient's right at the left.
        panels.append(picture.transpose(1, 0, 2)[:, ::-1])
    Image.fromarray(np.hstack(panels)).save(path)


def border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of a mask that lie at its edge."""
    inside = mask.copy()
    inside[1:-1, 1:-1] = mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return np.asarray(mask & ~inside)


def main() -> None:
    """Read the arguments, print the table, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="SCAN REGIONS")
    parser.add_argument("--age", type=float, default=70.0)
    parser.add_argument("--atlas")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if len(arguments.files) % 2:
        parser.error("give a file of regions after each scan")
    keep_to_one_thread()
    pairs = zip(arguments.files[::2], arguments.files[1::2], strict=True)
    scans = [compare(scan, regions, arguments.age, arguments.atlas) for scan, regions in pairs]
    arguments.out.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(scans, start=1):
        draw(one, arguments.out / f"scan-{number}.png")
    rows = [row_of(region, scans) for region in Region]
    means = [f"{np.mean([float(row[i]) for row in rows]):.3f}" for i in (1, 2, 3)]
    names = ["key slice", "all slices", "slices drawn on", "mL", "mL drawn", "mm", "mm drawn"]
    for row in [["region", *names], *rows, ["mean", *means]]:
        print("\t".join(row))


if __name__ == "__main__":
    main()
