"""The surface of the standard head: scalp over the vault, face, neck."""

from __future__ import annotations

import numpy as np

from atlas_builder.catalogue.tissues import Tissue
from head_painting.canvas import (
    WHOLE,
    Canvas,
    Field,
    bump,
    cover,
    ellipsoid,
    half_noise,
    join,
    tube,
)

_SKIN_MM = 2.0
_MUSCLE_MM = 5.2  # below the skin's surface


def surface_distance(skull: Field, direction: Field) -> Field:
    """Return the signed distance (mm) to the skin.

    Parameters
    ----------
    skull : ndarray
        Signed distance (mm) to the skull's outer face.
    direction : ndarray, shape (3, ...)
        Unit vectors from the head's middle.
    """
    scalp = (
        np.float32(6.0)
        + 7.5 * bump(direction, (1, 0.45, -0.15), 18)
        + 3.0 * bump(direction, (0, -1, -0.5), 18)
    )
    surface = skull - scalp
    face = ellipsoid(WHOLE, (0, 28, -62), (68, 60, 66))
    jaw = ellipsoid(WHOLE, (0, 8, -82), (70, 70, 60))
    bridge = tube(WHOLE, (0, 81, -44), (0, 98, -80), (5, 10))
    wings = ellipsoid(WHOLE, (0, 88, -84), (17, 13, 9))
    nose = join(bridge, wings, 8.0)
    neck = tube(WHOLE, (0, -46, -60), (0, -52, -130), (66, 60))
    surface = join(surface, join(face, jaw, 15.0), 14.0)
    surface = join(surface, neck, 14.0)
    ear = ellipsoid(WHOLE, (83, -30, -44), (3.0, 14, 27), 20)
    return join(join(surface, nose, 8.0), ear, 9.0)


def paint_soft_tissue(canvas: Canvas, surface: Field) -> None:
    """Paint skin, the fat under it, and below that muscle, or galea where it is thin."""
    canvas.paint(Tissue.SKIN, cover(surface))
    canvas.paint(Tissue.FAT, cover(surface + np.float32(_SKIN_MM)))
    muscle = cover(surface + np.float32(_MUSCLE_MM), 2.5)
    # Below the vault, sheets of fat part the muscles.
    septa = np.clip(1.4 - np.abs(half_noise(7, (4.5, 4.5, 10.0))) / np.float32(0.13), 0, 1)
    septa = septa * cover(WHOLE.z + np.float32(20), 20)
    canvas.paint(Tissue.MUSCLE, muscle * (1 - 0.9 * septa))
