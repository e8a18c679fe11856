"""Slices of 3-D reference atlases that correspond to an atlas's key slices.

A 3-D atlas has no BGL and SGL slice of its own, and its axial planes need not be parallel to those
on which ASPECTS is read. Planes are therefore sought by registration to the atlas:

1. The brain of the volume is cut by planes of every height and pitch (about the left-right axis).
   Each cut is given the template's position and extent and correlated with it. The pitch is common
   to both levels, and SGL lies 1 to 3.5 cm above BGL (about 2 in ASPECTS).
2. Around the heights found, the atlas is registered to each cut (affine and SyN, as to a patient),
   and the plane is the one that correlates best with the atlas.

The plane is then a key slice like any other: upright, at 0.5 mm, brain only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import Atlas, AtlasLevel
from atlas_builder.construction.fitting import correlation, extent_affine
from atlas_builder.core.anatomy import LEVELS, Level
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Slice
from atlas_builder.core.transform import PlaneGrid, apply_affine, halve, sample
from atlas_builder.mapping.level import map_level
from atlas_builder.preprocessing.key_slice import KeySlice, key_slice_grid, make_key_slice
from atlas_builder.validation.reference_volume import ReferenceVolume

_APART_MM = (10.0, 35.0)
_LEAST_BRAIN = 0.6  # of the template's area; brains of adults differ by less
_CUT = PlaneGrid((260, 260), 1.0, (-129.5, -129.5))
"""The grid of a cut that is registered: room for any head."""


@dataclass(frozen=True)
class ReferencePlane:
    """The plane of a volume that corresponds to a level.

    Attributes
    ----------
    level : Level
        Which one.
    height_mm : float
        Of its middle above the volume's lowest slice.
    pitch_deg : float
        About the left-right axis; positive when the plane rises towards the back.
    fit : float
        Correlation of the atlas, registered to it, with the plane.
    key : KeySlice
        The plane at 0.5 mm, brain only.
    """

    level: Level
    height_mm: float
    pitch_deg: float
    fit: float
    key: KeySlice


@dataclass(frozen=True)
class PlaneSearch:
    """Which planes are looked at.

    Attributes
    ----------
    pitches_deg : tuple of float
        About the left-right axis.
    step_mm : float
        Between heights.
    reach_mm : float
        How far from the height found the atlas is registered as well.
    """

    pitches_deg: tuple[float, ...] = tuple(range(-24, 25, 4))
    step_mm: float = 2.0
    reach_mm: float = 4.0


def find_planes(
    volume: ReferenceVolume, atlas: Atlas, search: PlaneSearch | None = None
) -> dict[Level, ReferencePlane]:
    """Find the planes of a volume that correspond to an atlas's BGL and SGL.

    Parameters
    ----------
    volume : ReferenceVolume
        A head in HU, from `read_volume`.
    atlas : Atlas
        On the key-slice grid.
    search : PlaneSearch, optional
        Which planes are looked at.

    Returns
    -------
    dict of level to ReferencePlane

    Raises
    ------
    InputError
        No plane of the volume shows a brain like the atlas's.
    RegistrationError
        ANTs found no transform.
    """
    search = search or PlaneSearch()
    pitch, starts = _search(volume, atlas, search)
    planes: dict[Level, ReferencePlane] = {}
    for level, start in starts.items():
        heights = _heights(start - search.reach_mm, start + search.reach_mm, search.step_mm)
        found = [
            _registered(volume, atlas.levels[level], level, float(height), pitch)
            for height in heights
        ]
        candidates = [plane for plane in found if plane is not None]
        if not candidates:
            raise InputError(f"no plane of the volume shows a head like the atlas's {level}")
        planes[level] = max(candidates, key=lambda plane: plane.fit)
    return planes


def _heights(first: float, last: float, step: float) -> NDArray[np.float64]:
    return np.arange(first, last + step / 2, step, np.float64)


def _search(
    volume: ReferenceVolume, atlas: Atlas, search: PlaneSearch
) -> tuple[float, dict[Level, float]]:
    """Return the pitch and the heights at which cuts resemble the templates most."""
    heights = _heights(0.0, volume.height_mm, search.step_mm)
    templates = [_coarse(atlas.levels[level].image) for level in LEVELS]
    grid = key_slice_grid().halved().halved()
    apart = heights[np.newaxis, :] - heights[:, np.newaxis]
    allowed = (apart >= _APART_MM[0]) & (apart <= _APART_MM[1])
    best, pitch_found, places = -np.inf, 0.0, (0, 0)
    for pitch in search.pitches_deg:
        cuts = [volume.cut_brain(float(height), float(pitch), grid) for height in heights]
        bgl, sgl = (
            np.array([_resemblance(template, cut, grid) for cut in cuts]) for template in templates
        )
        together = np.where(allowed, bgl[:, np.newaxis] + sgl[np.newaxis, :], -np.inf)
        if together.max() > best:
            best, pitch_found = float(together.max()), float(pitch)
            low, high = np.unravel_index(int(np.argmax(together)), together.shape)
            places = int(low), int(high)
    if not np.isfinite(best):
        raise InputError("no two planes of the volume show a brain like the atlas's")
    return pitch_found, {
        level: float(heights[place]) for level, place in zip(LEVELS, places, strict=True)
    }


def _coarse(image: NDArray[np.float32]) -> NDArray[np.floating]:
    """Return a template at 2 mm."""
    return halve(halve(image))


def _resemblance(
    template: NDArray[np.floating], cut: NDArray[np.float32], grid: PlaneGrid
) -> float:
    """Correlate a template with a cut of the same position and extent; -inf without much brain."""
    if np.count_nonzero(cut) < _LEAST_BRAIN * np.count_nonzero(template):
        return -np.inf
    affine = extent_affine(template, cut, grid)
    return correlation(template, sample(cut, grid, apply_affine(affine, grid.points())))


def _registered(
    volume: ReferenceVolume, atlas: AtlasLevel, level: Level, height: float, pitch: float
) -> ReferencePlane | None:
    """Register the atlas to a plane; None where the plane shows no brain."""
    affine = np.diag([-_CUT.spacing, -_CUT.spacing, 1.0, 1.0])
    try:
        key = make_key_slice(Slice(volume.cut_brain(height, pitch, _CUT), affine))
    except InputError:
        return None
    grid = key_slice_grid()
    carried = sample(key.image, grid, map_level(atlas, key).to_participant(grid.points()))
    return ReferencePlane(level, height, pitch, correlation(atlas.image, carried), key)
