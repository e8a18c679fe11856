"""The plot of two sources' scores: their difference against their mean.

References
----------
Bland JM, Altman DG. Lancet 327:307-310 (1986). doi:10.1016/S0140-6736(86)90837-8
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from atlas_builder.metrics.reliability import ReaderAgreement
from atlas_builder.metrics.tables import Interval, number_text
from atlas_builder.reporting.base.sources import colour_of, plain_axes

_INK = "#1d2327"
_LARGEST_DOT = 260.0  # square points: of the most patients in one place of a panel
_MANY = 10  # fewer patients in one place have a smaller dot


def draw_differences(
    axes: Axes,
    agreement: ReaderAgreement,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
) -> None:
    """Draw differences of two sources' scores against their means.

    Parameters
    ----------
    axes : Axes
        Changed in place.
    agreement : ReaderAgreement
        Of the sources.
    first, second : ndarray, shape (patients,)
        Both ASPECTS; NaN where a patient was not scored. The larger a dot, the more patients lie
        there.
    """
    both = np.isfinite(first) & np.isfinite(second)
    pairs = np.stack([(first + second)[both] / 2, (first - second)[both]], axis=1)
    places, counts = np.unique(pairs, axis=0, return_counts=True)
    sizes = _LARGEST_DOT * counts / max(counts.max(initial=1), _MANY)
    x, y = places[:, 0], places[:, 1]
    axes.scatter(x, y, s=sizes, color=colour_of(0), alpha=0.6, linewidths=0)
    for height, style in ((agreement.bias, "-"), (agreement.low, "--"), (agreement.high, "--")):
        if np.isfinite(height):
            axes.axhline(height, color=_INK, linewidth=0.9, linestyle=style)
    plain_axes(axes)
    axes.set_xlim(-0.6, 10.8)
    axes.margins(y=0.12)
    axes.set_title(
        f"{agreement.first} − {agreement.second}: {number_text(agreement.bias, 2)} "
        f"({Interval(agreement.low, agreement.high).text(2)})",
        fontsize=8,
        loc="left",
    )
    axes.set_xlabel("mean ASPECTS", fontsize=9)
    axes.set_ylabel("difference", fontsize=9)
