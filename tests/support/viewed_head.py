"""A whole scan about the key slices of a map that `make_map` made: every slice like the BGL's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.scan import Scan
from atlas_builder.mapping.region_map import RegionMap


def scan_about(region_map: RegionMap, count: int = 9, below: int = 3) -> Scan:
    """Return a scan of slices 20 mm apart whose key slices are those of the map.

    Parameters
    ----------
    region_map : RegionMap
        Of slices 20 mm apart.
    count : int
        Slices of the scan.
    below : int
        How many of them lie below the BGL.
    """
    bgl, sgl = region_map.levels
    data = np.repeat(np.asarray(bgl.slice.data, np.float32)[..., np.newaxis], count, axis=2)
    step = sgl.slice.affine[:, 3] - bgl.slice.affine[:, 3]
    affines = np.repeat(bgl.slice.affine[np.newaxis], count, axis=0)
    affines[:, :, 3] += np.arange(-below, count - below)[:, np.newaxis] * step
    return Scan(data, affines)


def labels_of(region_map: RegionMap, scan: Scan) -> NDArray[np.uint8]:
    """Return the regions of both key slices, as they lie in the scan."""
    labels = np.zeros(scan.data.shape, np.uint8)
    for level_map in region_map.levels:
        labels[..., level_map.index] = level_map.regions
    return labels
