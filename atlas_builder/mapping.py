"""An atlas carried onto a scan's key slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.construction.fitting import register_slices
from atlas_builder.errors import InputError
from atlas_builder.io.atlas import AtlasLevel
from atlas_builder.preprocessing.key_slice import (
    KEY_SLICE_SHAPE,
    KEY_SLICE_SPACING,
    KeySlice,
    key_slice_grid,
)
from atlas_builder.registration import FINE, Metric
from atlas_builder.transform import Transform, apply_affine, sample_labels

_MARGIN = 16  # pixels around both brains


def map_level(atlas: AtlasLevel, key: KeySlice, metric: Metric = Metric.MI) -> Transform:
    """Register one level of an atlas to a key slice.

    Parameters
    ----------
    atlas : AtlasLevel
        On the key-slice grid, as `build_atlas` writes it.
    key : KeySlice
        Of the new scan.
    metric : Metric
        Of SyN.

    Returns
    -------
    Transform
        From the atlas to the key slice.

    Raises
    ------
    InputError
        The atlas lies on another grid.
    """
    if atlas.image.shape != KEY_SLICE_SHAPE:
        raise InputError(
            f"the atlas has {atlas.image.shape[0]} x {atlas.image.shape[1]} pixels, key slices "
            f"have {KEY_SLICE_SHAPE[0]} x {KEY_SLICE_SHAPE[1]} of {KEY_SLICE_SPACING} mm; "
            "use an atlas that build-atlas wrote"
        )
    brains = (atlas.image != 0) | key.brain
    x, y = (
        slice(
            max(0, int(ends[0]) - _MARGIN) // 2 * 2,
            min(n, int(ends[-1]) + _MARGIN + 2) // 2 * 2,
        )
        for ends, n in zip(
            (np.flatnonzero(brains.any(axis=1)), np.flatnonzero(brains.any(axis=0))),
            KEY_SLICE_SHAPE,
            strict=True,
        )
    )
    grid = key_slice_grid().cropped((x.start, y.start), (x.stop - x.start, y.stop - y.start))
    return register_slices(atlas.image[x, y], key.image[x, y], grid, metric=metric, schedule=FINE)


def regions_on_slice(
    atlas: AtlasLevel, transform: Transform, key: KeySlice, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Carry an atlas's regions onto the pixels of the scan's own slice.

    Registration, alignment and pixel size are composed, so labels are interpolated once.

    Parameters
    ----------
    atlas : AtlasLevel
        The regions.
    transform : Transform
        From `map_level`.
    key : KeySlice
        Of the slice.
    shape : tuple of int
        Pixels of the slice along both axes.

    Returns
    -------
    ndarray of uint8, shape `shape`
        Region values 1-10, the same on both sides; 0 outside the brain.
    """
    pixels = apply_affine(np.linalg.inv(key.to_slice), np.indices(shape, dtype=np.float64))
    grid = key_slice_grid()
    points = pixels * grid.spacing + np.reshape(grid.origin, (2, 1, 1))
    return sample_labels(atlas.labels, grid, transform.to_template(points))
