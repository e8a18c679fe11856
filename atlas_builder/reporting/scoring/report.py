"""The report of a scored lesion: one page with the score, what to doubt, pictures and numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from aspects_scorer.dwi.case import SOURCES, Case
from aspects_scorer.dwi.scored_lesion import LITTLE_SHARE, hangs_on_little
from atlas_builder.core.anatomy import LEVELS, SIDES, Level, Region, Side, regions_of
from atlas_builder.core.aspects import DEEP_REGIONS, RegionInvolvement
from atlas_builder.reporting.base.colours import PAGE_COLOURS
from atlas_builder.reporting.base.name_places import NAME_HEIGHT_MM
from atlas_builder.reporting.base.page import rows_of, write_page
from atlas_builder.reporting.base.pictures import data_uri
from atlas_builder.reporting.scoring.lesion_slices import view_lesion
from atlas_builder.reporting.viewer.page_parts import Viewer
from atlas_builder.runtime.versions import versions_of_scan_result

_TEMPLATE = "scoring/report.html"


def write_report(
    path: Path, case: Case, overlay: Path, core: Path, set_aside: Path | None = None
) -> None:
    """Write the report of a scored lesion as one HTML file that needs no other.

    It names no patient and no file of theirs. The same case gives the same bytes.

    Parameters
    ----------
    path : Path
        The file, in an existing folder.
    case : Case
        What was found.
    overlay, core : Path
        The pictures, PNG.
    set_aside : Path, optional
        Of what was found and is not counted.
    """
    scored = case.scored
    content = {
        "case": case,
        "viewer": Viewer.of(view_lesion(case), "MNI152 space"),
        "scored": scored,
        "score": scored.score,
        "source": SOURCES[case.source],
        "mca_share": None if math.isnan(scored.mca_share) else scored.mca_share,
        "lost": _lost(scored.score.regions),
        "overlay": data_uri(overlay.read_bytes(), "image/png"),
        "core": data_uri(core.read_bytes(), "image/png"),
        "set_aside": set_aside and data_uri(set_aside.read_bytes(), "image/png"),
        "tables": _tables(scored.score.regions),
        "nuclei": DEEP_REGIONS,
        "hangs_on_little": hangs_on_little,
        "little_share": LITTLE_SHARE,
        "any_little": any(map(hangs_on_little, scored.score.regions)),
        "parameters": rows_of(case.parameters),
        "versions": versions_of_scan_result(),
        **PAGE_COLOURS,
        "name_mm": NAME_HEIGHT_MM,
    }
    write_page(Path(path), _TEMPLATE, content)


def _lost(regions: tuple[RegionInvolvement, ...]) -> Mapping[Side, list[RegionInvolvement]]:
    """Return the regions that lose their point, a list a side that has any."""
    lost = {side: [r for r in regions if r.side == side and r.loses_point] for side in SIDES}
    return {side: found for side, found in lost.items() if found}


def _tables(
    regions: tuple[RegionInvolvement, ...],
) -> Mapping[Level, list[tuple[RegionInvolvement, RegionInvolvement]]]:
    """Return the regions of both sides beside each other, right first as in pictures."""
    found: Mapping[tuple[Region, Side], RegionInvolvement] = {
        (r.region, r.side): r for r in regions
    }
    return {
        level: [(found[region, "right"], found[region, "left"]) for region in regions_of(level)]
        for level in LEVELS
    }
