"""Figures as files: PNG for pages, SVG for papers; the same bytes for the same figure."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from atlas_builder.reporting.base.canvas import save_figure
from atlas_builder.runtime.files import replacing

_SALT = "aspects-atlas"  # of the names inside an SVG, which are random without one
_IMAGE_DPI = 150  # of slices inside an SVG
_NO_TRACE = {"Date": None, "Creator": None}


def write_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and SVG.

    Parameters
    ----------
    figure : Figure
        To write.
    folder : Path
        An existing folder.
    name : str
        Of the files, without suffix.

    Returns
    -------
    list of Path
        Both files, the PNG first.
    """
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    save_figure(figure, png)
    with mpl.rc_context({"svg.hashsalt": _SALT}), replacing(svg) as partial:
        figure.savefig(partial, dpi=_IMAGE_DPI, metadata=_NO_TRACE)
    return [png, svg]
