"""A head of simple shapes, quick to make, whose every boundary is known."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_head import in_skull, radius_of

from head_phantom.person.volumes import Anatomy

VOXEL_MM = 2.0
BRAIN_HU = 30.0


def positions_in(anatomy: Anatomy) -> tuple[np.ndarray, ...]:
    axes = [
        anatomy.affine[axis, 3] + anatomy.affine[axis, axis] * np.arange(length)
        for axis, length in enumerate(anatomy.hu.shape)
    ]
    return tuple(np.meshgrid(*axes, indexing="ij"))


def make_simple_head() -> Anatomy:
    """Make an ellipsoid of brain in a skull and a scalp, with a lesion in the right M2."""
    affine = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0])
    affine[:3, 3] = (-90.0, -112.0, -80.0)
    shape = (91, 113, 91)
    empty = np.zeros(shape, np.uint8)
    bare = Anatomy(
        empty.astype(np.float32), *[empty] * 4, empty > 0, empty > 0, affine, np.zeros(3)
    )
    x, y, z = positions_in(bare)
    y = y + 8.0
    radius = radius_of((x, y, z), (66.0, 82.0, 70.0), middle=(0.0, 0.0, 10.0))
    brain, hu = radius < 1.0, in_skull(radius, BRAIN_HU, skull=1.09)

    side = np.abs(x)
    angle = np.degrees(np.arctan2(y, side))
    sector = np.digitize(-angle, [-15.0, 25.0])
    cortex = brain & (side > 42) & (np.abs(angle) < 62)
    regions = np.where(cortex & (z > -25) & (z < 15), 5 + sector, 0)
    regions = np.where(cortex & (z >= 15) & (z < 65), 8 + sector, regions)
    for label, (middle, half_width) in {4: (36, 4), 2: (27, 5), 3: (19, 3), 1: (11, 4)}.items():
        deep = ((side - middle) / half_width) ** 2 + ((y - 4) / 18) ** 2 + ((z - 4) / 15) ** 2
        regions = np.where(deep < 1, label, regions)
    regions = np.where((regions > 0) & (x > 0), regions + 10, regions)
    grey = np.where(brain, 255, 0)
    return Anatomy(
        hu=hu.astype(np.float32),
        grey=grey.astype(np.uint8),
        white=empty,
        csf=empty,
        regions=regions.astype(np.uint8),
        lesion=regions == 16,
        cavity=empty > 0,
        affine=affine,
        bgl_point=np.array([1.0, -6.0, 4.0]),
    )


@pytest.fixture(scope="session")
def simple_head():
    return make_simple_head()
