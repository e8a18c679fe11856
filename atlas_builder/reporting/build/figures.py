"""The figures of a build: its templates and regions, and how they came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.construction.build import Build
from atlas_builder.construction.level import LevelJob, LevelResult
from atlas_builder.core.anatomy import Level, regions_of
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SHAPE
from atlas_builder.reporting.base.canvas import (
    Box,
    colour_bar,
    common_box,
    outline,
    pictures,
    show,
)
from atlas_builder.reporting.base.colours import PALE, REGION_COLOURS
from atlas_builder.reporting.base.pictures import radiological
from atlas_builder.reporting.build.curves import convergence_figure, participants_figure

_WHOLE: Box = (slice(0, KEY_SLICE_SHAPE[0]), slice(0, KEY_SLICE_SHAPE[1]))
_FILL = 0.45
_COLUMNS = 5
_BAR = 0.8


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the report.

    Attributes
    ----------
    name : str
        Of its file, without suffix.
    figure : Figure
        The drawing.
    description : str
        What it shows, for those who cannot see it.
    """

    name: str
    figure: Figure
    description: str


def draw_figures(build: Build) -> Iterator[ReportFigure]:
    """Draw the figures of a build one at a time.

    Parameters
    ----------
    build : Build
        A finished build.

    Yields
    ------
    ReportFigure
        In the order of the page.
    """
    for level, result in build.results.items():
        box = build.jobs[level].crop
        yield ReportFigure(
            f"{level}_regions",
            regions_figure(level, result, box),
            f"Template of the {level} slice, and the regions "
            f"{', '.join(region.name for region in regions_of(level))} on both sides of it.",
        )
    yield ReportFigure(
        "probabilities",
        probability_figure(build.results, build.jobs),
        "Share of the participants that agree on the likeliest region at each pixel.",
    )
    for level, result in build.results.items():
        yield ReportFigure(
            f"{level}_iterations",
            iterations_figure(level, result, build.jobs[level]),
            f"The {level} template at the start and after each of "
            f"{len(result.records)} iterations.",
        )
    yield ReportFigure(
        "deformations",
        deformation_figure(build.results, build.jobs),
        "Magnitude of the mean deformation at each iteration, in mm on one colour scale: "
        + "; ".join(
            f"{level} mean "
            + ", ".join(f"{record.mean_deformation_mm:.2f}" for record in result.records)
            for level, result in build.results.items()
        )
        + ".",
    )
    yield ReportFigure(
        "convergence",
        convergence_figure(build.results),
        "Mean deformation, correlation with the template and entropy over the iterations; "
        "the numbers are in the table below.",
    )
    yield ReportFigure(
        "participants",
        participants_figure(build.results),
        "Correlation with the template and DSC with the atlas of every participant, sorted, "
        "with the bounds below which they are flagged.",
    )


def regions_figure(level: Level, result: LevelResult, box: Box) -> Figure:
    """Draw a level's template, alone and with its regions and their names.

    Parameters
    ----------
    level : {'BGL', 'SGL'}
        Which.
    result : LevelResult
        Of that level.
    box : tuple of slice
        What is shown of the key-slice grid.

    Returns
    -------
    Figure
    """
    figure, (plain, named) = pictures([f"{level} template", f"{level} regions"], box, 2)
    for axes in (plain, named):
        show(axes, result.image, _WHOLE)
    for region in regions_of(level):
        mask = result.labels == region
        colour = REGION_COLOURS[region]
        fill = np.zeros((*mask.T.shape, 4))
        fill[radiological(mask)] = to_rgba(colour, _FILL)
        view = named.axis()
        named.imshow(fill, interpolation="antialiased", aspect="auto")
        named.axis(view)
        outline(named, mask, _WHOLE, colour, 1.0)
        for x, y in _name_places(mask):
            named.text(
                x,
                y,
                region.name,
                color="white",
                fontsize=8,
                fontweight="bold",
                ha="center",
                va="center",
                path_effects=[withStroke(linewidth=2.0, foreground="black")],
            )
    return figure


