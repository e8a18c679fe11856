"""The acute infarct drawn on the slices that show it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from aspects_scorer.ncct.infarct import Infarct
from atlas_builder.core.scan import Scan
from atlas_builder.reporting.base.pictures import STROKE_WINDOW, grey_levels, radiological
from atlas_builder.reporting.base.slice_panel import save, side_by_side
from slice_localizer.positions import heights_of

_MOST, _COLUMNS = 8, 4
_WIDTH, _GAP = 360, 8
_ALPHA, _COLOUR = 0.42, np.array([230.0, 30.0, 30.0])


def write_infarct(path: Path, scan: Scan, infarct: Infarct, key_slices: tuple[int, int]) -> None:
    """Write up to eight slices, evenly spread over the infarct, with the infarct in red, as PNG.

    Parameters
    ----------
    path : Path
        The PNG file.
    scan : Scan
        All slices, in HU.
    infarct : Infarct
        On its voxels.
    key_slices : tuple of int
        What is shown where there is no infarct.
    """
    panels = [
        _panel(np.asarray(scan.data[:, :, index], np.float32), infarct.mask[:, :, index], size)
        for index, size in _shown(scan, infarct, key_slices)
    ]
    tallest = max(panel.height for panel in panels)
    even = []
    for panel in panels:
        frame = Image.new("RGB", (_WIDTH, tallest))
        frame.paste(panel, (0, (tallest - panel.height) // 2))
        even.append(frame)
    save(side_by_side(even, min(len(even), _COLUMNS), _GAP), path)


def _shown(
    scan: Scan, infarct: Infarct, key_slices: tuple[int, int]
) -> list[tuple[int, tuple[float, float]]]:
    """Return indices, from the lowest slice to the highest, and sizes of pixels."""
    order = np.argsort(heights_of(scan.affines), kind="stable")
    with_infarct = [int(index) for index in order if infarct.mask[:, :, index].any()]
    chosen = with_infarct or list(key_slices)
    places = np.unique(np.linspace(0, len(chosen) - 1, min(_MOST, len(chosen))).round().astype(int))
    return [(chosen[place], scan[chosen[place]].spacing) for place in places]


def _panel(
    hu: NDArray[np.float32], mask: NDArray[np.bool_], spacing: tuple[float, float]
) -> Image.Image:
    box = _around_head(hu)
    grey = radiological(grey_levels(hu, STROKE_WINDOW)[box])[..., np.newaxis]
    share = np.float32(_ALPHA) * radiological(mask[box])[..., np.newaxis]
    coloured = (grey * (1 - share) + _COLOUR * share).astype(np.uint8)
    image = Image.fromarray(coloured, "RGB")
    height = round(_WIDTH * image.height * spacing[1] / (image.width * spacing[0]))
    return image.resize((_WIDTH, height), Image.Resampling.BILINEAR)


def _around_head(hu: NDArray[np.float32]) -> tuple[slice, slice]:
    found = ndimage.find_objects((ndimage.uniform_filter(hu, 5) > -200).astype(np.uint8))
    if not found or found[0] is None:
        return slice(None), slice(None)
    return found[0][0], found[0][1]
