"""The orbits of the standard head: bony walls, fat, eye, optic nerve and muscles.

The eye's place follows the mean eye of MNI space (about 33, 61, -38 mm); its diameter is 24 mm [1]_
enlarged by 8 %, as the ICBM average is larger than a typical head.

References
----------
.. [1] Bekerman I, et al. J Ophthalmol 2014:503645. doi:10.1155/2014/503645
"""

from __future__ import annotations

import numpy as np

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

_EYE: Point = (33, 60, -38)
_APEX: Point = (14, 17, -24)
_EYE_MM = 13.0
_WALL_MM = 2.4
_MUSCLES: tuple[tuple[Point, ...], ...] = (
    (_APEX, (18, 40, -31), (23, 58, -38)),
    (_APEX, (33, 38, -33), (44, 56, -38)),
    (_APEX, (25, 40, -24), (33, 60, -26)),
    (_APEX, (26, 38, -40), (33, 60, -50)),
)


def orbit_distance(block: Box) -> Field:
    """Return the signed distance (mm) to the orbit's bony walls."""
    front = ellipsoid(block, (33, 58, -38), (18.5, 20, 16.5))
    cone = tube(block, _APEX, (31, 50, -37), (3.5, 15.0))
    return join(front, cone, 6.0)


def paint_orbits(canvas: Canvas) -> None:
    """Paint the orbit's walls, what lies in it, and the eye."""
    block = around([_EYE, _APEX], 26)
    orbit = orbit_distance(block)
    # The lateral rim lies 15 mm behind the medial one, so the eye can look to the side.
    open_front = block.y - np.float32(74) + np.float32(0.55) * np.maximum(block.x - 20, 0)
    wall = np.maximum(orbit - np.float32(_WALL_MM), open_front)
    canvas.paint(Tissue.CORTICAL_BONE, cover(wall), block)
    lids = block.y - np.float32(72.5)
    canvas.paint(Tissue.FAT, cover(np.maximum(orbit, lids)), block)
    for muscle in _MUSCLES:
        canvas.paint(Tissue.MUSCLE, cover(path(block, list(muscle), 2.0)), block)
    gland = ellipsoid(block, (45, 60, -29), (4, 6, 5))
    canvas.paint(Tissue.MUSCLE, 0.8 * cover(gland), block)
    nerve: list[Point] = [(31.5, 48, -38), (24, 35, -32), _APEX, (8, 8, -19)]
    canvas.paint(Tissue.MUSCLE, 0.8 * cover(path(block, nerve, 2.3)), block)
    paint_eye(canvas)


def paint_eye(canvas: Canvas) -> None:
    """Paint sclera, vitreous body and lens."""
    block = around([_EYE], _EYE_MM + 3)
    sphere = ellipsoid(block, _EYE, (_EYE_MM, _EYE_MM, _EYE_MM))
    canvas.paint(Tissue.MUSCLE, cover(sphere), block)
    canvas.paint(Tissue.VITREOUS, cover(sphere + np.float32(1.4)), block)
    lens = ellipsoid(block, (_EYE[0], _EYE[1] + 8.5, _EYE[2]), (4.8, 2.3, 4.8))
    canvas.paint(Tissue.LENS, cover(lens), block)