def _name_places(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield the pixel deepest inside each side of a region."""
    middle = mask.shape[0] // 2
    for start, side in ((0, mask[:middle]), (middle, mask[middle:])):
        if side.any():
            depth = ndimage.distance_transform_edt(np.pad(side, 1))[1:-1, 1:-1]
            x, y = np.unravel_index(int(np.argmax(depth)), depth.shape)
            yield start + int(x), int(y)


def probability_figure(
    results: Mapping[Level, LevelResult], jobs: Mapping[Level, LevelJob]
) -> Figure:
    """Draw the share of the participants that agree on the likeliest region, at one scale.

    Parameters
    ----------
    results : mapping of level to LevelResult
        Of a build.
    jobs : mapping of level to LevelJob
        Their parts of the key-slice grid.

    Returns
    -------
    Figure
    """
    box = common_box([job.crop for job in jobs.values()])
    titles = [f"{level} probability of the likeliest region" for level in results]
    figure, places = pictures(titles, box, 2, bar_width=_BAR)
    for axes, result in zip(places, results.values(), strict=True):
        shown = show(
            axes, result.probabilities.max(axis=0), _WHOLE, colours="inferno", limits=(0.0, 1.0)
        )
        outline(axes, result.image != 0, _WHOLE, PALE, 0.5)
    colour_bar(figure, shown, "share of participants", _BAR)
    return figure


def iterations_figure(level: Level, result: LevelResult, job: LevelJob) -> Figure:
    """Draw a level's template at the start and after each iteration.

    Parameters
    ----------
    level : {'BGL', 'SGL'}
        Which.
    result : LevelResult
        Of that level.
    job : LevelJob
        Of that level.

    Returns
    -------
    Figure
    """
    start = "average" if job.initial == "average" else "one participant"
    titles = [f"{level} start: {start}"]
    titles += [f"after iteration {record.iteration}" for record in result.records]
    figure, places = pictures(titles, job.crop, min(_COLUMNS, len(titles)))
    for axes, template in zip(places, result.templates, strict=True):
        show(axes, template, _WHOLE)
    return figure


def deformation_figure(
    results: Mapping[Level, LevelResult], jobs: Mapping[Level, LevelJob]
) -> Figure:
    """Draw the magnitude of the mean deformation at each iteration, on one scale for all.

    Parameters
    ----------
    results : mapping of level to LevelResult
        Of a build.
    jobs : mapping of level to LevelJob
        Their parts of the key-slice grid.

    Returns
    -------
    Figure

    References
    ----------
    Sun et al., Sci Data 11, 1132 (2024), Figure 4: the mean deformation flattens as the template
    takes the mean shape. doi:10.1038/s41597-024-03973-y
    """
    box = common_box([job.crop for job in jobs.values()])
    limits = deformation_limits(results)
    columns = min(_COLUMNS, max(len(result.records) for result in results.values()))
    titles: list[str] = []
    panels: list[tuple[Box, NDArray[np.float32], NDArray[np.float32]] | None] = []
    for level, result in results.items():
        for record, field in zip(result.records, result.deformations, strict=True):
            titles.append(f"{level} iteration {record.iteration}")
            panels.append((jobs[level].crop, field, result.templates[record.iteration - 1]))
        # Every level begins a row.
        missing = -len(result.records) % columns
        titles += [""] * missing
        panels += [None] * missing
    figure, places = pictures(titles, box, columns, bar_width=_BAR)
    for axes, panel in zip(places, panels, strict=True):
        if panel is None:
            axes.remove()
            continue
        crop, field, template = panel
        shown = show(axes, field, crop, colours="viridis", limits=limits)
        outline(axes, template != 0, _WHOLE, "white", 0.6)
    colour_bar(figure, shown, "mean deformation (mm)", _BAR)
    return figure


def deformation_limits(results: Mapping[Level, LevelResult]) -> tuple[float, float]:
    """Return the scale in mm on which the deformations of all levels and iterations are shown.

    Parameters
    ----------
    results : mapping of level to LevelResult
        Of a build.

    Returns
    -------
    tuple of float
        0 and the largest deformation, or 1 where nothing is deformed.
    """
    largest = max(float(field.max()) for r in results.values() for field in r.deformations)
    return 0.0, largest or 1.0
