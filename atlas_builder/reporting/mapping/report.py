"""The report of a region map: one page with what was found, what to doubt, slices and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Level, Region, Side, regions_of
from atlas_builder.mapping.region_map import LevelMap, RegionMap, RegionMeasure
from atlas_builder.reporting.base.colours import PAGE_COLOURS
from atlas_builder.reporting.base.name_places import NAME_HEIGHT_MM
from atlas_builder.reporting.base.page import write_page
from atlas_builder.reporting.mapping.findings import standing_out, written
from atlas_builder.reporting.mapping.slice_pictures import WINDOWS, SlicePicture
from atlas_builder.reporting.mapping.upright import SCALE_BAR_MM, upright_views
from atlas_builder.reporting.viewer.page_parts import Viewer
from atlas_builder.runtime.versions import versions_of_scan_result

_TEMPLATE = "mapping/report.html"
_LEAST_SCALE_HU = 5.0
"""Of the bars of differences, so that noise does not fill them."""


@dataclass(frozen=True)
class TableRow:
    """A region on both sides.

    Attributes
    ----------
    right, left : RegionMeasure
        Its measures.
    darker : Side or None
        The side that stands out.
    bar : str
        Style of the bar that points to the darker side.
    """

    right: RegionMeasure
    left: RegionMeasure
    darker: Side | None
    bar: str


def write_mapping_report(
    path: Path,
    region_map: RegionMap,
    viewer: Viewer | None = None,
    volumes_ml: Mapping[tuple[Region, Side], float] | None = None,
) -> None:
    """Write the report of a region map as one HTML file that needs no other.

    It names no patient and no file. The same map gives the same bytes.

    Parameters
    ----------
    path : Path
        The file, in an existing folder.
    region_map : RegionMap
        What `map_regions` returns.
    viewer : Viewer, optional
        Of all slices. Without it the page has the key slices alone.
    volumes_ml : mapping of region and side to float, optional
        Of the regions on all slices in mL, where they were mapped.
    """
    measures = {(m.region, m.side): m for m in region_map.measures}
    darker = standing_out(region_map)
    content = {
        "map": region_map,
        "viewer": viewer,
        "standing_out": darker,
        "count": sum(map(len, darker.values())),
        "distance_mm": region_map.distance_mm,
        "pictures": [SlicePicture.of(view, measures) for view in upright_views(region_map)],
        "windows": WINDOWS,
        "scale_bar_mm": SCALE_BAR_MM,
        "regions": {level.level: regions_of(level.level) for level in region_map.levels},
        "tables": _tables(region_map, measures),
        "volumes": volumes_ml,
        "turned": _turned_in_words(region_map),
        "slice_rows": _slice_rows(region_map),
        "versions": versions_of_scan_result(),
        "written": written,
        **PAGE_COLOURS,
        "name_mm": NAME_HEIGHT_MM,
    }
    write_page(Path(path), _TEMPLATE, content)


def _centre(level_map: LevelMap) -> NDArray[np.float64]:
    """Return the middle of a slice in the scanner's mm."""
    columns, rows = level_map.slice.data.shape
    return (level_map.slice.affine @ ((columns - 1) / 2, (rows - 1) / 2, 0, 1))[:3]


def _tables(
    region_map: RegionMap, measures: Mapping[tuple[Region, Side], RegionMeasure]
) -> dict[Level, list[TableRow]]:
    differences = np.abs([m.difference_hu for m in region_map.measures])
    scale = max(_LEAST_SCALE_HU, float(np.nanmax(differences, initial=0.0)))
    return {
        level_map.level: [
            _row(measures[region, "right"], measures[region, "left"], scale)
            for region in regions_of(level_map.level)
        ]
        for level_map in region_map.levels
    }


def _row(right: RegionMeasure, left: RegionMeasure, scale: float) -> TableRow:
    darker = next((m.side for m in (right, left) if m.stands_out), None)
    share = np.nan_to_num(right.difference_hu) / scale
    start, width = 50 * (1 + min(share, 0)), 50 * abs(share)
    return TableRow(right, left, darker, f"margin-left: {start:.1f}%; width: {width:.1f}%")


def _turned_in_words(region_map: RegionMap) -> str:
    """Return by how much each head was turned."""
    return ", ".join(
        f"{level_map.level} by {abs(level_map.key.alignment.angle):.1f}°"
        for level_map in region_map.levels
    )


def _slice_rows(region_map: RegionMap) -> list[tuple[str, list[str]]]:
    """Return what is known of each key slice, a row a property."""
    levels = region_map.levels
    brain = [m.brain.sum() * np.prod(m.slice.spacing) / 100 for m in levels]
    return [
        (f"Index, of {region_map.slice_count} slices", [str(m.index) for m in levels]),
        ("Height of its centre (mm)", [written(_centre(m)[2]) for m in levels]),
        ("Averaged of thin slices", [_averaged_in_words(m) for m in levels]),
        ("Pixel (mm)", [" × ".join(f"{size:.2f}" for size in m.slice.spacing) for m in levels]),
        ("Head turned by (°)", [written(m.key.alignment.angle) for m in levels]),
        ("Asymmetry of the head", [written(m.key.alignment.asymmetry, ".2f") for m in levels]),
        ("Brain (cm²)", [f"{area:.0f}" for area in brain]),
        ("Correlation with the atlas", [written(m.fit, ".3f") for m in levels]),
    ]


def _averaged_in_words(level_map: LevelMap) -> str:
    if level_map.averaged_slices == 1:
        return "no"
    return f"{level_map.averaged_slices} ({level_map.averaged_mm:.1f} mm)"
