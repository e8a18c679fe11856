"""Making the standard head from the ICBM152 averages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.tissues import Tissue
from head_painting.base import paint_base, ridges
from head_painting.brain import BrainMaps, brain_fractions
from head_painting.canvas import HALF_SHAPE, WHOLE, X_MM, Y_MM, Z_MM, Canvas, Field
from head_painting.face import paint_face
from head_painting.intracranial import intracranial_distance, paint_brain
from head_painting.meninges import paint_calcifications, paint_meninges
from head_painting.orbits import paint_orbits
from head_painting.skull import directions, paint_skull, skull_thickness
from head_painting.surface import paint_soft_tissue, surface_distance

PARTS = 15
"""Fractions are stored in fifteenths (17/255): half a HU between grey and white matter."""

AFFINE = np.array(
    [[1, 0, 0, -X_MM], [0, 1, 0, Y_MM[0]], [0, 0, 1, Z_MM[0]], [0, 0, 0, 1]], dtype=np.float64
)
"""From the head's voxels to RAS+ millimetres of MNI space."""


def on_half_grid(volume: Field, affine: NDArray[np.float64]) -> Field:
    """Put a 1 mm volume of MNI space on the left half of the head's grid, both halves averaged.

    Parameters
    ----------
    volume : ndarray, shape (x, y, z)
        Its first axis runs from one side to the other and holds the plane x = 0.
    affine : ndarray, shape (4, 4)
        From voxels to millimetres: a translation by whole millimetres.
    """
    first = np.rint(affine[:3, 3]).astype(int)
    middle = -first[0]
    one, other = volume[middle::-1], volume[middle:]
    count = min(len(one), len(other), HALF_SHAPE[0])
    half = np.zeros(HALF_SHAPE, np.float32)
    y, z = first[1] - Y_MM[0], first[2] - Z_MM[0]
    y0, z0 = max(y, 0), max(z, 0)
    part = 0.5 * (one[:count] + other[:count])
    part = part[:, y0 - y : HALF_SHAPE[1] - y, z0 - z : HALF_SHAPE[2] - z]
    half[:count, y0 : y0 + part.shape[1], z0 : z0 + part.shape[2]] = part
    return half


def make_half(maps: BrainMaps) -> dict[Tissue, Field]:
    """Return the tissue fractions (0-1) of the head's left half."""
    canvas = Canvas()
    grey, white = brain_fractions(maps, WHOLE)
    inner = np.maximum(intracranial_distance(maps.t1 > 0), -ridges(WHOLE))
    direction = directions()
    thick = skull_thickness(direction)
    surface = surface_distance(inner - thick, direction)
    paint_soft_tissue(canvas, surface)
    paint_base(canvas)
    paint_face(canvas)
    paint_orbits(canvas)
    paint_skull(canvas, inner, thick)
    paint_brain(canvas, inner, grey, white)
    paint_meninges(canvas, inner)
    paint_calcifications(canvas)
    return canvas.fractions


def whole_in_parts(half: dict[Tissue, Field]) -> NDArray[np.uint8]:
    """Return both halves in 1/255, rounded to fifteenths that add up to 255.

    Returns
    -------
    ndarray of uint8, shape (x, y, z, tissues)
        In the order of `Tissue`.
    """
    exact = np.stack([half[tissue] for tissue in Tissue]) * PARTS
    parts = np.floor(exact).astype(np.int8)
    rest = exact - parts
    missing = PARTS - parts.sum(axis=0)
    # The largest remainders are rounded up, as many as are missing.
    for count in range(1, int(missing.max()) + 1):
        largest = np.argmax(rest, axis=0)[None]
        up = np.take_along_axis(parts, largest, 0) + (missing >= count)
        np.put_along_axis(parts, largest, up.astype(np.int8), 0)
        np.put_along_axis(rest, largest, np.float32(-1), 0)
    scaled = parts.astype(np.uint8) * np.uint8(255 // PARTS)
    return np.moveaxis(np.concatenate([scaled[:, :0:-1], scaled], axis=1), 0, -1)
