"""Table 4 as a picture: every age group's atlas on every age group.

References
----------
Sun X, et al. Sci Data 11, 1132 (2024). doi:10.1038/s41597-024-03973-y, Table 4.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from atlas_builder.metrics.tables import text_of
from atlas_builder.validation.age_tables import AgeMatrix

_CELL = (1.45, 0.72)  # inches
_COLOURS = "Blues"
_DARK = 0.6  # share of the scale from which text is white


def heat_map_figure(matrix: AgeMatrix, reference: str) -> Figure:
    """Draw mean and standard deviation of the DSC, the matching atlas framed, the best one bold.

    Parameters
    ----------
    matrix : AgeMatrix
        Every atlas on every age group.
    reference : str
        The rater that atlases are compared with.

    Returns
    -------
    Figure
    """
    groups = matrix.groups
    means = np.array(
        [[matrix.cell(group, atlas).mean for atlas in groups] for group in groups], np.float64
    )
    known = means[np.isfinite(means)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    low = max(0.0, low - 0.15 * (high - low) - 1e-3)
    side = len(groups)
    figure = Figure((1.9 + _CELL[0] * side, 1.1 + _CELL[1] * side), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(means, cmap=_COLOURS, vmin=low, vmax=high, aspect="auto")
    for row, group in enumerate(groups):
        best = matrix.best_atlas(group)
        for column, atlas in enumerate(groups):
            share = (means[row, column] - low) / (high - low)
            axes.text(
                column,
                row,
                text_of(matrix.cell(group, atlas), 3),
                ha="center",
                va="center",
                fontsize=8.5,
                fontweight="bold" if atlas == best else "normal",
                color="white" if share > _DARK else "#1d2327",
            )
        axes.add_patch(
            Rectangle((row - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="#e66100", linewidth=2.2)
        )
    axes.set_xticks(range(side), groups)
    axes.set_yticks(range(side), [f"{group}\nn = {len(matrix.values[group])}" for group in groups])
    axes.set_xlabel("Age group of the atlas (years)", fontsize=9)
    axes.set_ylabel("Age group of the participants (years)", fontsize=9)
    axes.tick_params(labelsize=8, length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(shown, ax=axes, fraction=0.05, pad=0.02)
    bar.set_label(f"Mean DSC with {reference}", fontsize=8)
    bar.ax.tick_params(labelsize=8, length=2)
    bar.outline.set_visible(False)
    return figure
