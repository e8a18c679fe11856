"""Key slices as vector pictures for a page: pixels below, outlines and names sharp at any size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from atlas_builder.core.anatomy import Region, Side
from atlas_builder.mapping.region_map import RegionMeasure
from atlas_builder.reporting.base.name_places import name_box
from atlas_builder.reporting.base.outlined_regions import OutlinedRegion
from atlas_builder.reporting.base.outlines import svg_line, svg_path
from atlas_builder.reporting.base.pictures import (
    BRAIN_WINDOW,
    STROKE_WINDOW,
    Window,
    grey_levels,
    jpeg_uri,
    radiological,
)
from atlas_builder.reporting.mapping.findings import written
from atlas_builder.reporting.mapping.upright import UprightView

WINDOWS = (BRAIN_WINDOW, STROKE_WINDOW)

Kind = Literal["plain", "outlined", "named"]

_QUALITY = 92  # of JPEG: its traces stay below the noise of CT
_BADGE_ROOM_MM = 0.7


@dataclass(frozen=True)
class OutlinePath:
    """A region as a page draws it.

    Attributes
    ----------
    region : OutlinedRegion
        Which.
    path : str
        Its outline, the ``d`` of an SVG path.
    badge : tuple of str
        Left, top, width and height of what lies behind the name of a region that stands out.
    title : str
        The text shown where the pointer rests on it.
    """

    region: OutlinedRegion
    path: str
    badge: tuple[str, ...]
    title: str


@dataclass(frozen=True)
class SlicePicture:
    """A level as a page draws it; lengths in mm.

    Attributes
    ----------
    view : UprightView
        What is drawn.
    left, right, top, bottom : float
        Where the picture ends.
    sources : mapping of str to str
        The slice in each window, a data URI by the window's name.
    outlines : tuple of OutlinePath
        The regions, those that stand out last, so that no neighbour's line lies on theirs.
    midline, scale_bar : str
        SVG paths.
    """

    view: UprightView
    left: float
    right: float
    top: float
    bottom: float
    sources: Mapping[str, str]
    outlines: tuple[OutlinePath, ...]
    midline: str
    scale_bar: str

    @classmethod
    def of(
        cls, view: UprightView, measures: Mapping[tuple[Region, Side], RegionMeasure]
    ) -> SlicePicture:
        """Return the picture of a level and what its regions measure.

        Parameters
        ----------
        view : UprightView
            The level.
        measures : mapping of (Region, side) to RegionMeasure
            Holds every region of the view.

        Returns
        -------
        SlicePicture
        """
        left, right, top, bottom = (round(edge, 2) for edge in view.extent)
        return cls(
            view,
            left,
            right,
            top,
            bottom,
            {
                window.name: jpeg_uri(radiological(grey_levels(view.hu, window)), _QUALITY)
                for window in WINDOWS
            },
            tuple(
                _outline_path(region, measures[region.region, region.side])
                for region in sorted(view.regions, key=lambda region: region.stands_out)
            ),
            svg_line(view.midline),
            svg_line(view.scale_bar),
        )

    @property
    def box(self) -> str:
        """The ``viewBox`` of the picture."""
        return f"{self.left} {self.top} {self.right - self.left:.2f} {self.bottom - self.top:.2f}"

    def describe(self, window: Window, kind: Kind) -> str:
        """Return what a picture shows, for those who cannot see it.

        Parameters
        ----------
        window : Window
            In which the slice is shown.
        kind : {'plain', 'outlined', 'named'}
            Without the regions, or with their outlines, or with outlines and names.

        Returns
        -------
        str
        """
        text = f"{self.view.level} slice {self.view.index}, {window.name} window ({window.setting})"
        if kind == "plain":
            return text + ", without outlines"
        names = [
            f"{region.side} {region.region.name}"
            for region in self.view.regions
            if region.stands_out
        ]
        return f"{text}, with the regions; standing out: {', '.join(names) or 'none'}"


def _outline_path(region: OutlinedRegion, measure: RegionMeasure) -> OutlinePath:
    (x, y), (width, height) = region.name_place, name_box(region.region.name)
    width, height = width + _BADGE_ROOM_MM, height + _BADGE_ROOM_MM
    badge = (x - width / 2, y - height / 2, width, height)
    return OutlinePath(
        region,
        svg_path(region.borders),
        tuple(f"{length:.1f}" for length in badge),
        f"{region.region.name} {region.side}: {written(measure.mean_hu)} HU, "
        f"other side {written(measure.contralateral_mean_hu)} HU",
    )
