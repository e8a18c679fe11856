"""One level of an atlas registered to a key slice, and its regions on the slice's own pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.catalogue.atlas import AtlasLevel
from atlas_builder.construction.fitting import register_slices
from atlas_builder.core.anatomy import Level, map_value, regions_of
from atlas_builder.core.errors import InputError
from atlas_builder.core.transform import (
    FloatArray,
    PlaneGrid,
    Transform,
    apply_affine,
    sample,
    sample_labels,
)
from atlas_builder.preprocessing.key_slice import (
    KEY_SLICE_SHAPE,
    KEY_SLICE_SPACING,
    KeySlice,
    even_box,
    key_slice_affine,
    key_slice_grid,
)
from atlas_builder.registration.slices import FINE, Metric

_BORDER_MM = 1.0
"""Standard deviation of where different raters put a border: about the blur of a CT."""


_ALIKE_MM = 1e-3  # NIfTI holds affines as float32


@dataclass(frozen=True)
class CarriedRegions:
    """An atlas's regions on the pixels of a scan's slice.

    Attributes
    ----------
    regions : ndarray of uint8, shape (columns, rows)
        1-10 on the patient's left, 11-20 on the right, 0 elsewhere.
    probability : ndarray of float32, shape (columns, rows)
        How probable each pixel's region is; 0 where there is none.
    brain : ndarray of bool, shape (columns, rows)
        The brain of the slice; regions lie within.
    """

    regions: NDArray[np.uint8]
    probability: NDArray[np.float32]
    brain: NDArray[np.bool_]


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
        The atlas lies on another grid, by its shape or its affine.
    """
    if atlas.image.shape != KEY_SLICE_SHAPE:
        raise InputError(
            f"the atlas has {atlas.image.shape[0]} x {atlas.image.shape[1]} pixels, key slices "
            f"have {KEY_SLICE_SHAPE[0]} x {KEY_SLICE_SHAPE[1]} of {KEY_SLICE_SPACING} mm; "
            "use an atlas that build-atlas wrote"
        )
    in_plane = np.ix_([0, 1], [0, 1, 3])
    if not np.allclose(atlas.affine[in_plane], key_slice_affine()[in_plane], atol=_ALIKE_MM):
        raise InputError(
            "the atlas's affine is not that of key slices (pixels of another size, mirrored or "
            "moved); use an atlas that build-atlas wrote"
        )
    brains = (atlas.image != 0) | key.brain
    x_ends, y_ends = (np.flatnonzero(brains.any(axis=axis))[[0, -1]] for axis in (1, 0))
    x, y = even_box(tuple(x_ends), tuple(y_ends))
    grid = key_slice_grid().cropped((x.start, y.start), (x.stop - x.start, y.stop - y.start))
    return register_slices(atlas.image[x, y], key.image[x, y], grid, metric=metric, schedule=FINE)


def sided(labels: NDArray[np.uint8], level: Level, grid: PlaneGrid) -> NDArray[np.uint8]:
    """Give the regions of an atlas a value for each side.

    A region's side is that of the half of the atlas it was drawn on. It is decided there and then
    carried, not by a line across the scan: swelling that pushes a caudate over the straight line
    between the ends of the falx does not make it part of the other side.

    Parameters
    ----------
    labels : ndarray of uint8, shape (nx, ny)
        1-10 on both sides.
    level : Level
        Whose regions.
    grid : PlaneGrid
        Of the labels; the midline is at 0 mm.

    Returns
    -------
    ndarray of uint8, shape (nx, ny)
        1-10 on the patient's left, 11-20 on the right.
    """
    on_right = grid.points()[0] < 0
    values = labels.copy()
    for region in regions_of(level):
        values[(labels == region) & on_right] = map_value(region, "right")
    return values


def carry_regions(
    atlas: AtlasLevel, level: Level, transform: Transform, key: KeySlice, shape: tuple[int, int]
) -> CarriedRegions:
    """Carry an atlas's regions onto the pixels of the scan's own slice.

    Registration, alignment and pixel size are composed, so labels are interpolated once.

    Parameters
    ----------
    atlas : AtlasLevel
        The regions and, if it has them, their probabilities. Of an atlas without, each border is
        taken to be uncertain by 1 mm (standard deviation).
    level : Level
        Which level of the atlas it is.
    transform : Transform
        From `map_level`.
    key : KeySlice
        Of the slice.
    shape : tuple of int
        Pixels of the slice along both axes.
    """
    grid = key_slice_grid()
    brain, points = _brain_pixels(key, shape)
    in_atlas = transform.to_template(points)
    regions = np.zeros(shape, np.uint8)
    regions[brain] = sample_labels(sided(atlas.labels, level, grid), grid, in_atlas)
    regions = _in_one_piece(regions, brain)
    labels = regions[brain]
    probable = np.zeros(len(labels), np.float32)
    for region, probability in zip(regions_of(level), probabilities_of(atlas, level), strict=True):
        here = np.isin(labels, [map_value(region, "left"), map_value(region, "right")])
        probable[here] = np.clip(sample(probability, grid, in_atlas[:, here]), 0, 1)
    probability_map = np.zeros(shape, np.float32)
    probability_map[brain] = probable
    return CarriedRegions(regions, probability_map, brain)


def probabilities_of(atlas: AtlasLevel, level: Level) -> NDArray[np.float32]:
    """Return the probability of each region of a level.

    Of an atlas that was published without probabilities, it is the label blurred by `_BORDER_MM`:
    the probability for borders that scatter so far about the drawn ones.

    Parameters
    ----------
    atlas : AtlasLevel
        With or without probabilities.
    level : {'BGL', 'SGL'}
        Which level it is.

    Returns
    -------
    ndarray of float32, shape (regions, nx, ny)
        0 to 1, in label order.
    """
    if atlas.probabilities is not None:
        return atlas.probabilities
    sigma = _BORDER_MM / KEY_SLICE_SPACING
    masks = [(atlas.labels == region).astype(np.float32) for region in regions_of(level)]
    return np.stack([ndi.gaussian_filter(mask, sigma) for mask in masks])


def _in_one_piece(regions: NDArray[np.uint8], brain: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Leave one component of each region, without holes.

    A sulcus that opens the brain's rim cuts islands off a region; one that the atlas does not have
    is a fold in the registration, which leaves specks of background in a region.
    """
    whole = np.zeros_like(regions)
    for value, box in enumerate(ndi.find_objects(regions), start=1):
        if box is not None:
            parts, _ = ndi.label(regions[box] == value)
            sizes = np.bincount(parts.ravel())
            sizes[0] = 0
            region = ndi.binary_fill_holes(parts == sizes.argmax())
            free = np.isin(regions[box], [0, value]) & brain[box]
            whole[box][region & free] = value
    return whole


def _brain_pixels(key: KeySlice, shape: tuple[int, int]) -> tuple[NDArray[np.bool_], FloatArray]:
    """Return which pixels of a slice are brain, and where these lie on the key-slice grid in mm."""
    pixels = np.indices(shape, dtype=np.float64)
    indices = apply_affine(np.linalg.inv(key.to_slice), pixels)
    share = ndi.map_coordinates(key.brain.astype(np.float32), indices, order=1)
    brain = share >= 0.5
    grid = key_slice_grid()
    return brain, indices[:, brain] * grid.spacing + np.reshape(grid.origin, (2, 1))
