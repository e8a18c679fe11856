"""The skull base of the standard head: temporal bone, sphenoid, clivus, and the first vertebra."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from atlas_builder.catalogue.tissues import Tissue
from head_painting.canvas import (
    Box,
    Canvas,
    Field,
    Point,
    around,
    cover,
    ellipsoid,
    join,
    path,
    tube,
)

_PETROUS: tuple[Point, Point] = ((60, -31, -44), (15, -17, -38))
_PETROUS_MM = (11.0, 5.0)
_LESSER_WING: list[Point] = [
    (11, 9, -21),
    (22, 7.5, -25),
    (31, 13, -25),
    (40, 21, -23),
    (48, 26, -18),
    (58, 28, -11),
]
_TEMPORAL_POLE: list[Point] = [(17, 14, -31), (30, 24, -32), (46, 30, -32)]


def ridges(block: Box) -> Field:
    """Return the signed distance (mm) to the bone that rises between the lobes of the brain."""
    petrous = tube(block, *_PETROUS, _PETROUS_MM)
    wing = path(block, _LESSER_WING, 2.2)
    pole = path(block, _TEMPORAL_POLE, 4.5)
    dorsum = ellipsoid(block, (0, -9.5, -30), (10, 2.6, 9))
    bone: Field = np.minimum.reduce([petrous, wing, pole, dorsum])
    return bone


def paint_base(canvas: Canvas) -> None:
    """Paint the bones that thicken the skull's floor, before the intracranial space."""
    block = around([(0, 40, -20), (72, -60, -76)], 12)
    body = join(
        ellipsoid(block, (0, 10, -38), (19, 22, 14)),
        tube(block, (0, -2, -40), (0, -25, -63), (12, 6.5)),
        6.0,
    )
    wing = path(block, [(16, 14, -34), (34, 28, -34), (52, 28, -30)], 5.0)
    plates = path(block, [(17, 24, -46), (18, 19, -64), (19, 17, -84)], 3.2)
    condyles = ellipsoid(block, (19, -40, -72), (7, 11, 6))
    bone = np.minimum(np.minimum(join(body, wing, 5.0), plates), condyles)
    canvas.paint(Tissue.CORTICAL_BONE, cover(bone), block)
    canvas.paint_on((Tissue.CORTICAL_BONE,), Tissue.DIPLOE, 0.8 * cover(bone + 2.0), block)
    _paint_temporal_bone(canvas)
    _paint_vertebra(canvas)
    _paint_sphenoid_sinus(canvas)


def _paint_temporal_bone(canvas: Canvas) -> None:
    block = around([(90, -66, -84), (10, -6, -24)], 4)
    petrous = tube(block, *_PETROUS, _PETROUS_MM)
    mastoid = ellipsoid(block, (61, -40, -53), (12, 16, 23), -10)
    canvas.paint(Tissue.CORTICAL_BONE, cover(join(petrous, mastoid, 5.0)), block)
    apex = tube(block, (16, -17, -39), (28, -21, -40), (2.5, 4.5))
    canvas.paint_on((Tissue.CORTICAL_BONE,), Tissue.DIPLOE, 0.7 * cover(apex), block)
    cells = np.maximum(
        np.minimum(mastoid + 3.0, ellipsoid(block, (58, -30, -40), (7, 9, 6))), -block.z - 74
    )
    canvas.paint(Tissue.AIR, cover(cells) * honeycomb(block, 2.0, 1), block)
    canvas.paint(Tissue.AIR, cover(ellipsoid(block, (56, -23, -46), (3, 4, 6))), block)
    canal = path(block, [(96, -24, -49), (78, -22, -48), (58, -23, -46)], 3.2)
    canvas.paint(Tissue.AIR, cover(canal), block)
    meatus = tube(block, (14, -29, -38), (27, -27, -40), (3.0, 2.2))
    canvas.paint(Tissue.CSF, cover(meatus), block)


def _paint_vertebra(canvas: Canvas) -> None:
    """Paint the ring of the atlas and the tooth of the axis."""
    block = around([(0, -18, -72), (34, -72, -100)], 3)
    ring = np.hypot(block.x / 1.0, (block.y + 49) / 1.15) - np.float32(17.5)
    arch = np.maximum(np.abs(ring) - 3.2, np.abs(block.z + 87) - 5.0)
    mass = ellipsoid(block, (22, -42, -86), (9, 12, 8))
    tooth = ellipsoid(block, (0, -31, -88), (5.5, 5, 12))
    bone = np.minimum(np.minimum(arch, mass), tooth).astype(np.float32)
    canvas.paint(Tissue.CORTICAL_BONE, cover(bone), block)
    canvas.paint_on((Tissue.CORTICAL_BONE,), Tissue.DIPLOE, 0.8 * cover(bone + 1.8), block)


def _paint_sphenoid_sinus(canvas: Canvas) -> None:
    block = around([(0, 14, -40)], 18)
    sinus = np.maximum(ellipsoid(block, (6, 14, -41), (10, 13, 9)), 0.8 - block.x)
    canvas.paint(Tissue.AIR, cover(sinus), block)


def honeycomb(block: Box, cell: float, seed: int) -> Field:
    """Return how much air (0-1) the voxels of bone with air cells hold.

    Parameters
    ----------
    block : Box
        Where.
    cell : float
        Half the width of a cell in mm.
    seed : int
        Of the cells' places.
    """
    shape = np.broadcast_shapes(block.x.shape, block.y.shape, block.z.shape)
    noise = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    smooth = ndi.gaussian_filter(noise, cell, mode="mirror")
    smooth /= smooth.std()
    # Walls follow the surface on which the noise is zero.
    return np.clip((np.abs(smooth) - 0.18) / 0.3, 0, 1).astype(np.float32)
