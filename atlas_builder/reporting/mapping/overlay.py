"""The picture of a region map: both levels, in two windows, without and with the regions.

The same slice stands beside every outlined one, so that nothing a reader wants to see lies under a
line. Outlines have a black edge: they show on dark and on bright tissue, in colour and in grey.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.reporting.base.pictures import (
    BRAIN_WINDOW,
    STROKE_WINDOW,
    grey_levels,
    radiological,
)
from atlas_builder.reporting.base.slice_panel import (
    SMALL,
    TEXT,
    SlicePanel,
    framed,
    save,
    side_by_side,
    write,
)
from atlas_builder.reporting.mapping.findings import flags_in_brief, standing_out_in_words
from atlas_builder.reporting.mapping.upright import (
    SCALE_BAR_MM,
    UprightView,
    upright_views,
)

_WIDTH, _COLUMNS = 1920, 4
_GAP = 8
_HEAD, _FOOT = 54, 72  # pixels above and below the slices, with one line of flags
_LINE_OF_FLAGS = 25
_FLAGS_IN_A_LINE = 180  # letters; fewer than fit, for letters differ in width
_TITLE = 21.0
_FRAME = 10
_MIDLINE, _MIDLINE_COLOUR, _DASHES_MM = 1.0, "#b4b4b4", 5.0
DARKER = "darker than the other side"


@dataclass(frozen=True)
class Caption:
    """What the picture says in words.

    Attributes
    ----------
    headline : str
        At the top.
    standing_out : str
        What a thick outline means.
    """

    headline: str
    standing_out: str


def draw_region_map(region_map: RegionMap, caption: Caption | None = None) -> Image.Image:
    """Draw both levels with their regions in the brain window and the stroke window.

    A row a level; in each, from the left: brain window (level 40, width 80), the same with outlines
    and names, stroke window (level 35, width 30), the same with outlines. The patient's right is at
    the left, the head stands upright, and all slices have one scale. Regions that stand out have a
    thick outline and their name in black on white.

    Parameters
    ----------
    region_map : RegionMap
        What `map_regions` returns.
    caption : Caption, optional
        By default which regions are darker than their counterparts.

    Returns
    -------
    PIL.Image.Image
        1920 pixels wide; a notebook shows it.
    """
    said = caption or Caption(standing_out_in_words(region_map), DARKER)
    panels = [panel for view in upright_views(region_map) for panel in _row(view)]
    flags = textwrap.wrap(flags_in_brief(region_map), _FLAGS_IN_A_LINE, subsequent_indent="   ")
    foot = _FOOT + (len(flags) - 1) * _LINE_OF_FLAGS
    picture = framed(side_by_side(panels, _COLUMNS, _GAP), _HEAD, foot)
    group = region_map.age_group
    atlas = f"{region_map.atlas_name}, {group.first}–{group.last} years"
    middle = _HEAD / 2
    write(picture, (_FRAME, middle), said.headline, _TITLE, "lm", "white")
    write(picture, (_WIDTH - _FRAME, middle), atlas, 1.15 * TEXT, "rm")
    below = picture.height - foot
    for number, line in enumerate(flags):
        y = below + 0.36 * _FOOT + number * _LINE_OF_FLAGS
        write(picture, (_FRAME, y), line, 1.15 * TEXT, "lm", "white")
    legend = (
        "R, L: the patient's sides. Heads are turned upright. Thick outline, name on white: "
        f"{said.standing_out}. Dashed: midline. Research software, not a medical device."
    )
    write(picture, (_FRAME, picture.height - 0.25 * _FOOT), legend, 1.1 * SMALL, "lm")
    return picture


def write_overlay(path: Path, region_map: RegionMap, caption: Caption | None = None) -> None:
    """Write the picture as PNG: the same bytes for the same map.

    Parameters
    ----------
    path : Path
        The PNG file.
    region_map : RegionMap
        From `map_regions`.
    caption : Caption, optional
        As `draw_region_map` takes it.
    """
    save(draw_region_map(region_map, caption), path)


def _row(view: UprightView) -> Iterator[Image.Image]:
    width = (_WIDTH + _GAP) // _COLUMNS - _GAP
    for window in (BRAIN_WINDOW, STROKE_WINDOW):
        plain = SlicePanel.of(radiological(grey_levels(view.hu, window)), view.extent, width)
        outlined = plain.in_colour()
        outlined.dash(view.midline, _MIDLINE, _MIDLINE_COLOUR, every=_DASHES_MM)
        # Those that stand out last, so that no neighbour's line lies on theirs.
        for region in sorted(view.regions, key=lambda region: region.stands_out):
            outlined.outline(region)
        if window == BRAIN_WINDOW:
            for region in view.regions:
                outlined.name(region)
        for panel in (plain, outlined):
            image = panel.finished(f"{view.level}  slice {view.index}", window.setting)
            panel.add_scale(image, view.scale_bar, f"{SCALE_BAR_MM} mm")
            yield image
