"""Falx, tentorium, venous sinuses and calcifications of the standard head.

Their courses were read off the ICBM152 averages, in which the gap between cerebrum and cerebellum,
the straight sinus and the pineal region are visible.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from atlas_builder.catalogue.tissues import Tissue
from head_painting.canvas import (
    WHOLE,
    Box,
    Canvas,
    Field,
    Point,
    around,
    box,
    cover,
    ellipsoid,
    path,
)

_DURA_MM = 0.55  # half the thickness of falx and tentorium

# The tentorium's height (mm) over x (columns) and y (rows).
_TENTORIUM_X = (0.0, 10.0, 20.0, 30.0, 40.0, 55.0, 75.0)
_TENTORIUM_Y = (-115.0, -100.0, -80.0, -60.0, -45.0, -20.0)
_TENTORIUM_Z = (
    (-24.0, -24.0, -24.0, -24.0, -24.0, -24.0, -24.0),
    (-21.0, -21.5, -22.0, -22.0, -22.0, -22.0, -22.0),
    (-11.0, -16.5, -18.0, -19.0, -20.0, -21.0, -21.0),
    (1.0, -8.5, -14.0, -18.0, -22.0, -24.5, -25.0),
    (9.0, -6.0, -16.0, -22.0, -26.5, -29.5, -30.0),
    (12.0, -6.0, -20.0, -26.0, -29.0, -32.0, -32.0),
)
_STRAIGHT_SINUS: list[Point] = [(0, -44, 10), (0, -90, -17), (0, -106, -22)]
_SIGMOID_SINUS: list[Point] = [(61, -50, -32), (59, -44, -42), (50, -42, -52), (40, -40, -58)]
_PINEAL: Point = (0, -31, 3)
_GLOMUS: Point = (23.5, -41, 10)


def paint_meninges(canvas: Canvas, distance: Field) -> None:
    """Paint dura and venous sinuses into the fluid and the brain's edges.

    Parameters
    ----------
    canvas : Canvas
        The brain is there already.
    distance : ndarray
        Signed distance (mm) to the skull's inner face.
    """
    inside = cover(distance + np.float32(0.5))
    _paint_falx(canvas, inside)
    _paint_tentorium(canvas, inside)
    _paint_sinuses(canvas, distance, inside)


def paint_calcifications(canvas: Canvas) -> None:
    """Paint the pineal body and the choroid plexus, calcified as far as they ever are."""
    block = around([_PINEAL], 8)
    canvas.paint(Tissue.GREY, cover(ellipsoid(block, _PINEAL, (3.4, 4.2, 3))), block)
    core = cover(ellipsoid(block, _PINEAL, (2, 2.5, 2)))
    canvas.paint(Tissue.CALCIFICATION, 0.8 * core, block)
    block = around([_GLOMUS], 14)
    plexus = cover(ellipsoid(block, _GLOMUS, (3, 7.5, 4), -20))
    canvas.paint_on((Tissue.CSF,), Tissue.GREY, 0.7 * plexus, block)
    core = cover(ellipsoid(block, _GLOMUS, (2, 4.2, 2.4), -20))
    canvas.paint_on((Tissue.CSF, Tissue.GREY), Tissue.CALCIFICATION, 0.6 * core, block)


def _paint_falx(canvas: Canvas, inside: Field) -> None:
    block = box((0, WHOLE.y.min(), -40), (6, WHOLE.y.max(), WHOLE.z.max()))
    # Its free edge is an arc above the corpus callosum; behind, it ends on the tentorium.
    arc = np.hypot((block.y + 8) / 62, (block.z - 4) / 38)
    share = cover(block.x - np.float32(_DURA_MM)) * cover((1 - arc) * 38, 3.0)
    floor = np.where(block.y < -40, _tentorium(block)[:1], np.float32(-22))
    share = share * cover(floor - block.z, 3.0)
    _paint_between(canvas, Tissue.DURA, share * inside[block.index], block)


def _paint_tentorium(canvas: Canvas, inside: Field) -> None:
    block = box((0, -115, -40), (75, -15, 14))
    sheet = cover(np.abs(block.z - _tentorium(block)) - np.float32(_DURA_MM))
    notch = np.hypot(block.x / 19, (block.y + 30) / 22)  # for the brain stem
    share = sheet * cover((1 - notch) * 20, 3.0) * cover(block.y + np.float32(22), 4.0)
    _paint_between(canvas, Tissue.DURA, share * inside[block.index], block)


def _paint_sinuses(canvas: Canvas, distance: Field, inside: Field) -> None:
    # A triangle in the angle between falx and vault, growing backwards.
    size = np.clip(np.interp(WHOLE.y, [-90, 60], [7.5, 3.5]), 3.5, 7.5).astype(np.float32)
    depth = distance + size
    sagittal = cover(WHOLE.x - 0.6 * np.maximum(depth, 0)) * cover(-depth)
    sagittal = sagittal * cover(-20 - WHOLE.z, 6.0)
    _paint_between(canvas, Tissue.BLOOD, sagittal * inside, WHOLE)
    block = around(_STRAIGHT_SINUS, 6)
    straight = cover(path(block, _STRAIGHT_SINUS, 1.8))
    _paint_between(canvas, Tissue.BLOOD, straight, block)
    # In the edge of the tentorium along the occipital bone.
    block = box((0, -120, -45), (75, -46, 0))
    near = np.maximum(-distance[block.index] - 4.5, np.abs(block.z - _tentorium(block) + 1) - 4.5)
    transverse = cover(near) * inside[block.index] * cover(block.y + 50, 4.0)
    _paint_between(canvas, Tissue.BLOOD, transverse, block)
    block = around(_SIGMOID_SINUS, 8)
    sigmoid = cover(path(block, _SIGMOID_SINUS, 4.0))
    _paint_between(canvas, Tissue.BLOOD, sigmoid, block)
    block = around([(13, -2, -32)], 14)
    cavernous = cover(ellipsoid(block, (13, -2, -32), (5, 11, 6)))
    _paint_between(canvas, Tissue.BLOOD, cavernous, block)


def _paint_between(canvas: Canvas, tissue: Tissue, share: Field, block: Box) -> None:
    """Paint where fluid, the brain's surface or dura lie, sparing white matter and bone."""
    canvas.paint_on((Tissue.CSF, Tissue.GREY, Tissue.DURA), tissue, share, block)


def _tentorium(block: Box) -> Field:
    """Return the height (mm) of the tentorium over a block, shape (x, y, 1)."""
    height = RegularGridInterpolator((_TENTORIUM_Y, _TENTORIUM_X), _TENTORIUM_Z)
    y, x = np.broadcast_arrays(
        np.clip(block.y, _TENTORIUM_Y[0], _TENTORIUM_Y[-1]), np.minimum(block.x, _TENTORIUM_X[-1])
    )
    heights: Field = height(np.stack([y, x], axis=-1)).astype(np.float32)
    return heights
