"""Bones, sinuses and airways of the standard head's face, down to the teeth of the upper jaw."""

from __future__ import annotations

import numpy as np

from atlas_builder.catalogue.tissues import Tissue
from head_painting.base import honeycomb
from head_painting.canvas import (
    Canvas,
    Point,
    around,
    box,
    cover,
    ellipsoid,
    join,
    path,
    tube,
)

_ARCH: list[Point] = [(71, -12, -50), (73, 10, -54), (66, 34, -57), (54, 52, -58)]
_LATERAL_RIM: list[Point] = [(51, 52, -56), (53, 50, -40), (51, 57, -25)]
_UPPER_RIM: list[Point] = [(51, 57, -25), (36, 69, -21), (18, 75, -25)]
_LOWER_RIM: list[Point] = [(51, 52, -56), (36, 66, -56), (20, 74, -50), (15, 77, -36)]
_TEETH: list[Point] = [(0, 80, -96), (16, 75, -96), (25, 60, -96), (28, 40, -95)]
_JAW: list[Point] = [(53, -6, -56), (51, -3, -70), (49, 4, -104)]
_CORONOID: list[Point] = [(50, 20, -64), (49, 12, -104)]


def paint_face(canvas: Canvas) -> None:
    """Paint the facial bones, then the spaces in them."""
    _paint_bones(canvas)
    _paint_maxillary_sinus(canvas)
    _paint_nose(canvas)
    _paint_frontal_sinus(canvas)


def _paint_bones(canvas: Canvas) -> None:
    block = box((0, -20, -100), (84, 92, -8))
    bone = np.minimum.reduce(
        [
            path(block, _ARCH, 2.8),
            path(block, _LATERAL_RIM, 3.6),
            path(block, _UPPER_RIM, 3.6),
            path(block, _LOWER_RIM, 2.6),
            ellipsoid(block, (49, 54, -60), (9, 7, 10)),
            path(block, _TEETH, 6.0),
            path(block, _JAW, 4.2),
            path(block, _CORONOID, 2.8),
            ellipsoid(block, (53, -7, -54), (9, 4.5, 5)),
            ellipsoid(block, (0, 72, -27), (24, 8.5, 13)),
            np.maximum(np.abs(block.z + 88) - 1.5, ellipsoid(block, (0, 42, -88), (27, 38, 20))),
            tube(block, (3, 80, -38), (5, 91, -58), (3.0, 1.5)),
        ]
    )
    canvas.paint(Tissue.CORTICAL_BONE, cover(bone.astype(np.float32)), block)
    canvas.paint_on((Tissue.CORTICAL_BONE,), Tissue.DIPLOE, 0.7 * cover(bone + 1.6), block)


def _paint_maxillary_sinus(canvas: Canvas) -> None:
    block = around([(31, 52, -69)], 22)
    sinus = ellipsoid(block, (31, 52, -70), (14, 17, 14))
    canvas.paint(Tissue.CORTICAL_BONE, cover(sinus - 1.6), block)
    canvas.paint(Tissue.AIR, cover(sinus), block)


def _paint_nose(canvas: Canvas) -> None:
    block = box((0, -12, -100), (22, 112, -28))
    ethmoid = np.maximum(
        ellipsoid(block, (0, 48, -42), (14, 28, 13)), -np.maximum(block.z + 60, -90)
    )
    canvas.paint(Tissue.CORTICAL_BONE, cover(ethmoid - 1.2), block)
    canvas.paint(Tissue.AIR, cover(ethmoid) * honeycomb(block, 2.6, 2), block)
    cavity = join(
        ellipsoid(block, (0, 50, -70), (15, 42, 19)),
        ellipsoid(block, (0, 6, -76), (12, 11, 26)),
        8.0,
    )
    vestibule = path(block, [(5, 84, -76), (6, 98, -86), (7, 100, -100)], 3.6)
    canvas.paint(Tissue.CORTICAL_BONE, 0.6 * cover(np.maximum(cavity - 1.4, block.z + 89)), block)
    canvas.paint(
        Tissue.AIR, cover(np.minimum(np.maximum(cavity, -block.z - 86.5), vestibule)), block
    )
    canvas.paint(Tissue.AIR, cover(ellipsoid(block, (0, 0, -92), (11, 9, 18))), block)
    for centre, radii in (((10, 46, -62), (3, 18, 4)), ((10, 50, -76), (4.5, 24, 6))):
        canvas.paint(Tissue.MUSCLE, 0.9 * cover(ellipsoid(block, centre, radii)), block)
    septum = np.maximum(np.maximum(block.x - 1.3, 22 - block.y), block.y - 96)
    inside = cover(np.minimum(cavity, ethmoid)) * cover(septum + 0 * block.z)
    canvas.paint(Tissue.MUSCLE, inside, block)
    canvas.paint(Tissue.CORTICAL_BONE, 0.5 * inside * cover(block.x - 0.6 + 0 * block.y), block)


def _paint_frontal_sinus(canvas: Canvas) -> None:
    block = around([(11, 73, -25)], 18)
    sinus = np.maximum(ellipsoid(block, (9, 73.5, -25), (12, 4.0, 9), 12), 0.8 - block.x)
    canvas.paint(Tissue.AIR, cover(sinus), block)
