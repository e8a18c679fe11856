"""Figure 8: the distribution of DSC in every region, for the atlas and for each rater.

References
----------
Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y, Figure 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region
from atlas_builder.reporting.base.canvas import WIDTH
from atlas_builder.reporting.base.sources import colour_of, divide_levels, legend_below, plain_axes
from atlas_builder.validation.scores import with_mean

_TAKEN = 0.84  # of the room of a region
_DOTS = 40  # participants; more would hide the violin


def violin_figure(scores: Mapping[str, NDArray[np.float64]], reference: str) -> Figure:
    """Draw violins with median and quartiles.

    Parameters
    ----------
    scores : mapping of str to ndarray, shape (participants, 10)
        DSC of each source with the reference, the atlas first.
    reference : str
        The rater all are compared with.
    """
    figure = Figure((WIDTH, 3.9), layout="constrained")
    axes = figure.subplots()
    names = [*(region.name for region in Region), "mean"]
    width = _TAKEN / len(scores)
    for place, values in enumerate(scores.values()):
        offset = (place - (len(scores) - 1) / 2) * width
        for row, of_region in enumerate(with_mean(values).T):
            finite = of_region[np.isfinite(of_region)]
            if finite.size:
                _violin(axes, row + offset, finite, width, colour_of(place))
    plain_axes(axes)
    divide_levels(axes)
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(f"DSC with {reference}", fontsize=9)
    axes.set_ylim(top=min(1.0, axes.get_ylim()[1] + 0.01))
    handles = [
        Patch(facecolor=colour_of(place), alpha=0.75, label=name)
        for place, name in enumerate(scores)
    ]
    legend_below(figure, handles)
    return figure


def _violin(axes: Axes, x: float, values: NDArray[np.float64], width: float, colour: str) -> None:
    bodies: Any = axes.violinplot(values, [x], widths=width * 0.94, showextrema=False, points=200)[
        "bodies"
    ]
    for body in bodies:
        body.set(facecolor=colour, edgecolor=colour, alpha=0.45, linewidth=0.6)
    if values.size <= _DOTS:
        # Spread by a fixed sequence, so that the figure is the same each time.
        spread = (np.arange(values.size) * 0.618034) % 1 - 0.5
        axes.plot(
            x + spread * width * 0.4,
            values,
            ".",
            color=colour,
            markersize=3.4,
            markeredgewidth=0,
            alpha=0.9,
        )
    low, median, high = np.percentile(values, [25, 50, 75])
    axes.plot([x, x], [low, high], color="#1d2327", linewidth=2.2, solid_capstyle="butt")
    axes.plot(x, median, "o", color="white", markersize=3.6, markeredgecolor="#1d2327", mew=0.8)
