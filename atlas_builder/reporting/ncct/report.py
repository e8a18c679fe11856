"""The report of a scored head CT: one page with the score, its reasons, what to doubt, numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from aspects_scorer.ncct.scored_scan import RegionFinding, ScoredScan
from atlas_builder.core.anatomy import LEVELS, SIDES, Level, Side, regions_of
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.reporting.base.colours import PAGE_COLOURS
from atlas_builder.reporting.base.name_places import NAME_HEIGHT_MM
from atlas_builder.reporting.base.page import write_page
from atlas_builder.reporting.base.pictures import data_uri
from atlas_builder.reporting.mapping.findings import written
from atlas_builder.reporting.viewer.page_parts import Viewer
from atlas_builder.runtime.versions import versions_of_scan_result

_TEMPLATE = "ncct/report.html"


def write_ncct_report(
    path: Path,
    scored: ScoredScan,
    region_map: RegionMap,
    pitch_deg: float,
    overlay: Path,
    viewer: Viewer,
    attention: Path | None = None,
    infarct: Path | None = None,
) -> None:
    """Write the report of a scored scan as one HTML file that needs no other.

    It names no patient and no file of theirs.

    Parameters
    ----------
    path : Path
        The file, in an existing folder.
    scored : ScoredScan
        The score.
    region_map : RegionMap
        Of the key slices.
    pitch_deg : float
        Of the slices against the atlas's plane.
    overlay : Path
        The picture of the key slices, PNG.
    viewer : Viewer
        Of all slices.
    attention : Path, optional
        The picture of where a network looked, PNG.
    infarct : Path, optional
        The picture of the infarct, PNG.
    """
    bgl, sgl = region_map.levels
    content = {
        "scored": scored,
        "lost": _lost(scored),
        "map": region_map,
        "bgl": bgl.index,
        "sgl": sgl.index,
        "pitch": pitch_deg,
        "tables": _tables(scored),
        "viewer": viewer,
        "overlay": data_uri(overlay.read_bytes(), "image/png"),
        "attention": attention and data_uri(attention.read_bytes(), "image/png"),
        "infarct": infarct and data_uri(infarct.read_bytes(), "image/png"),
        "written": written,
        "known": math.isfinite,
        "versions": versions_of_scan_result(),
        **PAGE_COLOURS,
        "name_mm": NAME_HEIGHT_MM,
    }
    write_page(Path(path), _TEMPLATE, content)


def _lost(scored: ScoredScan) -> Mapping[Side, list[RegionFinding]]:
    """Return the regions that lose their point, a list a side that has any."""
    lost = {side: [f for f in scored.of(side) if f.affected] for side in SIDES}
    return {side: found for side, found in lost.items() if found}


def _tables(scored: ScoredScan) -> Mapping[Level, list[tuple[RegionFinding, RegionFinding]]]:
    """Return the regions of both sides beside each other, right first as in pictures."""
    found = {(f.region, f.side): f for f in scored.findings}
    return {
        level: [(found[region, "right"], found[region, "left"]) for region in regions_of(level)]
        for level in LEVELS
    }
