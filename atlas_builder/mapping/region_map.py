"""What mapping hands over: regions on the scan's own pixels, measures of each, and reservations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.atlas import AtlasLevel
from atlas_builder.core.anatomy import AgeGroup, Level, Region, Side
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Slice
from atlas_builder.core.transform import Transform
from atlas_builder.preprocessing.key_slice import KeySlice

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Resemblance:
    """How alike atlas and key slice are deep in the brain, before any registration.

    Attributes
    ----------
    fits : mapping of Level to float
        Correlation with the template of each level.
    turned : bool
        Whether the slice is clearly more like its level with its back at the front.
    """

    fits: Mapping[Level, float]
    turned: bool


@dataclass(frozen=True)
class LevelMap:
    """An atlas's regions on one key slice.

    Attributes
    ----------
    level : Level
        BGL or SGL.
    index : int
        The slice's zero-based place in the scan, in file order.
    slice : Slice
        The scan's slice, float32 HU; of thin slices the mean, see `thick_slices`.
    key : KeySlice
        Its brain, upright at 0.5 mm.
    atlas : AtlasLevel
        What was carried onto it.
    transform : Transform
        From the atlas to the key slice.
    regions : ndarray of uint8, shape (columns, rows)
        On the slice's pixels: 1-10 on the patient's left, 11-20 on the right, 0 elsewhere.
    probability : ndarray of float32, shape (columns, rows)
        How probable the label of each pixel is, 0 to 1; 0 where there is no region.
    brain : ndarray of bool, shape (columns, rows)
        The brain on the slice's pixels.
    midline : ndarray, shape (2, 2)
        Where the midline enters the brain at the front and leaves it at the back, one point a row,
        as fractional ``(column, row)`` of the slice.
    fit : float
        Correlation of the atlas with the brain it was carried onto, 0 to 1.
    resemblance : Resemblance
        How alike they were before.
    averaged_slices : int
        How many thin slices were averaged to `slice`; 1 where it is the scan's own.
    averaged_mm : float
        How thick they are together; 0 where nothing was averaged.
    """

    level: Level
    index: int
    slice: Slice
    key: KeySlice
    atlas: AtlasLevel
    transform: Transform
    regions: NDArray[np.uint8]
    probability: NDArray[np.float32]
    brain: NDArray[np.bool_]
    midline: NDArray[np.float64]
    fit: float
    resemblance: Resemblance
    averaged_slices: int = 1
    averaged_mm: float = 0.0


def height_above(bgl: Slice, sgl: Slice) -> float:
    """Return how far a slice lies above another, in mm along their normal.

    Parameters
    ----------
    bgl, sgl : Slice
        The lower and the higher slice; the normal is that of `bgl`.

    Returns
    -------
    float
        In mm from `bgl` to `sgl`; negative where `sgl` is the lower one.
    """
    return float(bgl.affine[:3, 2] @ (sgl.affine[:3, 3] - bgl.affine[:3, 3]))


@dataclass(frozen=True)
class RegionMeasure:
    """One region of one side.

    Attributes
    ----------
    region, side, level
        Which region.
    area_mm2 : float
        Its area on the slice.
    mean_hu : float
        Mean of its tissue in HU; NaN where too little of the region is on the slice.
    contralateral_mean_hu : float
        The same of its counterpart on the other side.
    difference_hu : float
        ``mean_hu - contralateral_mean_hu``; negative where this side is darker.
    relative_hu : float
        ``mean_hu / contralateral_mean_hu``.
    confidence : float
        How far the region's place can be trusted, 0 to 1.
    stands_out : bool
        Whether it is darker than its counterpart beyond normal differences; see `stands_out`.
    """

    region: Region
    side: Side
    level: Level
    area_mm2: float
    mean_hu: float
    contralateral_mean_hu: float
    difference_hu: float
    relative_hu: float
    confidence: float
    stands_out: bool


@dataclass(frozen=True)
class RegionMap:
    """An atlas's regions carried onto a scan.

    Attributes
    ----------
    levels : tuple of LevelMap
        BGL, then SGL.
    measures : tuple of RegionMeasure
        Ten regions of the left, then of the right, in label order.
    flags : tuple of Flag
        Empty when nothing is in doubt.
    atlas_name : str
        Which atlas, in words or the name of its folder.
    atlas_is_simulated : bool
        Whether the atlas was built from simulated heads.
    age_group : AgeGroup
        Of the atlas.
    age : float or None
        Of the patient in years; None when it was not known.
    slice_count : int
        How many slices the scan has.
    timings : mapping of str to float
        Seconds of each stage.
    atlas_provenance : mapping of str to str
        Where the atlas comes from, see `Atlas.provenance`.
    """

    levels: tuple[LevelMap, ...]
    measures: tuple[RegionMeasure, ...]
    flags: tuple[Flag, ...]
    atlas_name: str
    atlas_is_simulated: bool
    age_group: AgeGroup
    age: float | None
    slice_count: int
    timings: Mapping[str, float]
    atlas_provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def distance_mm(self) -> float:
        """How far the SGL lies above the BGL, in mm along the slices' normal."""
        bgl, sgl = (level_map.slice for level_map in self.levels)
        return height_above(bgl, sgl)

    def volume(self, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
        """Return the regions on all slices of the scan, in the layout of `Scan.data`.

        Parameters
        ----------
        shape : tuple of int
            Columns, rows and slices of the scan.
        """
        regions = np.zeros(shape, np.uint8)
        for level_map in self.levels:
            regions[:, :, level_map.index] = level_map.regions
        return regions
