"""Where a network looked, drawn on the key slices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from aspects_scorer.ncct.attention import AttentionMap
from atlas_builder.mapping.region_map import LevelMap
from atlas_builder.reporting.base.pictures import STROKE_WINDOW, grey_levels, radiological
from atlas_builder.reporting.base.slice_panel import save, side_by_side

_WIDTH, _GAP = 470, 8
_MARGIN = 8  # pixels of the slice around the brain
_STRONGEST = 0.75  # how much of the colour is seen where the network looked most
_COLOUR = np.array([255.0, 96.0, 0.0])


def write_attention(path: Path, attention: AttentionMap, levels: Sequence[LevelMap]) -> None:
    """Write the key slices, plain and with the network's attention beside, as one PNG.

    Parameters
    ----------
    path : Path
        The PNG file.
    attention : AttentionMap
        Of the scan.
    levels : sequence of LevelMap
        The key slices.
    """
    panels = []
    for level in levels:
        hu = np.asarray(level.slice.data, np.float32)
        looked = attention.on_slice(level.slice.affine, (hu.shape[0], hu.shape[1]))
        box = _around(level.brain)
        grey = radiological(grey_levels(hu, STROKE_WINDOW)[box])
        share = _STRONGEST * radiological(looked[box])[..., np.newaxis]
        coloured = grey[..., np.newaxis] * (1 - share) + _COLOUR * share
        plain = np.repeat(grey[..., np.newaxis], 3, axis=2)
        for picture in (plain, coloured.astype(np.uint8)):
            image = Image.fromarray(picture, "RGB")
            height = round(_WIDTH * image.height / image.width)
            panels.append(image.resize((_WIDTH, height), Image.Resampling.BILINEAR))
    tallest = max(panel.height for panel in panels)
    even = []
    for panel in panels:
        frame = Image.new("RGB", (_WIDTH, tallest))
        frame.paste(panel, (0, (tallest - panel.height) // 2))
        even.append(frame)
    save(side_by_side(even, len(even), _GAP), path)


def _around(brain: NDArray[np.bool_]) -> tuple[slice, slice]:
    found = ndimage.find_objects(brain.astype(np.uint8))
    if not found or found[0] is None:
        return slice(None), slice(None)
    columns, rows = (slice(max(s.start - _MARGIN, 0), s.stop + _MARGIN) for s in found[0])
    return columns, rows
