"""The picture of located key slices: both, where they lie, and how probable every slice is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.anatomy import LEVELS
from atlas_builder.core.scan import Scan
from atlas_builder.reporting.base.canvas import mark_sides, save_figure
from atlas_builder.reporting.base.colours import PALE
from atlas_builder.reporting.base.pictures import BRAIN_WINDOW, grey_levels, radiological, rgb
from slice_localizer.alignment.coarse_scan import CoarseScan, coarsen
from slice_localizer.locating import LocatedSlices

_SIZE = (12.0, 4.5)  # inches
_COLOURS = {"BGL": "#6db7ff", "SGL": "#ffb055"}  # light enough for black
_OTHER = "#8a8a8a"
_SAGITTAL_MM = (-105.0, 85.0)  # from the level's point to the back and to the front
_STEP_MM = 0.8
_THINNEST_MM = 1.0  # of a bar that is to be seen
_SMALL, _TEXT = 7.0, 9.0


def draw_located(scan: Scan, located: LocatedSlices) -> Figure:
    """Draw the chosen slices, a sagittal view with both planes, and the probabilities.

    Slices are in radiological convention, as they lie in the scan. The sagittal view is cut along
    the slices' normal through the middle of the brain, the front at the left; its heights are those
    of the probabilities beside it, in mm from the BGL slice.

    Parameters
    ----------
    scan : Scan
        HU.
    located : LocatedSlices
        From `locate_slices`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(_SIZE, facecolor="black")
    indices = dict(zip(LEVELS, (located.bgl_slice, located.sgl_slice), strict=True))
    for place, (level, index) in enumerate(indices.items()):
        axes = figure.add_axes((0.005 + 0.275 * place, 0.03, 0.27, 0.88))
        _show_slice(axes, scan, index)
        _title(axes, f"{level}: slice {index}", _COLOURS[level])
    from_bgl = located.heights - located.heights[located.bgl_slice]
    ends = float(from_bgl.min()) - 5.0, float(from_bgl.max()) + 5.0
    sagittal = figure.add_axes((0.585, 0.12, 0.22, 0.79))
    _show_sagittal(sagittal, scan, located, ends)
    beside = figure.add_axes((0.825, 0.12, 0.165, 0.79), facecolor="black")
    _show_probabilities(beside, located, from_bgl, ends)
    for level, index in indices.items():
        for axes in (sagittal, beside):
            axes.axhline(from_bgl[index], color=_COLOURS[level], linewidth=0.9)
    flags = "; ".join(flag.code for flag in located.flags)
    figure.text(
        0.585,
        0.02,
        f"Dotted: by alignment. {'Check: ' + flags if flags else 'No reservations.'}",
        color=PALE,
        fontsize=_SMALL,
        parse_math=False,
    )
    return figure


def write_located(path: Path, scan: Scan, located: LocatedSlices) -> None:
    """Write the picture as PNG: the same bytes for the same scan.

    Parameters
    ----------
    path : Path
        The PNG file.
    scan, located
        As in `draw_located`.
    """
    save_figure(draw_located(scan, located), path)


def _show_slice(axes: Axes, scan: Scan, index: int) -> None:
    shown = scan[index]
    columns, rows = shown.spacing
    axes.set_axis_off()
    axes.imshow(
        rgb(radiological(grey_levels(shown.data.astype(np.float32), BRAIN_WINDOW))),
        aspect=rows / columns,
        interpolation="antialiased",
    )
    mark_sides(axes, 0.98, _TEXT)


def _show_sagittal(
    axes: Axes, scan: Scan, located: LocatedSlices, ends: tuple[float, float]
) -> None:
    fine = coarsen(scan, pixel_mm=1.0, slice_mm=1.0)
    zero = float(located.heights[located.bgl_slice])
    image = _sagittal(fine, located, (ends[0] + zero, ends[1] + zero))
    axes.imshow(
        rgb(grey_levels(image, BRAIN_WINDOW)),
        extent=(-_SAGITTAL_MM[1], -_SAGITTAL_MM[0], ends[0], ends[1]),
        origin="lower",
        interpolation="bilinear",
        aspect="auto",
    )
    axes.axhline(located.alignment.height_mm - zero, color="white", linewidth=0.9, linestyle=":")
    _frame(axes)
    axes.set_xticks([])
    axes.set_ylabel("mm above the BGL slice", color=PALE, fontsize=_SMALL, labelpad=1)
    _title(axes, "sagittal, front at the left", PALE)


def _sagittal(
    scan: CoarseScan, located: LocatedSlices, ends: tuple[float, float]
) -> NDArray[np.float32]:
    """Return HU on the plane of the slices' normal and the head's own front-back direction."""
    alignment = located.alignment
    front = alignment.affine[:3, 1] - (alignment.affine[:3, 1] @ scan.normal) * scan.normal
    front /= np.linalg.norm(front)
    along = np.arange(_SAGITTAL_MM[1], _SAGITTAL_MM[0], -_STEP_MM)
    up = np.arange(*ends, _STEP_MM) - alignment.height_mm
    points = (
        alignment.point[:, np.newaxis, np.newaxis]
        + front[:, np.newaxis, np.newaxis] * along
        + scan.normal[:, np.newaxis, np.newaxis] * up[:, np.newaxis]
    )
    indices, inside = scan.indices(points.reshape(3, -1))
    values = ndimage.map_coordinates(scan.hu, indices, np.float32, order=1, mode="nearest")
    return np.asarray(np.where(inside, values, np.float32(-1000.0)).reshape(points.shape[1:]))


def _show_probabilities(
    axes: Axes, located: LocatedSlices, from_bgl: NDArray[np.float64], ends: tuple[float, float]
) -> None:
    gaps = np.abs(np.diff(np.sort(from_bgl)))
    height = max(0.8 * float(np.median(gaps)), _THINNEST_MM)
    axes.barh(from_bgl, located.probabilities, height=height, color=_OTHER)
    bgl = located.bgl_slice
    axes.barh(from_bgl[bgl], located.probabilities[bgl], height=height, color=_COLOURS["BGL"])
    shares = located.network_probabilities
    if shares is not None:
        axes.plot(shares, from_bgl, "|", color="white", markersize=6, linestyle="none")
    axes.axhline(
        located.alignment.height_mm - located.heights[bgl],
        color="white",
        linewidth=0.9,
        linestyle=":",
    )
    axes.set_xlim(0.0, 1.05)
    axes.set_ylim(*ends)
    _frame(axes)
    label = "probability" if shares is None else "probability; white: network alone"
    axes.set_xlabel(label, color=PALE, fontsize=_SMALL)
    _title(axes, f"confidence {located.confidence:.2f}", PALE)


def _frame(axes: Axes) -> None:
    axes.tick_params(colors=PALE, labelsize=_SMALL, length=2)
    for spine in axes.spines.values():
        spine.set_edgecolor(_OTHER)


def _title(axes: Axes, text: str, colour: str) -> None:
    axes.set_title(text, color=colour, fontsize=_TEXT, pad=5)
