"""The report of a build: the page that tells whether an atlas can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atlas_builder.construction.build import Build
from atlas_builder.construction.level import LevelResult
from atlas_builder.core.anatomy import Level, regions_of
from atlas_builder.reporting.base.canvas import save_figure
from atlas_builder.reporting.base.colours import BRAIN, REGION_COLOURS, WARNING
from atlas_builder.reporting.base.page import rows_of, write_page
from atlas_builder.reporting.base.pictures import data_uri
from atlas_builder.reporting.build.figures import draw_figures
from atlas_builder.reporting.build.outliers import LEAST_DROP
from atlas_builder.reporting.build.participants import (
    find_warnings,
    level_backgrounds,
    participant_entries,
)

_TEMPLATE = "build/report.html"


@dataclass(frozen=True)
class Picture:
    """A figure as the page holds it: a data URI and what it shows."""

    source: str
    description: str


def write_build_report(build: Build, out: Path) -> list[Path]:
    """Write the figures and the page of a build whose work folder is still there.

    Participants are loaded one at a time. The same build gives the same bytes.

    Parameters
    ----------
    build : Build
        With its work folder.
    out : Path
        An existing folder; ``report.html`` and ``figures/`` are written there.

    Returns
    -------
    list of Path
        The files written.
    """
    out = Path(out)
    (out / "figures").mkdir(exist_ok=True)
    files: list[Path] = []
    pictures: dict[str, Picture] = {}
    for drawn in draw_figures(build):
        files.append(out / "figures" / f"{drawn.name}.png")
        save_figure(drawn.figure, files[-1])
        source = data_uri(files[-1].read_bytes(), "image/png")
        pictures[drawn.name] = Picture(source, drawn.description)
    backgrounds = level_backgrounds(build)
    warnings = find_warnings(build, backgrounds)
    content = {
        "settings": build.settings,
        "simulated": build.inputs["simulation"] is not None,
        "participants": build.participants,
        "refusals": build.refusals,
        "results": build.results,
        "regions": {level: regions_of(level) for level in build.results},
        "region_colours": REGION_COLOURS,
        "brain_colour": BRAIN,
        "warning_colour": WARNING,
        "mean_dice": mean_dice(build.results),
        "figures": pictures,
        "backgrounds": backgrounds,
        "warnings": warnings,
        "least_drop": LEAST_DROP,
        "entries": participant_entries(build, backgrounds, warnings),
        "parameters": _rows_of(build.inputs, "settings"),
        "versions": _rows_of(build.inputs, "versions"),
    }
    files.append(out / "report.html")
    write_page(files[-1], _TEMPLATE, content)
    return files


def mean_dice(results: Mapping[Level, LevelResult]) -> dict[Level, float]:
    """Return the mean DSC over the participants of each level; NaN where none has one."""
    means: dict[Level, float] = {}
    for level, result in results.items():
        values = np.array(list(result.dice.values()))
        finite = values[np.isfinite(values)]
        means[level] = float(finite.mean()) if finite.size else float("nan")
    return means


def _rows_of(inputs: Mapping[str, object], name: str) -> list[tuple[str, str]]:
    values = inputs[name]
    return rows_of(values) if isinstance(values, Mapping) else []
