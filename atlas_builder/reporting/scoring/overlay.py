"""Pictures of a scored lesion: slices with the regions, and the core in three dimensions.

They are painted pixel by pixel: a plotting library takes longer to load than all else that scoring
a lesion needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFilter, ImageFont

from atlas_builder.reporting.base.colours import BRAIN, PALE, REGION_COLOURS
from atlas_builder.reporting.base.name_places import NAME_HEIGHT_MM
from atlas_builder.reporting.base.outlined_regions import OutlinedRegion
from atlas_builder.reporting.base.outlines import closed_borders
from atlas_builder.reporting.scoring.axial_views import HEIGHTS, AxialView
from atlas_builder.reporting.scoring.core_rendering import VIEWS, Scene, render
from atlas_builder.runtime.files import replacing

_PIXELS_PER_MM = 2.5
_FINE = 3
"""Outlines are drawn on pixels so many times finer and averaged, which smooths their edges."""

_GAP, _FOOT, _FRAME = 6, 36, 8  # pixels
_LESION_ALPHA = 0.42
# Widths in pixels, of colour and with the black on both sides of it.
_LINE, _LOST_LINE, _CORE, _LESION_LINE = 1.33, 3.67, 1.0, 1.5
_EDGE = 1.33
_BLACK, _WHITE = "black", "white"
_SMALL, _TEXT = 12.0, 14.0  # pixels
_BLUR = 0.45
_HALO, _PLATE_ROOM = 1.33, 2.5
_LEGEND = (
    "R, L: the patient's sides. Red: lesion. Thick outline, name on white: the region loses its "
    "point. Research software, not a medical device."
)


def write_overlay(path: Path, views: Sequence[AxialView]) -> None:
    """Write slices with the lesion and the regions as PNG, a row a level.

    The same lesion gives the same bytes.

    Parameters
    ----------
    path : Path
        The file.
    views : sequence of AxialView
        From `axial_views`.
    """
    columns = max(len(heights) for _, heights in HEIGHTS)
    panels = [_panel(view) for view in views]
    width, height = panels[0].size
    rows = -(-len(views) // columns)
    size = (columns * (width + _GAP) - _GAP, rows * (height + _GAP) + _FOOT)
    picture = Image.new("RGB", size, _BLACK)
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        picture.paste(panel, (column * (width + _GAP), row * (height + _GAP)))
    at = (_FRAME, size[1] - _FOOT / 2)
    ImageDraw.Draw(picture).text(at, _LEGEND, PALE, _font(_SMALL), "lm")
    _save(picture, path)


def write_core(path: Path, drawn: Scene) -> None:
    """Write the core within the brain, seen from four sides, as PNG.

    Parameters
    ----------
    path : Path
        The PNG file.
    drawn : Scene
        From `scene`.
    """
    # Blurred by less than a pixel: no glint of a single one where a surface turns away.
    soft = ImageFilter.GaussianBlur(_BLUR)
    renderings = [Image.fromarray(render(drawn, view)).filter(soft) for view in VIEWS]
    width = round(3 * _PIXELS_PER_MM * 160)
    scale = width / sum(rendering.width for rendering in renderings)
    enlarged = [
        rendering.resize(
            (round(scale * rendering.width), round(scale * rendering.height)),
            Image.Resampling.BILINEAR,
        )
        for rendering in renderings
    ]
    tallest = max(rendering.height for rendering in enlarged)
    size = (sum(rendering.width for rendering in enlarged), tallest + _FOOT)
    picture = Image.new("RGB", size, _BLACK)
    draw = ImageDraw.Draw(picture)
    start = 0
    for view, rendering in zip(VIEWS, enlarged, strict=True):
        picture.paste(rendering, (start, (tallest - rendering.height) // 2))
        at = (start + rendering.width / 2, tallest + _FOOT / 2)
        text = f"{view.marks[0]}    {view.name}    {view.marks[1]}"
        draw.text(at, text, PALE, _font(_TEXT), "mm")
        start += rendering.width
    _save(picture, path)


def _panel(view: AxialView) -> Image.Image:
    left, right, top, bottom = view.extent
    width, height = (round(_PIXELS_PER_MM * length) for length in (right - left, bottom - top))
    fine = Image.fromarray(_coloured(view)).resize(
        (_FINE * width, _FINE * height), Image.Resampling.BILINEAR
    )
    canvas = ImageDraw.Draw(fine)
    spacing = (right - left) / view.lesion.shape[0]
    borders = [
        (border + 0.5) * spacing + (left, top) for border in closed_borders(view.lesion, (1.0, 1.0))
    ]
    _stroke(canvas, _to_pixels(borders, view), _LESION_LINE, BRAIN)
    # Those that lose their point last, so that no neighbour's line lies on theirs.
    for region in sorted(view.regions, key=lambda region: region.stands_out):
        _outline(canvas, region, view)
    for region in view.named:
        _name(canvas, region, view)
    panel = fine.reduce(_FINE)
    draw = ImageDraw.Draw(panel)
    low = f"{view.level}  z = {view.height:.0f} mm"
    for at, anchor, text, size in (
        ((_FRAME, _FRAME), "la", "R", _TEXT),
        ((width - _FRAME, _FRAME), "ra", "L", _TEXT),
        ((_FRAME, height - _FRAME), "ld", low, _SMALL),
    ):
        draw.text(at, text, PALE, _font(size), anchor, stroke_width=_HALO, stroke_fill=_BLACK)
    return panel


def _coloured(view: AxialView) -> NDArray[np.uint8]:
    """Return the slice with the lesion laid over it, shape (rows, columns, 3)."""
    # Pictures begin at the patient's right and front, as the slice's axes do.
    grey = 255 * view.image.T[..., np.newaxis]
    share = _LESION_ALPHA * view.lesion.T[..., np.newaxis].astype(np.float32)
    red = np.array(ImageColor.getrgb(BRAIN), np.float32)
    return np.rint(grey * (1 - share) + red * share).astype(np.uint8)


def _outline(canvas: ImageDraw.ImageDraw, region: OutlinedRegion, view: AxialView) -> None:
    width = _LOST_LINE if region.stands_out else _LINE
    borders = _to_pixels(region.borders, view)
    _stroke(canvas, borders, width + _EDGE, _BLACK)
    _stroke(canvas, borders, width, REGION_COLOURS[region.region])
    if region.stands_out:
        _stroke(canvas, borders, _CORE, _WHITE)


def _to_pixels(
    polygons: Iterable[NDArray[np.float64]], view: AxialView
) -> list[list[tuple[float, float]]]:
    """Return closed polygons in mm as points of the fine picture, the first one repeated."""
    left, _, top, _ = view.extent
    scale = _FINE * _PIXELS_PER_MM
    return [[(x, y) for x, y in (scale * (polygon - (left, top))).tolist()] for polygon in polygons]


def _stroke(
    canvas: ImageDraw.ImageDraw,
    polygons: Iterable[list[tuple[float, float]]],
    width: float,
    colour: str,
) -> None:
    for points in polygons:
        canvas.line([*points, *points[:2]], colour, round(_FINE * width), joint="curve")


def _name(canvas: ImageDraw.ImageDraw, region: OutlinedRegion, view: AxialView) -> None:
    """Write a region's name, on white where it loses its point."""
    left, _, top, _ = view.extent
    x, y = region.name_place
    at = _FINE * _PIXELS_PER_MM * (x - left), _FINE * _PIXELS_PER_MM * (y - top)
    name, font = region.region.name, _font(_FINE * _PIXELS_PER_MM * NAME_HEIGHT_MM)
    colour = _WHITE
    if region.stands_out:
        first, high, last, low = canvas.textbbox(at, name, font, "mm")
        room = _PLATE_ROOM * _FINE
        plate = (first - room, high - room, last + room, low + room)
        canvas.rounded_rectangle(plate, room, _WHITE, _BLACK, width=_FINE)
        colour = _BLACK
    else:
        canvas.text(at, name, _BLACK, font, "mm", stroke_width=_HALO * _FINE, stroke_fill=_BLACK)
    # A stroke of its own colour makes it bold.
    canvas.text(at, name, colour, font, "mm", stroke_width=1, stroke_fill=colour)


@cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    # The typeface that Pillow brings with it, the same on every computer.
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _save(picture: Image.Image, path: Path) -> None:
    with replacing(path) as partial:
        picture.save(partial, compress_level=3)
