"""Slices as the viewer shows them, and the compact text by which a page carries them.

A page that needs no second file holds its slices as text. Each slice is stored by itself, so that
the first one shows before the others are unpacked: every pixel as its difference from the mean of
its left and upper neighbours, which leaves little but the noise, then deflated [1]_ and in base64.

References
----------
.. [1] Deutsch P. DEFLATE compressed data format specification version 1.3. RFC 1951 (1996).
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import SIDES, Region, Side, map_value
from atlas_builder.reporting.base.colours import BRAIN, REGION_COLOURS
from atlas_builder.reporting.base.pictures import Window

MOST_PIXELS = 3_000_000
"""Of all slices together. Noise that cannot be compressed at all takes 4 MB of a page."""

MEAN_MM = 6.0
"""Side of the squares whose means are compared, and told of the place that is pointed at."""

_NAMED_FROM_MM2 = 40.0

LESION = 32
"""Added to the label of a pixel that is lesion."""


@dataclass(frozen=True)
class ValueScale:
    """What the 256 grey values of a slice stand for.

    Attributes
    ----------
    lowest : float
        The value stored as 0.
    step : float
        Between one grey value and the next.
    unit : str
        As it is printed.
    """

    lowest: float
    step: float
    unit: str

    def stored(self, values: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Return values as grey values.

        Parameters
        ----------
        values : ndarray, shape (...)
            In the unit; what lies outside of the scale is clipped, NaN is its lowest value.

        Returns
        -------
        ndarray of uint8, shape (...)
        """
        shifted = np.nan_to_num(np.asarray(values, np.float32), nan=self.lowest)
        shifted -= np.float32(self.lowest)
        shifted /= np.float32(self.step)
        np.clip(shifted, 0, 255, out=shifted)
        return np.rint(shifted, out=shifted).astype(np.uint8)


@dataclass(frozen=True)
class Comparison:
    """How a side is compared with the other.

    Attributes
    ----------
    tissue : tuple of float
        Lowest and highest value of what is compared, in the unit of the slices.
    least, most : float
        Difference from which it is coloured, and from which the colour is as strong as it gets.
    """

    tissue: tuple[float, float]
    least: float
    most: float


@dataclass(frozen=True)
class ViewedSlices:
    """A whole head, upright about its midline, which is the middle column.

    Attributes
    ----------
    values : ndarray of uint8, shape (slices, rows, columns)
        From the feet to the head; rows to the back, columns to the patient's left.
    labels : ndarray of uint8, shape (slices, rows, columns)
        1-10 on the left, 11-20 on the right; `LESION` is added where there is lesion.
    pixel_mm : float
        Side of a pixel.
    scale : ValueScale
        Of `values`.
    windows : sequence of Window
        To choose from; in the unit of `scale`.
    comparison : Comparison
        Of the sides; in the same unit.
    names : sequence of str
        Of the slices.
    marks : mapping of str to int
        Places of slices with names of their own, such as BGL. The first is shown first.
    homes : mapping of int to int
        Where to look for a label value: the place of a slice.
    standing_out : collection of tuple
        Region and side of those that are to catch the eye.
    """

    values: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    pixel_mm: float
    scale: ValueScale
    windows: Sequence[Window]
    comparison: Comparison
    names: Sequence[str]
    marks: Mapping[str, int]
    homes: Mapping[int, int]
    standing_out: Collection[tuple[Region, Side]]

    @property
    def has_lesion(self) -> bool:
        """Whether a lesion is marked."""
        return bool((self.labels >= LESION).any())


def areas_of(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how many pixels each label value has on each slice.

    Parameters
    ----------
    labels : ndarray of uint8, shape (slices, rows, columns)
        Below `LESION`.

    Returns
    -------
    ndarray, shape (slices, LESION)
    """
    return np.stack([np.bincount(plane.ravel(), minlength=LESION) for plane in labels])


def page_content(viewed: ViewedSlices) -> dict[str, object]:
    """Return slices as the page's script reads them.

    Parameters
    ----------
    viewed : ViewedSlices
        What to show.

    Returns
    -------
    dict
        Of plain numbers, text, lists and mappings; the same slices give the same content.
    """
    _, rows, columns = viewed.values.shape
    return {
        "rows": rows,
        "columns": columns,
        "pixelMm": viewed.pixel_mm,
        "lowest": viewed.scale.lowest,
        "step": viewed.scale.step,
        "unit": viewed.scale.unit,
        "windows": [
            {"name": window.name, "level": window.level, "width": window.width}
            for window in viewed.windows
        ],
        "tissue": list(viewed.comparison.tissue),
        "difference": {"from": viewed.comparison.least, "to": viewed.comparison.most},
        "meanMm": MEAN_MM,
        "namedFromMm2": _NAMED_FROM_MM2,
        "marks": [{"name": name, "at": place} for name, place in viewed.marks.items()],
        "regions": [
            {
                "value": map_value(region, side),
                "name": region.name,
                "side": side,
                "colour": REGION_COLOURS[region],
                "home": viewed.homes.get(map_value(region, side)),
                "standsOut": (region, side) in viewed.standing_out,
            }
            for region, side in product(Region, reversed(SIDES))
        ],
        "lesion": LESION if viewed.has_lesion else 0,
        "lesionColour": BRAIN,
        "slices": [
            {
                "name": name,
                "values": _packed(_left_over(values)),
                "labels": _packed(labels) if labels.any() else "",
            }
            for name, values, labels in zip(viewed.names, viewed.values, viewed.labels, strict=True)
        ],
    }


def _left_over(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what the mean of the left and the upper neighbour leaves, modulo 256."""
    wide = np.pad(values.astype(np.int16), ((1, 0), (1, 0)))
    return (wide[1:, 1:] - (wide[1:, :-1] + wide[:-1, 1:]) // 2).astype(np.uint8)


def _packed(content: NDArray[np.uint8]) -> str:
    # Without zlib's header and checksum. What is left of a slice is noise, of labels runs: a search
    # for longer matches takes its time and finds none.
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 9, zlib.Z_RLE)
    packed = packer.compress(content.tobytes()) + packer.flush()
    return base64.b64encode(packed).decode("ascii")
