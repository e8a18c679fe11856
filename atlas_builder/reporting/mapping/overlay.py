"""The picture of a region map: both levels, in two windows, without and with the regions.

The same slice stands beside every outlined one, so that nothing a reader wants to see lies under a
line. Outlines have a black edge: they show on dark and on bright tissue, in colour and in grey.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import Stroke, withStroke

from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.reporting.base.colours import PALE, REGION_COLOURS
from atlas_builder.reporting.base.name_places import NAME_HEIGHT_MM
from atlas_builder.reporting.base.outlined_regions import OutlinedRegion
from atlas_builder.reporting.base.pictures import (
    BRAIN_WINDOW,
    STROKE_WINDOW,
    Window,
    grey_levels,
    radiological,
    rgb,
)
from atlas_builder.reporting.mapping.findings import flags_in_brief, standing_out_in_words
from atlas_builder.reporting.mapping.upright import (
    SCALE_BAR_MM,
    UprightView,
    upright_views,
)
from atlas_builder.runtime.files import replacing

_WIDTH = 12.8  # inches
_DPI = 150
_PNG = {"compress_level": 3}  # higher ones take twice as long for noise, and gain nothing
_GAP = 0.04
_HEAD, _FOOT = 0.36, 0.52  # inches above and below the slices, with one line of flags
_LINE_OF_FLAGS = 0.17  # inches
_FLAGS_IN_A_LINE = 180  # letters; fewer than fit, for letters differ in width
_LINE, _STANDING_OUT_LINE = 0.9, 2.6  # points
_EDGE = 0.8  # points of black around a line, half on either side
_CORE = 0.6  # points of white within the line of what stands out, for prints without colour
_SMALL, _TEXT = 6.5, 8.5
_HALO = withStroke(linewidth=2.0, foreground="black")
_EDGE_OF_TEXT = 0.006
_LEGEND = (
    "R, L: the patient's sides. Heads are turned upright. Thick outline, name on white: darker "
    "than the other side. Dashed: midline. Research software, not a medical device."
)
_FRAME = 0.018  # of the panel: how far its marks keep from its border


class OverlayFigure(Figure):
    """A figure that a notebook shows by itself, also where pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", pil_kwargs=_PNG)
        return buffer.getvalue()


def draw_region_map(region_map: RegionMap) -> Figure:
    """Draw both levels with their regions in the brain window and the stroke window.

    A row a level; in each, from the left: brain window (level 40, width 80), the same with outlines
    and names, stroke window (level 35, width 30), the same with outlines. The patient's right is at
    the left, the head stands upright, and all slices have one scale. Regions that stand out have a
    thick outline and their name in black on white.

    Parameters
    ----------
    region_map : RegionMap
        What `map_regions` returns.

    Returns
    -------
    matplotlib.figure.Figure
        1920 pixels wide.
    """
    views = upright_views(region_map)
    left, right, top, bottom = views[0].extent
    width = _WIDTH / 4 - _GAP
    height = width * (bottom - top) / (right - left)
    flags = textwrap.wrap(flags_in_brief(region_map), _FLAGS_IN_A_LINE, subsequent_indent="   ")
    foot = _FOOT + (len(flags) - 1) * _LINE_OF_FLAGS
    full_height = _HEAD + len(views) * (height + _GAP) + foot
    figure = OverlayFigure((_WIDTH, full_height), dpi=_DPI, facecolor="black")
    points_per_mm = 72 * width / (right - left)
    for row, view in enumerate(views):
        y = full_height - _HEAD - (row + 1) * (height + _GAP)
        for column, window in enumerate((BRAIN_WINDOW, STROKE_WINDOW)):
            plain, outlined = (
                figure.add_axes(
                    (
                        (place * (width + _GAP) + _GAP / 2) / _WIDTH,
                        y / full_height,
                        width / _WIDTH,
                        height / full_height,
                    )
                )
                for place in (2 * column, 2 * column + 1)
            )
            for axes in (plain, outlined):
                _show(axes, view, window)
            _outline(outlined, view)
            if window == BRAIN_WINDOW:
                for region in view.regions:
                    _name(outlined, region, NAME_HEIGHT_MM * points_per_mm)
    _write_head(figure, region_map, 1 - 0.64 * _HEAD / full_height)
    _write_foot(figure, flags, full_height)
    return figure


