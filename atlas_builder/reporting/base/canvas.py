"""Black figures with slices side by side, all at one scale and the right way up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from atlas_builder.reporting.base.colours import PALE
from atlas_builder.reporting.base.pictures import BRAIN_WINDOW, radiological
from atlas_builder.runtime.files import replacing

Box = tuple[slice, slice]
"""A part of the key-slice grid, in pixels."""

WIDTH = 9.0
"""Inches: of a figure as wide as the page."""

_DPI = 160
_TITLE = 0.34  # inches above each picture
_GAP = 0.08
_LARGEST = 4.0  # inches: the width of a picture that has the row for itself


def common_box(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds others.

    Parameters
    ----------
    boxes : sequence of tuple of slice
        At least one.

    Returns
    -------
    tuple of slice
    """
    x, y = (
        slice(min(axis.start for axis in axes), max(axis.stop for axis in axes))
        for axes in zip(*boxes, strict=True)
    )
    return x, y


def pictures(
    titles: Sequence[str], box: Box, columns: int, *, bar_width: float = 0.0
) -> tuple[Figure, list[Axes]]:
    """Return a black figure with a place for each picture.

    Parameters
    ----------
    titles : sequence of str
        Above the pictures, which fill rows in this order.
    box : tuple of slice
        What every picture shows of the key-slice grid.
    columns : int
        Pictures a row.
    bar_width : float
        Inches left free at the right, for `colour_bar`.

    Returns
    -------
    figure : Figure
        As large as the pictures need.
    axes : list of Axes
        One a title, in pixels of the key-slice grid, with the patient's sides marked.
    """
    rows = math.ceil(len(titles) / columns)
    width = min((WIDTH - bar_width) / columns - _GAP, _LARGEST)
    height = width * (box[1].stop - box[1].start) / (box[0].stop - box[0].start)
    full_width = columns * (width + _GAP) + bar_width
    full_height = rows * (height + _TITLE) + _GAP
    figure = Figure((full_width, full_height), facecolor="black")
    axes = []
    for index, title in enumerate(titles):
        row, column = divmod(index, columns)
        left = column * (width + _GAP) + _GAP / 2
        bottom = full_height - (row + 1) * (height + _TITLE)
        place = figure.add_axes(
            (left / full_width, bottom / full_height, width / full_width, height / full_height)
        )
        _prepare(place, title, box)
        axes.append(place)
    return figure, axes


def _prepare(axes: Axes, title: str, box: Box) -> None:
    axes.set_axis_off()
    left, right, bottom, top = _extent(box)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_title(title, color=PALE, fontsize=9, pad=5)
    mark_sides(axes, 0.985, 8)


def mark_sides(axes: Axes, height: float, size: float) -> None:
    """Write R and L where the patient's sides are, in radiological convention.

    Parameters
    ----------
    axes : Axes
        A picture.
    height : float
        Of the letters' upper end, a share of the picture's.
    size : float
        Of the letters, in points.
    """
    for side, at in (("R", 0.02), ("L", 0.98)):
        axes.text(
            at,
            height,
            side,
            color=PALE,
            fontsize=size,
            va="top",
            ha="left" if side == "R" else "right",
            transform=axes.transAxes,
        )


def _extent(box: Box) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of a box; pixel centres are whole numbers."""
    x, y = box
    return x.start - 0.5, x.stop - 0.5, y.stop - 0.5, y.start - 0.5


def show(
    axes: Axes,
    image: NDArray[np.generic],
    box: Box,
    *,
    colours: str = "gray",
    limits: tuple[float, float] = BRAIN_WINDOW.limits,
) -> AxesImage:
    """Show a slice that fills a box of the key-slice grid, at whatever pixel size.

    Parameters
    ----------
    axes : Axes
        From `pictures`.
    image : ndarray, shape (nx, ny)
        The slice, of any number of pixels.
    box : tuple of slice
        The part of the key-slice grid that it covers.
    colours : str
        A colour map of matplotlib.
    limits : tuple of float
        The values at the two ends of the colour map; by default HU of the brain window.

    Returns
    -------
    AxesImage
        For `colour_bar`.
    """
    low, high = limits
    view = axes.axis()
    shown = axes.imshow(
        radiological(image),
        cmap=colours,
        vmin=low,
        vmax=high,
        extent=_extent(box),
        interpolation="antialiased",
        aspect="auto",
    )
    axes.axis(view)
    return shown


def outline(axes: Axes, mask: NDArray[np.bool_], box: Box, colour: str, width: float) -> None:
    """Draw the border of a mask that fills a box of the key-slice grid.

    Parameters
    ----------
    axes : Axes
        From `pictures`.
    mask : ndarray of bool, shape (nx, ny)
        On the key-slice grid's pixels; nothing is drawn where it is all or nothing.
    box : tuple of slice
        The part of the key-slice grid that it covers.
    colour : str
        As matplotlib takes it.
    width : float
        Of the line, in points.
    """
    if not mask.any() or mask.all():
        return
    x, y = (np.arange(axis.start, axis.stop) for axis in box)
    axes.contour(x, y, mask.T, [0.5], colors=colour, linewidths=width)


def colour_bar(figure: Figure, shown: ScalarMappable, label: str, bar_width: float) -> None:
    """Put the scale that all pictures share at the right of a figure.

    Parameters
    ----------
    figure : Figure
        From `pictures`.
    shown : ScalarMappable
        From `show`; its colour map and limits are those of the scale.
    label : str
        What the scale measures.
    bar_width : float
        Inches left free at the right, as given to `pictures`.
    """
    width, height = figure.get_size_inches()
    axes = figure.add_axes(
        ((width - bar_width + 0.12) / width, 0.12, 0.14 / width, 0.76 - _GAP / height)
    )
    bar = figure.colorbar(shown, cax=axes)
    bar.set_label(label, color=PALE, fontsize=8)
    bar.ax.tick_params(colors=PALE, labelsize=8)
    bar.outline.set_edgecolor(PALE)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG: the same bytes for the same figure.

    Parameters
    ----------
    figure : Figure
        To write.
    path : Path
        The PNG file.
    """
    with replacing(path) as partial:
        figure.savefig(partial, dpi=_DPI, metadata={"Software": None})
