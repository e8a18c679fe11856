"""The looks of sources of regions - the atlas, each rater - in every figure of a validation."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from atlas_builder.core.anatomy import LEVELS, regions_of

_COLOURS = ("#0072b2", "#d55e00", "#7b7b7b", "#009e73", "#cc79a7", "#8c6d1f")
"""The atlas, then the raters: told apart with any colour vision.

Wong B. Points of view: color blindness. Nat Methods 8:441 (2011). doi:10.1038/nmeth.1618
"""


def colour_of(place: int) -> str:
    """Return the colour of a source.

    Parameters
    ----------
    place : int
        0 is the atlas; the raters follow.

    Returns
    -------
    str
        As matplotlib takes it.
    """
    return _COLOURS[place % len(_COLOURS)]


def plain_axes(axes: Axes) -> None:
    """Leave of the axes what a reader needs.

    Parameters
    ----------
    axes : Axes
        Changed in place.
    """
    axes.tick_params(labelsize=8, length=2.5, color="#8a8a8a")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#8a8a8a")
    axes.grid(axis="y", color="#e8e8e8", linewidth=0.6)
    axes.set_axisbelow(True)


def divide_levels(axes: Axes) -> None:
    """Divide regions drawn at 0, 1, ... by level, the mean at the end, and name the parts.

    Parameters
    ----------
    axes : Axes
        Changed in place.
    """
    name_levels(axes)
    end = rule_off_levels(axes)
    _name(axes, end, "ten regions")
    axes.set_xlim(-0.55, end + 0.55)


def name_levels(axes: Axes) -> None:
    """Write each level's name above its regions, which are drawn at 0, 1, ... .

    Parameters
    ----------
    axes : Axes
        Changed in place.
    """
    start = 0
    for level in LEVELS:
        count = len(regions_of(level))
        _name(axes, start - 0.5 + count / 2, level)
        start += count


def rule_off_levels(axes: Axes) -> int:
    """Draw a line behind the last region of each level; regions are drawn at 0, 1, ... .

    Parameters
    ----------
    axes : Axes
        Changed in place.

    Returns
    -------
    int
        How many regions there are.
    """
    end = 0
    for level in LEVELS:
        end += len(regions_of(level))
        axes.axvline(end - 0.5, color="#b5b5b5", linewidth=0.7)
    return end


def legend_below(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put a legend of one line below a figure with constrained layout.

    Parameters
    ----------
    figure : Figure
        Changed in place.
    handles : sequence of Artist
        What it explains, with their labels.
    """
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8, frameon=False
    )


def _name(axes: Axes, x: float, text: str) -> None:
    axes.text(
        x,
        1.015,
        text,
        ha="center",
        va="bottom",
        fontsize=8,
        color="#4a4a4a",
        transform=axes.get_xaxis_transform(),
    )
