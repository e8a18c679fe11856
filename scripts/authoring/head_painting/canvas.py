"""Signed distances to simple shapes, and painting them softly into tissue fractions.

The standard head is symmetric, so it is made as its left half, whose first plane is the midline.
All coordinates are millimetres of MNI space with x taken as positive.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.catalogue.tissues import Tissue

Field = NDArray[np.float32]
Point = tuple[float, float, float]

X_MM = 100
"""The head's grid reaches from -100 to 100 mm across."""

Y_MM = (-130, 122)
Z_MM = (-96, 106)
HALF_SHAPE = (X_MM + 1, Y_MM[1] - Y_MM[0] + 1, Z_MM[1] - Z_MM[0] + 1)

EDGE_MM = 1.4
"""Width over which a surface passes from one tissue to the next: just over a voxel."""


@dataclass(frozen=True)
class Box:
    """A block of the half grid.

    Attributes
    ----------
    index : tuple of slice
        The block's place in arrays of the half grid.
    x, y, z : ndarray
        Millimetres of its voxels, shaped to broadcast over the block.
    """

    index: tuple[slice, slice, slice]
    x: Field
    y: Field
    z: Field


def box(low: Point, high: Point) -> Box:
    """Return the block of the half grid between two corners in mm, cut at the grid's faces."""
    origin = (0, Y_MM[0], Z_MM[0])
    first = [max(int(np.floor(a)) - o, 0) for a, o in zip(low, origin, strict=True)]
    after = [
        min(int(np.ceil(b)) - o + 1, n) for b, o, n in zip(high, origin, HALF_SHAPE, strict=True)
    ]
    x, y, z = (
        np.arange(a + o, b + o, dtype=np.float32)
        for a, b, o in zip(first, after, origin, strict=True)
    )
    index = tuple(slice(a, b) for a, b in zip(first, after, strict=True))
    return Box((index[0], index[1], index[2]), x[:, None, None], y[:, None], z)


WHOLE = box((0, Y_MM[0], Z_MM[0]), (X_MM, Y_MM[1], Z_MM[1]))


def around(points: list[Point], margin: float) -> Box:
    """Return the block that holds some points with a margin in mm."""
    places = np.array(points)
    low, high = places.min(axis=0) - margin, places.max(axis=0) + margin
    return box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def ellipsoid(block: Box, centre: Point, radii: Point, turn: float = 0.0) -> Field:
    """Return the approximate signed distance (mm, inside negative) to an ellipsoid.

    Parameters
    ----------
    block : Box
        Where.
    centre, radii : tuple of float
        In mm.
    turn : float
        Degrees by which the ellipsoid's front (+y) is turned towards the side (+x).
    """
    angle = np.deg2rad(turn)
    across, along = block.x - np.float32(centre[0]), block.y - np.float32(centre[1])
    u = (np.cos(angle) * across - np.sin(angle) * along).astype(np.float32)
    v = (np.sin(angle) * across + np.cos(angle) * along).astype(np.float32)
    w = block.z - np.float32(centre[2])
    a, b, c = (np.float32(radius) for radius in radii)
    scaled = np.sqrt((u / a) ** 2 + (v / b) ** 2 + (w / c) ** 2)
    slope = np.sqrt((u / a**2) ** 2 + (v / b**2) ** 2 + (w / c**2) ** 2)
    distance: Field = scaled * (scaled - 1) / np.maximum(slope, 1e-3)
    # In the middle the quotient vanishes where the distance should be the shortest radius.
    return np.where(scaled < 0.3, (scaled - 1) * min(radii), distance).astype(np.float32)


def tube(block: Box, start: Point, end: Point, radii: tuple[float, float]) -> Field:
    """Return the signed distance (mm) to a straight tube whose radius changes along it."""
    axis = np.subtract(end, start).astype(np.float32)
    rel = [c - np.float32(s) for c, s in zip((block.x, block.y, block.z), start, strict=True)]
    share = sum(r * a for r, a in zip(rel, axis, strict=True)) / np.float32(axis @ axis)
    share = np.clip(share, 0, 1)
    squares = sum((r - share * a) ** 2 for r, a in zip(rel, axis, strict=True))
    width = radii[0] + share * (radii[1] - radii[0])
    return (np.sqrt(squares) - width).astype(np.float32)


