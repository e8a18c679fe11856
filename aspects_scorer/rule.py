"""The rule of ASPECTS on a lesion in MNI space: which regions lose their point.

A nucleus region (C, L, IC, I) loses its point for any lesion from a smallest volume on, a cortical
region (M1-M6) where at least a third of it is lesion, as in DWI-ASPECTS of Wei et al.; each side
starts with ten points.

References
----------
Barber PA, Demchuk AM, Zhang J, Buchan AM. Validity and reliability of a quantitative computed
tomography score in predicting outcome of hyperacute stroke before thrombolytic therapy.
Lancet 355:1670-1674 (2000). doi:10.1016/S0140-6736(00)02237-6
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.lesion import Lesion
from atlas_builder.anatomy import SIDES, Region, Side, map_value
from atlas_builder.phantom.mni_atlas import MniAspects

NUCLEI = (Region.C, Region.L, Region.IC, Region.I)
"""The regions that any lesion takes the point of."""

LEAST_ML = 0.0
"""Lesion volume in mL from which on a nucleus region counts as involved: any, as published."""

CORTICAL_SHARE = 1 / 3
"""Share of a cortical region from which on it counts as involved."""

_ROUNDING = 1e-9

_FEWEST_POINTS = 2
# Points lie off the borders of voxels of any usual size, in one direction for any array order, so
# that no rounding of a tie decides and a file stored the other way round gives the same.
_OFF_THE_BORDERS = 1e-4 * np.array([1.0, 2**0.5, 3**0.5])  # mm


@dataclass(frozen=True)
class RegionInvolvement:
    """How much of a region of one side is lesion.

    Attributes
    ----------
    region, side
        Which region.
    volume_ml : float
        Its volume in MNI space.
    lesion_ml : float
        How much of that is lesion.
    fraction : float
        The same as a share of the region, 0-1.
    loses_point : bool
        Whether the side loses a point for it.
    """

    region: Region
    side: Side
    volume_ml: float
    lesion_ml: float
    fraction: float
    loses_point: bool


@dataclass(frozen=True)
class AspectsScore:
    """The score of both sides.

    Attributes
    ----------
    left, right : int
        ASPECTS of each side of the patient, 0-10.
    regions : tuple of RegionInvolvement
        Twenty, left before right, each side in label order.
    """

    left: int
    right: int
    regions: tuple[RegionInvolvement, ...]

    @property
    def aspects(self) -> int:
        """The score of the patient: the lower of the sides."""
        return min(self.left, self.right)

    def of(self, side: Side) -> tuple[RegionInvolvement, ...]:
        """Return the ten regions of one side, in label order."""
        return tuple(region for region in self.regions if region.side == side)


def score_regions(
    lesion: Lesion,
    atlas: MniAspects,
    *,
    least_ml: float = LEAST_ML,
    cortical_share: float = CORTICAL_SHARE,
) -> AspectsScore:
    """Score a lesion by the share of each region that it takes.

    Parameters
    ----------
    lesion : Lesion
        In MNI152 millimetres, on a grid of any voxel size, orientation and array order.
    atlas : MniAspects
        The regions.
    least_ml : float
        Lesion volume (mL of MNI space) from which on a nucleus region loses its point; with 0 any
        lesion does.
    cortical_share : float
        Share of M1-M6 from which on the region loses its point.

    Returns
    -------
    AspectsScore
    """
    lesion_ml = overlap_ml(lesion, atlas)
    volumes_ml = {row.value: row.volume_ml for row in atlas.table}
    regions = []
    for side, region in product(SIDES, Region):
        value = map_value(region, side)
        volume, involved = volumes_ml[value], lesion_ml[value]
        if region in NUCLEI:
            loses = involved > 0 and involved >= least_ml
        else:
            # Sums of voxels that make up the very share may fall short of it in the last bits.
            loses = involved >= cortical_share * volume * (1 - _ROUNDING)
        share = involved / volume
        regions.append(RegionInvolvement(region, side, volume, involved, share, loses))
    left, right = (10 - sum(r.loses_point for r in regions if r.side == side) for side in SIDES)
    return AspectsScore(left, right, tuple(regions))


def overlap_ml(lesion: Lesion, atlas: MniAspects) -> Mapping[int, float]:
    """Return how much of each region is lesion, in mL, by the region's value.

    Each voxel of the lesion is the box it was drawn as, whatever its size, and each voxel of the
    atlas is asked at points of a finer lattice, not further apart than the lesion's voxels are
    small, whether it lies in such a box. A region inside the lesion is thereby involved exactly
    whole, and grids that differ in orientation or array order give the same.

    Parameters
    ----------
    lesion : Lesion
        In MNI152 millimetres.
    atlas : MniAspects
        The regions; values 1-20.
    """
    counts = np.zeros(2 * len(Region) + 1)
    first, labels = _around(lesion, atlas)
    places = np.argwhere(labels > 0)
    values = labels[tuple(places.T)]
    # A frame of background takes the points beyond the lesion's grid.
    framed = np.pad(lesion.mask, 1)
    last = np.array(framed.shape)[:, np.newaxis] - 1
    to_lesion = np.linalg.inv(lesion.affine)
    matrix = to_lesion[:3, :3] @ atlas.affine[:3, :3]
    start = to_lesion @ (atlas.affine @ (*first, 1)) + (*(to_lesion[:3, :3] @ _OFF_THE_BORDERS), 0)
    centres = matrix @ places.T + start[:3, np.newaxis] + 1
    points = _points_per_axis(lesion, atlas)
    steps = (np.arange(points) + 0.5) / points - 0.5
    for shift in product(steps, repeat=3):
        indices = np.rint(centres + (matrix @ shift)[:, np.newaxis]).astype(np.intp)
        inside = framed[tuple(np.clip(indices, 0, last))]
        counts += np.bincount(values[inside], minlength=len(counts))
    voxel_ml = float(abs(np.linalg.det(atlas.affine[:3, :3]))) / 1000
    return dict(enumerate((counts * voxel_ml / points**3).tolist()))


def _around(lesion: Lesion, atlas: MniAspects) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Return the part of the atlas around a lesion and the index of its first voxel."""
    if not lesion:
        return np.zeros(3, np.intp), atlas.labels[:0, :0, :0]
    extents = [
        np.flatnonzero(lesion.mask.any(axis=tuple(a for a in range(3) if a != axis)))[[0, -1]]
        + (-0.5, 0.5)
        for axis in range(3)
    ]
    corners = np.array([(*corner, 1) for corner in product(*extents)])
    indices = (np.linalg.inv(atlas.affine) @ lesion.affine @ corners.T)[:3]
    shape = np.array(atlas.labels.shape)
    first = np.clip(np.floor(indices.min(axis=1)).astype(np.intp), 0, shape)
    stop = np.clip(np.ceil(indices.max(axis=1)).astype(np.intp) + 1, first, shape)
    box = tuple(slice(a, b) for a, b in zip(first, stop, strict=True))
    return first, atlas.labels[box]


def _points_per_axis(lesion: Lesion, atlas: MniAspects) -> int:
    """Return into how many points each edge of an atlas voxel is divided."""
    own = np.linalg.norm(atlas.affine[:3, :3], axis=0).max()
    finest = np.linalg.norm(lesion.affine[:3, :3], axis=0).min()
    return max(_FEWEST_POINTS, int(np.ceil(own / finest)))
