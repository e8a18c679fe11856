"""The intracranial space of the standard head, with the brain in it.

The ICBM averages end at the brain's surface. The space around them is authored: its vault is the
brain's outline with all fissures bridged, its floor follows the lobes, and cisterns are added where
the brain lies away from the bone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.catalogue.tissues import Tissue
from head_painting.canvas import (
    WHOLE,
    Canvas,
    Field,
    Point,
    around,
    cover,
    ellipsoid,
    join,
    path,
    signed_distance,
    tube,
)

_VAULT_CLOSING_MM = 45.0  # bridges the Sylvian and the interhemispheric fissure
_BASE_CLOSING_MM = 6.0  # keeps the valleys of sphenoid wings and petrous bones open
_BASE_Z_MM = -14.0
_SUBARACHNOID_MM = 1.6  # beyond the ICBM brain mask, which holds some of the fluid already
_CORD: list[Point] = [(0, -45.5, -66), (0, -49, -78), (0, -51, -110)]
_CORD_MM = 6.0
_CORD_WHITE = 0.6


def intracranial_distance(brain: NDArray[np.bool_]) -> Field:
    """Return the signed distance (mm) to the inner face of the skull.

    Parameters
    ----------
    brain : ndarray of bool
        The mask of the ICBM brain on the half grid.
    """
    closed = _closed(brain, _BASE_CLOSING_MM)
    vault = _closed(brain, _VAULT_CLOSING_MM) & (WHOLE.z > _BASE_Z_MM)
    detailed = signed_distance(closed | vault, 1.5)
    smooth = ndi.gaussian_filter(detailed, 5.0, mode="mirror")
    above = np.clip((WHOLE.z - np.float32(_BASE_Z_MM)) / 20, 0, 1)
    distance = detailed + above * (smooth - detailed) - np.float32(_SUBARACHNOID_MM)
    suprasellar = ellipsoid(WHOLE, (0, -2, -20), (15, 13, 8))
    prepontine = ellipsoid(WHOLE, (0, -20, -38), (13, 9, 17))
    cisterna_magna = ellipsoid(WHOLE, (0, -50, -58), (19, 22, 15))
    foramen_magnum = tube(WHOLE, (0, -47, -60), (0, -48, -74), (16.5, 15))
    spinal_canal = tube(WHOLE, (0, -48, -74), (0, -50, -110), (14, 12))
    for space, rounding in (
        (suprasellar, 6.0),
        (prepontine, 6.0),
        (cisterna_magna, 8.0),
        (np.minimum(foramen_magnum, spinal_canal), 5.0),
    ):
        distance = join(distance, space, rounding)
    return distance


def paint_brain(canvas: Canvas, distance: Field, grey: Field, white: Field) -> None:
    """Fill the intracranial space with fluid and lay spinal cord, pituitary and brain into it."""
    canvas.paint(Tissue.CSF, cover(distance))
    block = around(_CORD, _CORD_MM + 3)
    cord = cover(path(block, _CORD, _CORD_MM))
    canvas.paint_mixture({Tissue.WHITE: _CORD_WHITE, Tissue.GREY: 1 - _CORD_WHITE}, cord, block)
    block = around([(0, 2, -32)], 10)
    canvas.paint(Tissue.GREY, cover(ellipsoid(block, (0, 2, -32), (7, 5.5, 4))), block)
    tissue = grey + white
    some = np.maximum(tissue, np.float32(1e-6))
    canvas.paint_mixture({Tissue.GREY: grey / some, Tissue.WHITE: white / some}, tissue)


def _closed(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    # Room to grow in; at the midline plane the other half's distances are the same.
    margin = int(np.ceil(radius)) + 1
    room = [(0, margin), (margin, margin), (margin, margin)]
    grown = ndi.distance_transform_edt(~np.pad(mask, room)) <= radius
    closed: NDArray[np.bool_] = ndi.distance_transform_edt(grown) > radius
    return closed[tuple(slice(a, n - b) for (a, b), n in zip(room, grown.shape, strict=True))]
