"""The standard head's skull: a closed shell around the intracranial space, of varying thickness."""

from __future__ import annotations

import numpy as np

from atlas_builder.catalogue.tissues import Tissue
from head_painting.canvas import (
    WHOLE,
    Canvas,
    Field,
    Point,
    bump,
    cover,
    half_noise,
)

_TABLE_MM = 2.0
_FORAMEN_Z_MM = -74.0
_CENTRE: Point = (0, -15, -5)
_USUAL_MM = 6.2
# Direction from the centre, width of the place in degrees, mm more than usual.
_THICKER: tuple[tuple[Point, float, float], ...] = (
    ((0, 1, 0.3), 22, 1.5),  # frontal crest
    ((0, -1, -0.25), 9, 4.0),  # inion
    ((0.35, -0.75, 0.55), 25, 1.5),  # parietal and upper occipital bone
    ((0, 0, 1), 20, 1.0),
    ((1, 0.2, -0.25), 20, -2.6),  # temporal squama
    ((0.3, -0.5, -0.8), 22, -2.8),  # floor of the posterior fossa
    ((0.6, 0.2, -0.75), 18, -2.5),  # floor of the middle fossa
    ((0.4, 0.85, -0.35), 14, -3.4),  # orbital roof
)


def directions() -> Field:
    """Return unit vectors from the head's middle, shape (3, x, y, z)."""
    vectors = np.stack(
        np.broadcast_arrays(
            WHOLE.x - np.float32(_CENTRE[0]),
            WHOLE.y - np.float32(_CENTRE[1]),
            WHOLE.z - np.float32(_CENTRE[2]),
        )
    )
    vectors /= np.maximum(np.sqrt((vectors**2).sum(axis=0)), 1)
    return vectors


def skull_thickness(direction: Field) -> Field:
    """Return the skull's thickness (mm) by direction from the head's middle."""
    thickness = np.full(direction.shape[1:], _USUAL_MM, np.float32)
    for towards, width, more in _THICKER:
        thickness += np.float32(more) * bump(direction, towards, width)
    return thickness


def paint_skull(canvas: Canvas, distance: Field, thick: Field) -> None:
    """Paint outer table, diploe and inner table around the intracranial space.

    Parameters
    ----------
    canvas : Canvas
        Scalp and face are there already.
    distance : ndarray
        Signed distance (mm) to the skull's inner face.
    thick : ndarray
        The skull's thickness (mm).
    """
    # Below the foramen magnum the space goes on between soft tissues.
    shell = np.maximum(distance - thick, np.float32(_FORAMEN_Z_MM) - WHOLE.z)
    canvas.paint(Tissue.CORTICAL_BONE, cover(shell))
    rough = half_noise(0, 4.0)
    table = np.float32(_TABLE_MM) + 0.5 * rough
    marrow = np.maximum(table - distance, distance - thick + table)
    canvas.paint_on((Tissue.CORTICAL_BONE,), Tissue.DIPLOE, 0.85 * cover(marrow, 1.8), WHOLE)
