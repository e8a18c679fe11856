"""A slice with outlines, names and marks, painted pixel by pixel.

A plotting library takes longer to load and to draw than all else that a picture of a scan needs.
Lines and names are drawn on pixels three times finer and averaged, which smooths their edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from atlas_builder.reporting.base.colours import PALE, REGION_COLOURS
from atlas_builder.reporting.base.name_places import NAME_HEIGHT_MM
from atlas_builder.reporting.base.outlined_regions import OutlinedRegion
from atlas_builder.runtime.files import replacing

Extent = tuple[float, float, float, float]
"""Where a picture begins and ends along x, then along y, in mm."""

Anchor = Literal["la", "ra", "ld", "rd", "lm", "rm", "mm"]
"""Where a text's place lies in it, as Pillow has it: left, right; ascender, middle, descender."""

_FINE = 3
_LINE, _STANDING_OUT_LINE = 1.9, 5.0
"""Widths of outlines, in pixels of the picture, as all lengths here."""
_EDGE = 1.67  # of black around a line, half on either side: it shows on dark and on bright tissue
_CORE = 1.25  # of white within the line of what stands out, for prints without colour
_HALO, _PLATE_ROOM = 1.33, 2.5
_FRAME = 8
_COMPRESSION = 3  # higher ones take twice as long for noise, and gain nothing

SMALL, TEXT = 13.0, 16.0
"""Heights of letters in pixels."""


@dataclass(frozen=True)
class SlicePanel:
    """A slice under way.

    Attributes
    ----------
    fine : PIL.Image.Image
        What is painted so far, on the finer pixels.
    extent : tuple of float
        What it shows, in mm.
    """

    fine: Image.Image
    extent: Extent

    @classmethod
    def of(cls, picture: NDArray[np.uint8], extent: Extent, width: int) -> SlicePanel:
        """Begin with a slice.

        Parameters
        ----------
        picture : ndarray of uint8, shape (rows, columns) or (rows, columns, 3)
            Grey values or colours.
        extent : tuple of float
            What it shows, in mm.
        width : int
            Of the panel in pixels; pixels are square.

        Returns
        -------
        SlicePanel
        """
        left, right, top, bottom = extent
        height = round(width * (bottom - top) / (right - left))
        size = (_FINE * width, _FINE * height)
        return cls(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR), extent)

    def in_colour(self) -> SlicePanel:
        """Return a copy that takes colours."""
        return SlicePanel(self.fine.convert("RGB"), self.extent)

    def stroke(self, polygons: Iterable[NDArray[np.float64]], width: float, colour: str) -> None:
        """Draw closed lines.

        Parameters
        ----------
        polygons : iterable of ndarray, shape (points, 2)
            In mm.
        width : float
            In pixels.
        colour : str
            Its name or ``#rrggbb``.
        """
        canvas = ImageDraw.Draw(self.fine)
        for polygon in polygons:
            points = self._places(polygon)
            canvas.line([*points, *points[:2]], colour, round(_FINE * width), joint="curve")

    def dash(self, ends: NDArray[np.float64], width: float, colour: str, *, every: float) -> None:
        """Draw a dashed straight line.

        Parameters
        ----------
        ends : ndarray, shape (2, 2)
            Its two points, in mm.
        width : float
            In pixels.
        colour : str
            Its name or ``#rrggbb``.
        every : float
            From one dash to the next, in mm; half of it is drawn.
        """
        canvas = ImageDraw.Draw(self.fine)
        start, end = ends
        steps = np.arange(0, 1, every / float(np.linalg.norm(end - start)))[:, np.newaxis]
        starts = start + steps * (end - start)
        stops = starts + (end - start) * steps[1:2] / 2
        for dash in np.stack([starts, stops], axis=1):
            canvas.line(self._places(dash), colour, max(1, round(_FINE * width)))

    def outline(self, region: OutlinedRegion) -> None:
        """Draw a region's outline, thick where the region stands out.

        Parameters
        ----------
        region : OutlinedRegion
            Which one.
        """
        width = _STANDING_OUT_LINE if region.stands_out else _LINE
        self.stroke(region.borders, width + _EDGE, "black")
        self.stroke(region.borders, width, REGION_COLOURS[region.region])
        if region.stands_out:
            self.stroke(region.borders, _CORE, "white")

    def name(self, region: OutlinedRegion) -> None:
        """Write a region's name, on white where the region stands out.

        Parameters
        ----------
        region : OutlinedRegion
            Which one.
        """
        canvas = ImageDraw.Draw(self.fine)
        (at,) = self._places(np.array([region.name_place]))
        name, font = region.region.name, _font(self._scale * NAME_HEIGHT_MM, bold=True)
        colour = "white"
        if region.stands_out:
            first, high, last, low = canvas.textbbox(at, name, font, "mm")
            room = _PLATE_ROOM * _FINE
            plate = (first - room, high - room, last + room, low + room)
            canvas.rounded_rectangle(plate, room, "white", "black", width=_FINE)
            colour = "black"
        else:
            halo = _HALO * _FINE
            canvas.text(at, name, "black", font, "mm", stroke_width=halo, stroke_fill="black")
        canvas.text(at, name, colour, font, "mm")

    def finished(self, *captions: str) -> Image.Image:
        """Return the panel, with the patient's sides and captions.

        Parameters
        ----------
        *captions : str
            Lines at the lower left.

        Returns
        -------
        PIL.Image.Image
        """
        panel = self.fine.convert("RGB").reduce(_FINE)
        width, height = panel.size
        marks: list[tuple[float, float, Anchor, str, float]] = [
            (_FRAME, _FRAME, "la", "R", TEXT),
            (width - _FRAME, _FRAME, "ra", "L", TEXT),
        ]
        for lines_below, caption in enumerate(reversed(captions)):
            y = height - _FRAME - 1.35 * SMALL * lines_below
            marks.append((_FRAME, y, "ld", caption, SMALL))
        for x, y, anchor, text, size in marks:
            write(panel, (x, y), text, size, anchor, halo=True)
        return panel

    def add_scale(self, panel: Image.Image, bar: NDArray[np.float64], label: str) -> None:
        """Draw a scale bar on the finished panel.

        Parameters
        ----------
        panel : PIL.Image.Image
            From `finished`.
        bar : ndarray, shape (points, 2)
            One stroke along the bar and its ticks, in mm.
        label : str
            Its length in words, above its right end.
        """
        points = [(x / _FINE, y / _FINE) for x, y in self._places(bar)]
        canvas = ImageDraw.Draw(panel)
        canvas.line(points, "black", 5)
        canvas.line(points, PALE, 2)
        x, y = points[-1]
        write(panel, (x, y - 0.6 * SMALL), label, SMALL, "rd", halo=True)

    @property
    def _scale(self) -> float:
        """Fine pixels in a millimetre."""
        left, right, _, _ = self.extent
        return self.fine.width / (right - left)

    def _places(self, points: NDArray[np.float64]) -> list[tuple[float, float]]:
        left, _, top, _ = self.extent
        return [(x, y) for x, y in (self._scale * (points - (left, top))).tolist()]


