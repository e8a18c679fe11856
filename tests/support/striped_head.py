"""A head in MNI space whose regions are those that ship, for whatever reads the standard grid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from aspects_scorer.ncct.mapped_scan import MappedScan
from atlas_builder.catalogue.mni_regions import load_mni_aspects
from atlas_builder.core.anatomy import Region, Side, map_value
from slice_localizer.alignment.deformation import BrainPlace

PIXEL_MM = 2.0
SLICE_MM = 5.0
SHAPE = (90, 110, 24)
FIRST = np.array([89.0, 76.0, -34.0])  # RAS+ mm of the first voxel: left and back are positive axes


def affines() -> np.ndarray:
    """Return the affines of the slices, which lie as MNI space does."""
    found = np.repeat(np.diag([-PIXEL_MM, -PIXEL_MM, 1.0, 1.0])[np.newaxis], SHAPE[2], axis=0)
    found[:, :3, 3] = FIRST
    found[:, 2, 3] += SLICE_MM * np.arange(SHAPE[2])
    return found


def no_deformation() -> BrainPlace:
    """Return the place of a standard brain that lies where MNI space has it."""
    still = np.zeros((3, 4, 4, 4), np.float32)
    return BrainPlace(np.eye(4), still, still, np.array([-100.0, -130.0, -80.0]), 80.0)


def mni_head(
    added_hu: Mapping[tuple[Side, Region], float] | None = None, noise_hu: float = 2.0
) -> MappedScan:
    """Return a brain of 34 HU in a skull, with the shipped regions, some of other densities."""
    places = np.stack(np.indices(SHAPE)).reshape(3, -1).astype(float)
    points = FIRST[:, None] + places * np.array([-PIXEL_MM, -PIXEL_MM, SLICE_MM])[:, None]
    atlas = load_mni_aspects()
    back = np.linalg.inv(atlas.affine)
    voxels = np.rint(back[:3, :3] @ points + back[:3, 3:])
    labels = ndimage.map_coordinates(atlas.labels, voxels, order=0).reshape(SHAPE).astype(np.uint8)
    x, y, z = points.reshape(3, *SHAPE)
    radius = np.sqrt((x / 72) ** 2 + ((y + 18) / 88) ** 2 + ((z - 5) / 80) ** 2)
    hu = np.select([radius < 1, radius < 1.1], [34.0, 900.0], -1000.0).astype(np.float32)
    for (side, region), more in (added_hu or {}).items():
        hu[labels == map_value(region, side)] += more
    rng = np.random.default_rng(3)
    hu += rng.normal(0, noise_hu, SHAPE).astype(np.float32)
    return MappedScan(hu, labels, radius < 1, affines(), 60.0, place=no_deformation())
