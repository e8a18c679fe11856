"""How well an atlas fits a brain, and how far each region's place can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.catalogue.atlas import AtlasLevel
from atlas_builder.core.anatomy import SIDES, Level, Region, Side, map_value, regions_of
from atlas_builder.core.transform import Transform, sample
from atlas_builder.mapping.level import sided
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SPACING, KeySlice, key_slice_grid

_SMOOTHING_MM = 1.0  # so that a scan's noise does not count as misfit
_SURROUNDINGS_MM = 5.0  # what shows a border lies on both sides of it
_LEAST_PIXELS = 100

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Comparison:
    """An atlas carried onto a key slice, beside it.

    Attributes
    ----------
    carried, image : ndarray of float32, shape (460, 460)
        The atlas and the key slice in HU, smoothed within `brain`.
    brain : ndarray of bool, shape (460, 460)
        Where both have brain.
    labels : ndarray of uint8, shape (460, 460)
        The carried regions: 1-10 on the left, 11-20 on the right.
    """

    carried: Image
    image: Image
    brain: Mask
    labels: NDArray[np.uint8]

    @property
    def fit(self) -> float:
        """Correlation of atlas and brain, 0 to 1; 0 where they have nothing in common."""
        return _correlation(self, self.brain)


def compare(atlas: AtlasLevel, level: Level, transform: Transform, key: KeySlice) -> Comparison:
    """Carry an atlas onto a key slice and smooth both alike.

    Parameters
    ----------
    atlas : AtlasLevel
        On the key-slice grid.
    level : {'BGL', 'SGL'}
        Which level it is.
    transform : Transform
        From the atlas to the key slice, from `map_level`.
    key : KeySlice
        Of the scan.

    Returns
    -------
    Comparison
    """
    grid = key_slice_grid()
    in_atlas = transform.to_template(grid.points()[:, key.brain])
    carried = np.zeros(key.image.shape, np.float32)
    carried[key.brain] = sample(atlas.image, grid, in_atlas)
    labels = np.zeros(key.image.shape, np.uint8)
    labels[key.brain] = sample(sided(atlas.labels, level, grid), grid, in_atlas, order=0)
    # Where the atlas has next to no tissue it is its rim, faded into the background.
    brain = key.brain & (carried > 0)
    return Comparison(_smoothed(carried, brain), _smoothed(key.image, brain), brain, labels)


def confidences(
    comparison: Comparison, level: Level, regions: NDArray[np.uint8], probability: Image
) -> dict[tuple[Region, Side], float]:
    """Return the confidence of each region of each side, 0 to 1.

    It is the mean probability of the region's label over its pixels, a measure of how well those
    who drew the atlas agree on a region of its shape, times the square root of the correlation of
    atlas and brain in and around the region, a measure of how well it is placed on this scan.

    Parameters
    ----------
    comparison : Comparison
        From `compare`.
    level : Level
        Whose regions.
    regions, probability : ndarray, shape (columns, rows)
        As in `LevelMap`.
    """
    found = {}
    for region in regions_of(level):
        for side in SIDES:
            value = map_value(region, side)
            inside = probability[regions == value]
            agreement = float(inside.mean()) if inside.size else 0.0
            local = _correlation(comparison, _surroundings(comparison.labels == value))
            found[region, side] = agreement * float(np.sqrt(local))
    return found


def _correlation(comparison: Comparison, where: Mask) -> float:
    where = where & comparison.brain
    if np.count_nonzero(where) < _LEAST_PIXELS:
        return 0.0
    first, second = comparison.carried[where], comparison.image[where]
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return max(0.0, float(np.corrcoef(first, second)[0, 1]))


def _smoothed(image: Image, brain: Mask) -> Image:
    """Smooth a brain without its background."""
    sigma = _SMOOTHING_MM / KEY_SLICE_SPACING
    weight = ndi.gaussian_filter(brain.astype(np.float32), sigma)
    smooth: Image = ndi.gaussian_filter(np.where(brain, image, 0), sigma)
    return smooth / np.maximum(weight, 1e-3)


def _surroundings(region: Mask) -> Mask:
    """Return a region and what lies within `_SURROUNDINGS_MM` of it."""
    near = np.zeros_like(region)
    if not region.any():
        return near
    reach = round(_SURROUNDINGS_MM / KEY_SLICE_SPACING)
    box = ndi.find_objects(region.astype(np.uint8))[0]
    x, y = (slice(max(0, side.start - reach), side.stop + reach) for side in box)
    distance = ndi.distance_transform_edt(~region[x, y])
    near[x, y] = distance <= reach
    return near
