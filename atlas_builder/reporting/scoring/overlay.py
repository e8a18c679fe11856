"""Pictures of a scored lesion: slices with the regions, and the core in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageFilter

from atlas_builder.reporting.base.colours import BRAIN
from atlas_builder.reporting.base.outlines import closed_borders
from atlas_builder.reporting.base.slice_panel import (
    SMALL,
    TEXT,
    SlicePanel,
    framed,
    save,
    side_by_side,
    write,
)
from atlas_builder.reporting.scoring.axial_views import HEIGHTS, AxialView
from atlas_builder.reporting.scoring.core_rendering import VIEWS, Scene, render

_PIXELS_PER_MM = 2.5
_GAP, _FOOT, _FRAME = 6, 36, 8  # pixels
_LESION_ALPHA = 0.42
_LESION_LINE = 1.5  # pixels
_LITTLE_CORE = 2.0  # pixels: black within the outline, where others that stand out have white
_BLUR = 0.45
_ASIDE = "#f0a030"
_ASIDE_LEGEND = (
    "R, L: the patient's sides. Orange: found without an ADC map, not counted. Research software, "
    "not a medical device."
)
_LEGEND = (
    "R, L: the patient's sides. Red: lesion. Thick outline, name on white: the region loses its "
    "point; black in the outline: for less than 5 % of it. Research software, not a medical device."
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
    picture = framed(side_by_side([_panel(view) for view in views], columns, _GAP), 0, _FOOT)
    write(picture, (_FRAME, picture.height - _FOOT / 2), _LEGEND, SMALL, "lm")
    save(picture, path)


def write_set_aside(path: Path, views: Sequence[AxialView]) -> None:
    """Write slices with what was found and is not counted as PNG, in a row.

    Parameters
    ----------
    path : Path
        The file.
    views : sequence of AxialView
        From `views_through`.
    """
    panels = [_panel(view, _ASIDE) for view in views]
    picture = framed(side_by_side(panels, len(panels), _GAP), 0, _FOOT)
    write(picture, (_FRAME, picture.height - _FOOT / 2), _ASIDE_LEGEND, SMALL, "lm")
    save(picture, path)


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
    picture = Image.new("RGB", size, "black")
    start = 0
    for view, rendering in zip(VIEWS, enlarged, strict=True):
        picture.paste(rendering, (start, (tallest - rendering.height) // 2))
        at = (start + rendering.width / 2, tallest + _FOOT / 2)
        text = f"{view.marks[0]}    {view.name}    {view.marks[1]}"
        write(picture, at, text, TEXT, "mm")
        start += rendering.width
    save(picture, path)


def _panel(view: AxialView, colour: str = BRAIN) -> Image.Image:
    left, right, top, _ = view.extent
    panel = SlicePanel.of(
        _coloured(view, colour), view.extent, round(_PIXELS_PER_MM * (right - left))
    )
    spacing = (right - left) / view.lesion.shape[0]
    borders = closed_borders(view.lesion, (1.0, 1.0))
    in_mm = [(border + 0.5) * spacing + (left, top) for border in borders]
    panel.stroke(in_mm, _LESION_LINE, colour)
    # Those that lose their point last, so that no neighbour's line lies on theirs.
    for region in sorted(view.regions, key=lambda region: region.stands_out):
        panel.outline(region)
        if (region.region, region.side) in view.little:
            panel.stroke(region.borders, _LITTLE_CORE, "black")
    for region in view.named:
        panel.name(region)
    return panel.finished(f"{view.level or ''}  z = {view.height:.0f} mm".strip())


def _coloured(view: AxialView, colour: str) -> NDArray[np.uint8]:
    """Return the slice with the lesion laid over it, shape (rows, columns, 3)."""
    # Pictures begin at the patient's right and front, as the slice's axes do.
    grey = 255 * view.image.T[..., np.newaxis]
    share = _LESION_ALPHA * view.lesion.T[..., np.newaxis].astype(np.float32)
    laid = np.array(ImageColor.getrgb(colour), np.float32)
    return np.rint(grey * (1 - share) + laid * share).astype(np.uint8)
