"""The skull of an axial NCCT slice as a closed wall around the brain.

Bone alone does not close: sutures, burr holes, craniectomies, thin temporal bone and the edge of
the field of view leave gaps. Seen from a point inside the skull, bone is met in most directions;
the gaps between are bridged by carrying the skull's outline across.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

_ANGLES = 720  # half a degree: 0.6 mm at the widest skull
_REACH_MM = 140.0  # from any point well inside a head, its skull is nearer than this
_INNER_TABLE_MM = 12.0  # skull thicker than this is rare; deeper bone is petrous ridge or falx
_LEAST_ENCLOSED = 0.5  # a hemicraniectomy opens a third of the circle, a spine closes a fifth
_CANDIDATES = 4
_COARSE = 4  # pixels; where the centre lies need not be known finely
_SPECK_CM2 = 4.0  # calcification, gas and fat lobules are smaller


@dataclass(frozen=True)
class Wall:
    """The skull's outline around a point, as a radius in each direction.

    Attributes
    ----------
    centre : tuple of float
        Array index of the point, well inside the skull.
    radius : ndarray, shape (720,)
        Pixels from the centre to the skull's outer face, or, where bone is missing, to where its
        inner face would be; the angle grows from axis 0 to axis 1, beginning at axis 0.
    """

    centre: tuple[float, float]
    radius: NDArray[np.float64]

    def encloses(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return which pixels of an array of this shape lie within the outline.

        Parameters
        ----------
        shape : tuple of int
            Columns and rows of the array that `centre` is an index of.

        Returns
        -------
        ndarray of bool, shape (columns, rows)
        """
        x, y = np.ogrid[: shape[0], : shape[1]]
        dx, dy = x - self.centre[0], y - self.centre[1]
        turn = np.arctan2(dy, dx) / (2 * np.pi) * _ANGLES
        limit = np.append(self.radius, self.radius[0])[np.rint(turn).astype(np.intp) % _ANGLES]
        inside: NDArray[np.bool_] = np.hypot(dx, dy) < limit
        return inside


def find_wall(
    bone: NDArray[np.bool_], soft: NDArray[np.bool_], outside: NDArray[np.bool_], pixel: float
) -> Wall | None:
    """Find the widest space of soft tissue that bone encloses, and the outline of that bone.

    Parameters
    ----------
    bone, soft, outside : ndarray of bool, shape (columns, rows)
        Bone, tissue of fluid to blood density, and the air around the head.
    pixel : float
        Pixel size in mm, the same along both axes.

    Returns
    -------
    Wall or None
        None where no space of soft tissue has bone in at least half of the directions.
    """
    for centre in _widest_spaces(soft, pixel):
        rays_bone, rays_outside = _rays(bone, outside, centre, pixel)
        in_head = ~np.logical_or.accumulate(rays_outside, axis=1)
        rays_bone &= in_head
        met: NDArray[np.bool_] = np.any(rays_bone, axis=1)
        # A ray that leaves the field of view without meeting bone or air says nothing.
        in_air = ~met & rays_outside.any(axis=1)
        if met.sum() >= max(_LEAST_ENCLOSED * (met.sum() + in_air.sum()), _ANGLES / 4):
            return Wall(centre, _outline(rays_bone, met, pixel))
    return None


def _widest_spaces(soft: NDArray[np.bool_], pixel: float) -> list[tuple[float, float]]:
    """Return the centres of the widest discs that fit into soft tissue, the widest first."""
    coarse = pixel * _COARSE
    barrier = np.pad(~soft[::_COARSE, ::_COARSE], 1, constant_values=True)
    labels, count = ndi.label(barrier)
    large = np.bincount(labels.ravel(), minlength=count + 1) * coarse**2 > _SPECK_CM2 * 100
    room = ndi.distance_transform_edt(~(barrier & large[labels]))
    centres = []
    x, y = np.ogrid[: room.shape[0], : room.shape[1]]
    for _ in range(_CANDIDATES):
        i, j = np.unravel_index(np.argmax(room), room.shape)
        if room[i, j] == 0:
            break
        centres.append((float(i - 1) * _COARSE, float(j - 1) * _COARSE))
        room[(x - i) ** 2 + (y - j) ** 2 <= room[i, j] ** 2] = 0
    return centres


def _rays(
    bone: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    centre: tuple[float, float],
    pixel: float,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Sample two masks along rays from a point: arrays of shape (720, pixels outward)."""
    angle = np.arange(_ANGLES)[:, None] * (2 * np.pi / _ANGLES)
    radius = np.arange(_REACH_MM / pixel)
    x = np.rint(centre[0] + radius * np.cos(angle)).astype(np.intp) + 1
    y = np.rint(centre[1] + radius * np.sin(angle)).astype(np.intp) + 1
    # One pixel of nothing around the array stands for all that lies beyond the field of view.
    np.clip(x, 0, bone.shape[0] + 1, out=x)
    np.clip(y, 0, bone.shape[1] + 1, out=y)
    return np.pad(bone, 1)[x, y], np.pad(outside, 1)[x, y]


def _outline(
    rays_bone: NDArray[np.bool_], met: NDArray[np.bool_], pixel: float
) -> NDArray[np.float64]:
    """Return the outline's radius in each direction (pixels)."""
    outer: NDArray[np.float64] = rays_bone.shape[1] - 1.0 - np.argmax(rays_bone[:, ::-1], axis=1)
    if met.all():
        return outer + 1
    radius = np.arange(rays_bone.shape[1])
    in_table = rays_bone & (radius >= outer[:, None] - _INNER_TABLE_MM / pixel)
    inner = np.argmax(in_table, axis=1).astype(np.float64)
    angle = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    # An oval gives the course across wide gaps, its error at a gap's edges is carried across too.
    oval = np.stack(
        [np.ones(_ANGLES), *(f(k * angle) for k in (1, 2) for f in (np.cos, np.sin))], axis=1
    )
    weights, *_ = np.linalg.lstsq(oval[met], inner[met], rcond=None)
    course = oval @ weights
    smooth = ndi.median_filter((inner - course)[met], size=9, mode="wrap")
    bridged = course + np.interp(angle, angle[met], smooth, period=2 * np.pi)
    outline: NDArray[np.float64] = np.where(met, outer + 1, bridged)
    return outline