def write_overlay(path: Path, region_map: RegionMap) -> None:
    """Write the picture as PNG: the same bytes for the same map.

    Parameters
    ----------
    path : Path
        The PNG file.
    region_map : RegionMap
        From `map_regions`.
    """
    figure = draw_region_map(region_map)
    with replacing(path) as partial:
        figure.savefig(partial, metadata={"Software": None}, pil_kwargs=_PNG)


def _show(axes: Axes, view: UprightView, window: Window) -> None:
    left, right, top, bottom = view.extent
    axes.set_axis_off()
    axes.imshow(
        rgb(radiological(grey_levels(view.hu, window))),  # colour maps take time
        extent=(left, right, bottom, top),
        interpolation="bilinear",
        aspect="auto",
    )
    _mark(axes, (_FRAME, 1 - _FRAME), "R", _TEXT)
    _mark(axes, (1 - _FRAME, 1 - _FRAME), "L", _TEXT)
    _mark(axes, (_FRAME, _FRAME), f"{view.level}  slice {view.index}\n{window.setting}", _SMALL)
    _scale_bar(axes, view)


def _mark(axes: Axes, at: tuple[float, float], text: str, size: float) -> None:
    x, y = at
    axes.text(
        x,
        y,
        text,
        color=PALE,
        fontsize=size,
        ha="left" if x < 0.5 else "right",
        va="bottom" if y < 0.5 else "top",
        linespacing=1.35,
        transform=axes.transAxes,
        path_effects=[_HALO],
    )


def _scale_bar(axes: Axes, view: UprightView) -> None:
    bar = view.scale_bar
    axes.plot(*bar.T, color=PALE, linewidth=0.9, path_effects=[_HALO], scalex=False, scaley=False)
    x, y = bar[-1]
    axes.text(
        x,
        y - 3,
        f"{SCALE_BAR_MM} mm",
        color=PALE,
        fontsize=_SMALL,
        ha="right",
        path_effects=[_HALO],
    )


def _outline(axes: Axes, view: UprightView) -> None:
    axes.plot(
        *view.midline.T,
        color=PALE,
        linewidth=0.5,
        alpha=0.55,
        dashes=(6, 5),
        scalex=False,
        scaley=False,
    )
    # Those that stand out last, so that no neighbour's line lies on theirs.
    for region in sorted(view.regions, key=lambda region: region.stands_out):
        strokes = [(_EDGE, "black"), (0.0, REGION_COLOURS[region.region])]
        if region.stands_out:
            strokes.append((_CORE - _STANDING_OUT_LINE, "white"))
        width = _STANDING_OUT_LINE if region.stands_out else _LINE
        axes.add_collection(
            PolyCollection(
                region.borders,
                facecolors="none",
                linewidths=width,
                joinstyle="round",
                path_effects=[
                    Stroke(linewidth=width + more, foreground=colour) for more, colour in strokes
                ],
            ),
            autolim=False,
        )


def _name(axes: Axes, region: OutlinedRegion, size: float) -> None:
    x, y = region.name_place
    text = axes.text(
        x,
        y,
        region.region.name,
        color="black" if region.stands_out else "white",
        fontsize=size,
        fontweight="bold",
        ha="center",
        va="center_baseline",
    )
    if region.stands_out:
        text.set_bbox({"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "black"})
    else:
        text.set_path_effects([_HALO])


def _write_head(figure: Figure, region_map: RegionMap, y: float) -> None:
    group = region_map.age_group
    atlas = f"{region_map.atlas_name}, {group.first}–{group.last} years"
    figure.text(_EDGE_OF_TEXT, y, standing_out_in_words(region_map), color="white", fontsize=10)
    figure.text(
        1 - _EDGE_OF_TEXT, y, atlas, color=PALE, fontsize=_TEXT, ha="right", parse_math=False
    )


def _write_foot(figure: Figure, flags: Sequence[str], full_height: float) -> None:
    for lines_below, text in zip(reversed(range(len(flags))), flags, strict=True):
        y = (0.60 * _FOOT + lines_below * _LINE_OF_FLAGS) / full_height
        figure.text(_EDGE_OF_TEXT, y, text, color="white", fontsize=_TEXT, parse_math=False)
    y = 0.20 * _FOOT / full_height
    figure.text(_EDGE_OF_TEXT, y, _LEGEND, color=PALE, fontsize=_SMALL + 0.5)
