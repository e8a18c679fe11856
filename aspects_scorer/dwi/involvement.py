"""How much of each ASPECTS region a lesion in MNI space takes, and the score that follows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_regions import MniAspects
from atlas_builder.core.anatomy import Region
from atlas_builder.core.aspects import BARBER, AspectsRule, AspectsScore, score_involvement
from atlas_builder.core.lesion import Lesion

_FEWEST_POINTS = 2
# Points lie off the borders of voxels of any usual size, in one direction for any array order, so
# that no rounding of a tie decides and a file stored the other way round gives the same.
_OFF_THE_BORDERS = 1e-4 * np.array([1.0, 2**0.5, 3**0.5])  # mm


def score_regions(lesion: Lesion, atlas: MniAspects, rule: AspectsRule = BARBER) -> AspectsScore:
    """Score a lesion by the share of each region that it takes.

    Parameters
    ----------
    lesion : Lesion
        In MNI152 millimetres, on a grid of any voxel size, orientation and array order.
    atlas : MniAspects
        The regions.
    rule : AspectsRule
        Which extent counts; volumes are those of MNI space.

    Returns
    -------
    AspectsScore
    """
    involved = overlap_ml(lesion, atlas)
    rows = {(row.side, row.region): row for row in atlas.table}
    return score_involvement(
        {key: row.volume_ml for key, row in rows.items()},
        {key: involved[row.value] for key, row in rows.items()},
        rule,
    )


def overlap_ml(lesion: Lesion, atlas: MniAspects) -> Mapping[int, float]:
    """Return how much of each region is lesion, in mL, by the region's value.

    Each voxel of the lesion is the box it was drawn as, whatever its size, and each voxel of the
    atlas is looked up at points of a finer lattice, not further apart than the lesion's voxels are
    small, to see whether they lie in such a box. A region inside the lesion is involved exactly
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
    regions = np.flatnonzero(labels)
    places = np.array(np.unravel_index(regions, labels.shape))
    values = labels.ravel()[regions]
    # A frame of background takes the points beyond the lesion's grid.
    framed = np.pad(lesion.mask, 1)
    last = np.array(framed.shape)[:, np.newaxis] - 1
    to_lesion = np.linalg.inv(lesion.affine)
    matrix = to_lesion[:3, :3] @ atlas.affine[:3, :3]
    start = to_lesion @ (atlas.affine @ (*first, 1)) + (*(to_lesion[:3, :3] @ _OFF_THE_BORDERS), 0)
    centres = matrix @ places + start[:3, np.newaxis] + 1
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