def path(block: Box, points: list[Point], radius: float) -> Field:
    """Return the signed distance (mm) to a bent tube through points."""
    pieces = [tube(block, a, b, (radius, radius)) for a, b in itertools.pairwise(points)]
    distance: Field = np.minimum.reduce(pieces)
    return distance


def join(first: Field, second: Field, rounding: float) -> Field:
    """Return the union of two shapes, the edge between them filled by a rounding in mm."""
    blend = np.clip(0.5 + 0.5 * (second - first) / np.float32(rounding), 0, 1)
    union = second + blend * (first - second) - np.float32(rounding) * blend * (1 - blend)
    return union.astype(np.float32)


def signed_distance(mask: NDArray[np.bool_], smoothing: float) -> Field:
    """Return the signed distance (mm) to a mask of the half grid, smoothed by a Gaussian in mm."""
    distance = ndi.distance_transform_edt(~mask) - ndi.distance_transform_edt(mask)
    # "mirror" repeats the other half of the head across the midline plane.
    smooth: Field = ndi.gaussian_filter(distance.astype(np.float32), smoothing, mode="mirror")
    return smooth


def cover(distance: Field, edge: float = EDGE_MM) -> Field:
    """Return how much of each voxel lies inside a shape: 1 inside, 0 outside, soft between."""
    share = np.clip(0.5 - distance / np.float32(edge), 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def half_noise(seed: int, width: float | tuple[float, float, float]) -> Field:
    """Return smooth noise of unit variance over the half grid.

    Parameters
    ----------
    seed : int
        Of the white noise.
    width : float or tuple of float
        Standard deviation of the Gaussian that smooths it, in mm.
    """
    noise = np.random.default_rng(seed).standard_normal(HALF_SHAPE, dtype=np.float32)
    smooth = ndi.gaussian_filter(noise, width, mode="mirror")
    return (smooth / smooth.std()).astype(np.float32)


def bump(direction: Field, towards: Point, width: float) -> Field:
    """Return a smooth bump, 1 in one direction from the head's middle.

    Parameters
    ----------
    direction : ndarray, shape (3, ...)
        Unit vectors.
    towards : tuple of float
        The bump's direction; need not have unit length.
    width : float
        Standard deviation in degrees.
    """
    unit = np.array(towards) / np.linalg.norm(towards)
    cosine = np.tensordot(unit.astype(np.float32), direction, axes=1)
    share: Field = np.exp((cosine - 1) / np.float32(np.deg2rad(width) ** 2))
    return share


class Canvas:
    """Tissue fractions of the left half of the head, into which shapes are painted in order.

    What is painted displaces what was there, so the fractions always add up to one.
    """

    def __init__(self) -> None:
        self.fractions = {tissue: np.zeros(HALF_SHAPE, np.float32) for tissue in Tissue}
        self.fractions[Tissue.AIR] += 1

    def paint(self, tissue: Tissue, share: Field, block: Box = WHOLE) -> None:
        """Fill a share (0-1) of each voxel of a block with a tissue."""
        for fraction in self.fractions.values():
            fraction[block.index] *= 1 - share
        self.fractions[tissue][block.index] += share

    def paint_mixture(
        self, parts: Mapping[Tissue, Field | float], share: Field, block: Box = WHOLE
    ) -> None:
        """Fill a share (0-1) of each voxel of a block with a mixture, whose parts add up to one."""
        for fraction in self.fractions.values():
            fraction[block.index] *= 1 - share
        for tissue, part in parts.items():
            self.fractions[tissue][block.index] += share * part

    def paint_on(
        self, grounds: tuple[Tissue, ...], tissue: Tissue, share: Field, block: Box = WHOLE
    ) -> None:
        """Fill that share of some tissues' part of each voxel with another tissue."""
        taken: Field | float = 0.0
        for ground in grounds:
            fraction = self.fractions[ground][block.index]
            taken = taken + fraction * share
            fraction *= 1 - share
        self.fractions[tissue][block.index] += taken
