"""The report of a patient labelled by CT perfusion: one page."""

from __future__ import annotations

from pathlib import Path

from aspects_scorer.perfusion.core import CORE_RATIO
from aspects_scorer.perfusion.labelled import LabelledPerfusion
from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.reporting.base.colours import PAGE_COLOURS
from atlas_builder.reporting.base.name_places import NAME_HEIGHT_MM
from atlas_builder.reporting.base.page import write_page
from atlas_builder.reporting.base.pictures import data_uri
from atlas_builder.runtime.versions import versions_of_scan_result

_TEMPLATE = "perfusion/report.html"


def write_report(path: Path, result: LabelledPerfusion, overlay: Path) -> None:
    """Write the report as one HTML file that needs no other; it names no patient and no file.

    Parameters
    ----------
    path : Path
        The file, in an existing folder.
    result : LabelledPerfusion
        What was found.
    overlay : Path
        The picture, PNG.
    """
    found = result.labelled
    regions = {(one.region, one.side): one for one in found.truth.regions}
    affected = {
        side: [one for one in found.truth.regions if one.side == side and one.affected]
        for side in SIDES
    }
    content = {
        "truth": found.truth,
        "aspects": found.truth.lower_aspects,
        "affected": {side: ones for side, ones in affected.items() if ones},
        "flags": result.flags,
        "unit": found.unit,
        "placed": found.placed,
        "better_side": found.better_side,
        "coverage_mm": found.coverage_mm,
        "core_ratio": CORE_RATIO,
        "rule": result.rule,
        "overlay": data_uri(overlay.read_bytes(), "image/png"),
        "pairs": [(regions[region, "right"], regions[region, "left"]) for region in Region],
        "timings": result.timings,
        "versions": versions_of_scan_result(),
        **PAGE_COLOURS,
        "name_mm": NAME_HEIGHT_MM,
    }
    write_page(Path(path), _TEMPLATE, content)
