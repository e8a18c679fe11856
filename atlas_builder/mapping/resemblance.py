"""How alike an atlas and a slice are before registration, which way round, and if at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage as ndi

from atlas_builder.catalogue.atlas import AtlasLevel
from atlas_builder.construction.fitting import extent_affine
from atlas_builder.core.anatomy import Level
from atlas_builder.core.errors import InputError
from atlas_builder.core.transform import apply_affine, sample
from atlas_builder.mapping.region_map import LevelMap, Resemblance
from atlas_builder.preprocessing.brain import around
from atlas_builder.preprocessing.key_slice import KEY_SLICE_SPACING, KeySlice, key_slice_grid

_DEEP_MM = 6.0  # inside the brain's rim, whose sulci differ between people
_BLUR_MM = 1.5
_CLEARLY_BETTER = 0.1  # of correlations; upright heads are better upright by as much or more
_LEAST_FIT = 0.2  # what is no brain has about 0, wrong slices of a head 0.5


def content_fit(atlas: AtlasLevel, key: KeySlice) -> float:
    """Return the correlation of an atlas and a slice deep in the brain, before any registration.

    The atlas is only stretched to the brain's extent; ventricles and nuclei then tell levels apart.

    Parameters
    ----------
    atlas : AtlasLevel
        On the key-slice grid.
    key : KeySlice
        Of the scan.

    Returns
    -------
    float
        Pearson correlation, -1 to 1, of both images smoothed and more than 6 mm inside the brain; 0
        where there is nothing to compare.
    """
    grid = key_slice_grid()
    brain = key.brain
    to_atlas = np.linalg.inv(extent_affine(atlas.image, key.image, grid))
    stretched = np.zeros(key.image.shape, np.float32)
    stretched[brain] = sample(atlas.image, grid, apply_affine(to_atlas, grid.points()[:, brain]))
    sigma = _BLUR_MM / KEY_SLICE_SPACING
    box = around(brain, 1, 1)
    both = (brain & (stretched > 0))[box]
    deep = ndi.distance_transform_edt(both) > _DEEP_MM / KEY_SLICE_SPACING
    if not deep.any():
        return 0.0
    first, second = (
        ndi.gaussian_filter(image[box], sigma)[deep] for image in (stretched, key.image)
    )
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def compare_unregistered(
    atlas: Mapping[Level, AtlasLevel], level: Level, key: KeySlice
) -> Resemblance:
    """Compare a level's key slice with an atlas, as it is and turned front to back.

    A slice that looks turned is upside down or mirrored, whatever its header states: left and
    right are swapped when the pixels were turned by 180 degrees, and are not when they were only
    mirrored.

    Parameters
    ----------
    atlas : mapping of level to AtlasLevel
        Both levels, on the key-slice grid.
    level : {'BGL', 'SGL'}
        Of the key slice.
    key : KeySlice
        Of the scan.

    Returns
    -------
    Resemblance
    """
    fits = {other: content_fit(content, key) for other, content in atlas.items()}
    turned = (slice(None, None, -1), slice(None, None, -1))
    mirrored = (slice(None), slice(None, None, -1))
    return Resemblance(
        fits,
        any(
            content_fit(atlas[level], _rearranged(key, order)) > fits[level] + _CLEARLY_BETTER
            for order in (turned, mirrored)
        ),
    )


def refuse_turned(resemblances: Iterable[Resemblance]) -> None:
    """Refuse a head that looks turned front to back on both key slices.

    Parameters
    ----------
    resemblances : iterable of Resemblance
        Of both key slices, from `compare_unregistered`.

    Raises
    ------
    InputError
        Both slices look so; one alone may have another reason, and is flagged.
    """
    if all(resemblance.turned for resemblance in resemblances):
        raise InputError(
            "the head looks turned front to back on both key slices, so left and right may be "
            "wrong; correct the orientation in the scan's header, or convert it from DICOM again"
        )


def refuse_unlike(levels: Sequence[LevelMap]) -> None:
    """Refuse a scan on which nothing resembles the atlas.

    Parameters
    ----------
    levels : sequence of LevelMap
        Of both key slices.

    Raises
    ------
    InputError
        Neither level's fit reaches 0.2.
    """
    best = max(level_map.fit for level_map in levels)
    if best < _LEAST_FIT:
        raise InputError(
            f"nothing in the brain resembles the atlas (correlation {best:.2f}); give a head CT"
        )


def _rearranged(key: KeySlice, order: tuple[slice, slice]) -> KeySlice:
    return replace(
        key,
        image=np.ascontiguousarray(key.image[order]),
        brain=np.ascontiguousarray(key.brain[order]),
    )