def write(
    picture: Image.Image,
    at: tuple[float, float],
    text: str,
    size: float,
    anchor: Anchor,
    colour: str = PALE,
    *,
    halo: bool = False,
) -> None:
    """Write a line of text.

    Parameters
    ----------
    picture : PIL.Image.Image
        To write on.
    at : tuple of float
        Pixels from the left and from the top.
    text : str
        The line.
    size : float
        Height of the letters in pixels.
    anchor : str
        Where `at` lies in the text.
    colour : str
        Its name or ``#rrggbb``.
    halo : bool
        Surround the letters with black, so that they show on bright tissue.
    """
    ImageDraw.Draw(picture).text(
        at,
        text,
        colour,
        _font(size),
        anchor,
        stroke_width=_HALO if halo else 0,
        stroke_fill="black" if halo else None,
    )


def side_by_side(panels: Sequence[Image.Image], columns: int, gap: int) -> Image.Image:
    """Return panels of one size in rows, on black.

    Parameters
    ----------
    panels : sequence of PIL.Image.Image
        They fill rows in this order.
    columns : int
        Panels in a row.
    gap : int
        Pixels between them.

    Returns
    -------
    PIL.Image.Image
    """
    width, height = panels[0].size
    rows = -(-len(panels) // columns)
    size = (columns * (width + gap) - gap, rows * (height + gap) - gap)
    picture = Image.new("RGB", size, "black")
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        picture.paste(panel, (column * (width + gap), row * (height + gap)))
    return picture


def framed(picture: Image.Image, head: int, foot: int) -> Image.Image:
    """Return a picture with black above and below it.

    Parameters
    ----------
    picture : PIL.Image.Image
        Any.
    head, foot : int
        Pixels.

    Returns
    -------
    PIL.Image.Image
    """
    whole = Image.new("RGB", (picture.width, head + picture.height + foot), "black")
    whole.paste(picture, (0, head))
    return whole


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture as PNG: the same bytes for the same picture.

    Parameters
    ----------
    picture : PIL.Image.Image
        The picture.
    path : Path
        The PNG file.
    """
    with replacing(path) as partial:
        picture.save(partial, "PNG", compress_level=_COMPRESSION)


@cache
def _font(size: float, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    # DejaVu Sans, as the figures have it; it is the same on every computer and knows most scripts.
    # The package is looked up, not imported, which takes longer than drawing.
    package = find_spec("matplotlib")
    assert package is not None
    assert package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0], "mpl-data", "fonts", "ttf")
    return ImageFont.truetype(folder / f"DejaVuSans{'-Bold' if bold else ''}.ttf", size)
