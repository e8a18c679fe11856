"""The looks of sources of regions - the atlas, each rater - in every figure of a validation."""

from __future__ import annotations

from matplotlib.axes import Axes

from atlas_builder.core.anatomy import LEVELS, regions_of

_COLOURS = ("#0072b2", "#d55e00", "#7b7b7b", "#009e73", "#cc79a7", "#8c6d1f")
"""The atlas, then the raters: told apart with any colour vision.

Wong B. Points of view: color blindness. Nat Methods 8:441 (2011). doi:10.1038/nmeth.1618
"""


def colour_of(place: int) -> str:
    """Return the colour of a source by its place: 0 is the atlas."""
    return _COLOURS[place % len(_COLOURS)]


def plain_axes(axes: Axes) -> None:
    """Leave of the axes what a reader needs."""
    axes.tick_params(labelsize=8, length=2.5, color="#8a8a8a")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#8a8a8a")
    axes.grid(axis="y", color="#e8e8e8", linewidth=0.6)
    axes.set_axisbelow(True)


def divide_levels(axes: Axes) -> None:
    """Divide regions drawn at 0, 1, ... by level, the mean at the end, and name the parts."""
    start = 0
    for level in LEVELS:
        count = len(regions_of(level))
        _name(axes, start - 0.5 + count / 2, level)
        start += count
        axes.axvline(start - 0.5, color="#b5b5b5", linewidth=0.7)
    _name(axes, start, "ten regions")
    axes.set_xlim(-0.55, start + 0.55)


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
