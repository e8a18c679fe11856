"""The report of a build: the page that shows whether an atlas is sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atlas_builder.construction.build import Build
from atlas_builder.construction.level import LevelResult
from atlas_builder.core.anatomy import Level, regions_of
from atlas_builder.reporting.base.canvas import save_figure
from atlas_builder.reporting.base.colours import PAGE_COLOURS
from atlas_builder.reporting.base.page import rows_under, write_page
from atlas_builder.reporting.base.pictures import data_uri
from atlas_builder.reporting.build.figures import draw_figures
from atlas_builder.reporting.build.outliers import LEAST_DROP
from atlas_builder.reporting.build.participants import (
    find_warnings,
    level_backgrounds,
    participant_entries,
)
from atlas_builder.runtime.workers import Workers

_TEMPLATE = "build/report.html"


@dataclass(frozen=True)
class Picture:
    """A figure as the page holds it: a data URI and what it shows."""

    source: str
    description: str


def write_build_report(build: Build, out: Path, workers: Workers) -> list[Path]:
    """Write the figures and the page of a build whose work folder is still there.

    Participants are loaded a few at a time. The same build gives the same bytes.

    Parameters
    ----------
    build : Build
        With its work folder.
    out : Path
        An existing folder; ``report.html`` and ``figures/`` are written there.
    workers : Workers
        Make the participants' pictures.

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
        **PAGE_COLOURS,
        "mean_dice": mean_dice(build.results),
        "figures": pictures,
        "backgrounds": backgrounds,
        "warnings": warnings,
        "least_drop": LEAST_DROP,
        "entries": participant_entries(build, backgrounds, warnings, workers),
        "parameters": rows_under(build.inputs, "settings"),
        "versions": rows_under(build.inputs, "versions"),
    }
    files.append(out / "report.html")
    write_page(files[-1], _TEMPLATE, content)
    return files


def mean_dice(results: Mapping[Level, LevelResult]) -> dict[Level, float]:
    """Return the mean DSC over the participants of each level; NaN where none has one.

    Parameters
    ----------
    results : mapping of level to LevelResult
        Of a build.

    Returns
    -------
    dict of level to float
        From 0 to 1.
    """
    means: dict[Level, float] = {}
    for level, result in results.items():
        values = np.array(list(result.dice.values()))
        finite = values[np.isfinite(values)]
        means[level] = float(finite.mean()) if finite.size else float("nan")
    return means
