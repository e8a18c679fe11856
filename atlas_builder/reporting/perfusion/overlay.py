"""The picture of a core on CT perfusion: slices of the CT with the regions, and of the CBF map.

Both rows show the same slices; what was left out (fluid, vessels, beyond the map) is black below.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.perfusion.brain_scan import BrainScan
from aspects_scorer.perfusion.labelled import LabelledPerfusion
from atlas_builder.core.anatomy import Region
from atlas_builder.reporting.base.colours import BRAIN
from atlas_builder.reporting.base.outlined_regions import outlined_regions
from atlas_builder.reporting.base.outlines import closed_borders
from atlas_builder.reporting.base.pictures import STROKE_WINDOW, grey_levels, radiological, rgb
from atlas_builder.reporting.base.slice_panel import (
    SMALL,
    SlicePanel,
    framed,
    save,
    side_by_side,
    write,
)

_COLUMNS, _WIDTH = 5, 384  # pixels of a panel
_GAP, _FOOT, _FRAME = 6, 36, 8
_CORE_LINE = 1.8
_SMOOTH_MM = 0.6
_ROOM_FOR_A_NAME = 60  # mm²
_MOST_FLOW = 1.5  # times grey matter's, shown as the end of the scale
# From no flow to much, ever lighter: dark blue, green, yellow, red-white in print as on screens.
_SCALE = np.array(
    [(0, 0, 0), (36, 16, 110), (30, 90, 190), (40, 170, 110), (230, 220, 70), (255, 245, 230)],
    np.float64,
)
_LEGEND = (
    "R, L: the patient's sides. Red line: core. Above: CT (stroke window); thick outline, name on "
    "white: affected. Below: CBF, dark to light 0 to {most:.0f} mL/100 g/min; black: not judged. "
    "Research software, not a medical device."
)


def write_overlay(path: Path, result: LabelledPerfusion) -> None:
    """Write the picture as PNG: the same bytes for the same result.

    Parameters
    ----------
    path : Path
        The PNG file.
    result : LabelledPerfusion
        What was found.
    """
    scan, found = result.brain, result.labelled
    slices = _shown(result)
    most = _MOST_FLOW * found.unit.grey
    extent = _extent(scan)
    affected = {(one.region, one.side) for one in found.truth.regions if one.affected}
    above, below = [], []
    for index in slices:
        core = found.core.core[:, :, index]
        borders = _in_mm(closed_borders(core, (0.5, 0.5)), scan)
        caption = f"slice {scan.order[index]}"
        panel = SlicePanel.of(
            rgb(radiological(grey_levels(scan.hu[:, :, index], STROKE_WINDOW))), extent, _WIDTH
        )
        labels = scan.labels[:, :, index]
        outlined = outlined_regions(
            labels,
            Region,
            scan.spacing[:2],
            _SMOOTH_MM,
            lambda points: (points + 0.5) * np.array(scan.spacing[:2]),
            affected,
        )
        regions = sorted(outlined, key=lambda region: region.stands_out)
        for region in regions:
            panel.outline(region)
        panel.stroke(borders, _CORE_LINE, BRAIN)
        areas = np.bincount(labels.ravel(), minlength=21) * np.prod(scan.spacing[:2])
        for region in regions:
            value = region.region + (10 if region.side == "right" else 0)
            if areas[value] >= _ROOM_FOR_A_NAME:
                panel.name(region)
        above.append(panel.finished(caption))
        judged = found.core.judged[:, :, index]
        flow = np.where(judged, found.core.flow[:, :, index], np.nan) / found.unit.factor
        panel = SlicePanel.of(_coloured(radiological(flow) / most), extent, _WIDTH)
        panel.stroke(borders, _CORE_LINE, BRAIN)
        below.append(panel.finished(caption))
    picture = framed(side_by_side([*above, *below], len(slices), _GAP), 0, _FOOT)
    at = (_FRAME, picture.height - _FOOT / 2)
    write(picture, at, _LEGEND.format(most=most), SMALL, "lm")
    save(picture, path)


def _shown(result: LabelledPerfusion) -> list[int]:
    """Return slices from the lowest to the highest that the map and a region share."""
    scan, judged = result.brain, result.labelled.core.judged
    having = np.flatnonzero((judged & (scan.labels > 0)).any(axis=(0, 1)))
    places = np.linspace(0, len(having) - 1, min(_COLUMNS, len(having)))
    return [int(having[place]) for place in np.rint(places).astype(int)]


def _extent(scan: BrainScan) -> tuple[float, float, float, float]:
    columns, rows, _ = scan.hu.shape
    return 0.0, columns * scan.spacing[0], 0.0, rows * scan.spacing[1]


def _in_mm(borders: tuple[NDArray[np.float64], ...], scan: BrainScan) -> list[NDArray[np.float64]]:
    return [(border + 0.5) * np.array(scan.spacing[:2]) for border in borders]


def _coloured(shares: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return shares of the scale as colours; NaN is black."""
    place = np.clip(np.nan_to_num(shares), 0, 1) * (len(_SCALE) - 1)
    steps = np.arange(len(_SCALE))
    channels = [np.interp(place, steps, _SCALE[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
