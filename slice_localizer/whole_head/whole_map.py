"""The twenty regions on every slice of a scan.

The regions in MNI space [1]_ are carried onto the scan by a deformation of the standard brain. On
the key slices an atlas of the patient's age group has been registered to the slice itself: there
its regions hold. Between, each border lies where the carried regions have it, moved as it was moved
on the key slice, ever less with the distance: signed distances to the borders are what is added up
(shape-based interpolation, [2]_).

References
----------
.. [1] `atlas_builder.catalogue.mni_regions`
.. [2] Raya SP, Udupa JK. Shape-based interpolation of multidimensional objects. IEEE Trans Med
   Imaging 9:32-42 (1990). doi:10.1109/42.52980
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.catalogue.mni_regions import MniAspects, load_mni_aspects
from atlas_builder.core.anatomy import Level, Region, map_value, regions_of
from atlas_builder.core.scan import Scan
from atlas_builder.mapping.region_map import RegionMap
from slice_localizer.alignment.deformation import BrainPlace
from slice_localizer.alignment.gauss_newton import Array
from slice_localizer.alignment.level import LevelAlignment
from slice_localizer.alignment.standard_head import BRAIN_WINDOW, load_standard_head
from slice_localizer.positions import voxel_volumes_ml
from slice_localizer.whole_head.brain_place import place_brain
from slice_localizer.whole_head.standard_plane import pitch_of

_PIXEL_MM = 1.5  # of the pictures of distances
_FADE_MM = 10.0
_LEAST_SHARE = 0.02
_TISSUE_HU = (-10.0, 100.0)
_FARTHEST_MM = 12.0  # from a border: more counts no more
_VALUES = np.arange(2 * len(Region) + 1)

Distances = NDArray[np.float32]


@dataclass(frozen=True)
class WholeMap:
    """The regions on all slices of a scan.

    Attributes
    ----------
    labels : ndarray of uint8, shape (columns, rows, slices)
        1-10 on the patient's left, 11-20 on the right, 0 elsewhere; on the scan's own pixels. The
        key slices are those of the region map.
    brain : ndarray of bool, shape (columns, rows, slices)
        The brain with its ventricles and sulci.
    affines : ndarray, shape (slices, 4, 4)
        Of each slice, as in `Scan`.
    place : BrainPlace
        Of the standard brain in the scan.
    pitch_deg : float
        By how much the slices' front lies above their back against the plane that the atlas is
        made for; negative where it lies below.
    """

    labels: NDArray[np.uint8]
    brain: NDArray[np.bool_]
    affines: NDArray[np.float64]
    place: BrainPlace
    pitch_deg: float

    def volumes_ml(self) -> NDArray[np.float64]:
        """Return the volume of each label value in mL, shape (21,); of 0 nothing is counted.

        A slice stands for half the way to its neighbours on either side.
        """
        volumes = np.zeros(len(_VALUES))
        for index, voxel_ml in enumerate(voxel_volumes_ml(self.affines)):
            counts = np.bincount(self.labels[:, :, index].ravel(), minlength=len(_VALUES))
            volumes += counts[: len(_VALUES)] * voxel_ml
        volumes[0] = 0.0
        return volumes


def map_all_slices(
    scan: Scan, region_map: RegionMap, alignment: LevelAlignment, onto: Scan | None = None
) -> WholeMap:
    """Carry the regions onto every slice of a scan.

    Parameters
    ----------
    scan : Scan
        All slices, in HU.
    region_map : RegionMap
        Of its key slices.
    alignment : LevelAlignment
        Of the standard head with the scan, from `align_level`.
    onto : Scan, optional
        Other slices of the same head to carry them onto, such as those that `scan` was reformatted
        from; by default those of `scan`.

    Returns
    -------
    WholeMap

    Raises
    ------
    InputError
        The scan's slices are not parallel, or what ships is damaged.
    """
    head = load_standard_head()
    place = place_brain(scan, alignment)
    within = (head.stripped_hu > BRAIN_WINDOW[0]).astype(np.float32)
    atlas = load_mni_aspects()
    of_keys = _Carried(place, within, _Plane.of(scan), atlas)
    upwards = alignment.affine[:3, 2] / np.linalg.norm(alignment.affine[:3, 2])
    keys = [
        _Key.of(level_map.level, level_map.index, level_map.regions, scan, of_keys)
        for level_map in region_map.levels
    ]
    known = {level_map.index: level_map for level_map in region_map.levels}
    if onto is not None:
        scan, known = onto, {}
    carried = _Carried(place, within, _Plane.of(scan), atlas)
    labels = np.zeros(scan.data.shape, np.uint8)
    brain = np.zeros(scan.data.shape, bool)
    for index in range(len(scan)):
        if index in known:
            labels[:, :, index] = known[index].regions
            brain[:, :, index] = known[index].brain
            continue
        share = carried.brain(scan.affines[index])
        if not (share > 0.5).any():
            continue
        inside = (carried.plane.enlarged(share) > 0.5) & tissue_of(scan.data[:, :, index])
        brain[:, :, index] = inside
        own = carried.labels(scan.affines[index], share > 0.2)
        if not own.any():
            continue
        distances = _distances(own)
        for key in keys:
            key.refine(distances, carried.plane.points(scan.affines[index]), upwards)
        labels[:, :, index] = np.where(inside, _nearest(distances, carried.plane), 0)
    return WholeMap(labels, brain, scan.affines, place, pitch_of(scan.affines, alignment))


@dataclass(frozen=True)
class _Plane:
    """The scan's pixels, and coarser ones over the same slice."""

    shape: tuple[int, int]
    coarse_shape: tuple[int, int]
    step: tuple[float, float]

    @classmethod
    def of(cls, scan: Scan) -> _Plane:
        shape = scan.data.shape[:2]
        steps, counts = [], []
        for size, mm in zip(shape, scan[0].spacing, strict=True):
            count = max(2, int(np.ceil((size - 1) * mm / _PIXEL_MM)) + 1)
            counts.append(count)
            steps.append((size - 1) / (count - 1))
        return cls((shape[0], shape[1]), (counts[0], counts[1]), (steps[0], steps[1]))

    def points(self, affine: Array) -> Array:
        """Return where the coarse pixels lie, RAS+ mm, shape (3, pixels)."""
        columns, rows = np.indices(self.coarse_shape, dtype=np.float64).reshape(2, -1)
        return np.asarray(
            affine[:3, :2] @ (columns * self.step[0], rows * self.step[1]) + affine[:3, 3:]
        )

    def enlarged(self, image: Distances) -> Distances:
        """Return a coarse picture on the scan's pixels, interpolated linearly."""
        across, down = (
            _linear(size, count) for size, count in zip(self.shape, self.coarse_shape, strict=True)
        )
        return np.asarray(across @ image @ down.T, np.float32)

    def reduced(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return labels on the coarse pixels, the nearest of each."""
        columns, rows = (
            np.rint(np.arange(count) * step).astype(int)
            for count, step in zip(self.coarse_shape, self.step, strict=True)
        )
        return labels[np.ix_(columns, rows)]


def _linear(size: int, count: int) -> NDArray[np.float32]:
    place = np.arange(size) * (count - 1) / (size - 1)
    below = np.minimum(place.astype(int), count - 2)
    matrix = np.zeros((size, count), np.float32)
    matrix[np.arange(size), below] = 1 - (place - below)
    matrix[np.arange(size), below + 1] = place - below
    return matrix


@dataclass(frozen=True)
class _Carried:
    """What the standard brain has at the pixels of a slice."""

    place: BrainPlace
    within: Distances
    plane: _Plane
    atlas: MniAspects

    def brain(self, affine: Array) -> Distances:
        """Return how much of each coarse pixel is brain."""
        points = self.place.to_standard(self.plane.points(affine))
        indices = (points - self.place.origin[:, np.newaxis]) / self.place.spacing
        share = ndimage.map_coordinates(self.within, indices, order=1, mode="constant")
        return np.asarray(share.reshape(self.plane.coarse_shape), np.float32)

    def labels(self, affine: Array, where: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Return the regions at the coarse pixels."""
        points = self.place.to_standard(self.plane.points(affine)[:, where.ravel()])
        back = np.linalg.inv(self.atlas.affine)
        voxels = np.rint(back[:3, :3] @ points + back[:3, 3:])
        found = np.zeros(self.plane.coarse_shape, np.uint8)
        found[where] = ndimage.map_coordinates(self.atlas.labels, voxels, order=0, mode="constant")
        return found


@dataclass(frozen=True)
class _Key:
    """How far the borders of a key slice lie from where they were carried."""

    change: Mapping[int, Distances]
    affine: Array
    plane: _Plane

    @classmethod
    def of(
        cls,
        level: Level,
        index: int,
        regions: NDArray[np.uint8],
        scan: Scan,
        carried: _Carried,
    ) -> _Key:
        affine = scan.affines[index]
        before = carried.labels(affine, carried.brain(affine) > 0.2)
        drawn = [map_value(r, side) for r in regions_of(level) for side in ("left", "right")]
        before[~np.isin(before, drawn)] = 0
        was, now = _distances(before), _distances(carried.plane.reduced(regions))
        change = {
            value: now[value] - was[value] for value in (0, *drawn) if value in was and value in now
        }
        return cls(change, affine, carried.plane)

    def refine(self, distances: dict[int, Distances], points: Array, upwards: Array) -> None:
        """Move the borders of a slice as they were moved here, less with the distance.

        Parameters
        ----------
        distances : dict of int to ndarray
            Of the slice's coarse pixels to each label's border; they are changed.
        points : ndarray, shape (3, pixels)
            Where these lie, RAS+ mm.
        upwards : ndarray, shape (3,)
            Along the head, not along the normal, so that a pitched head is followed.
        """
        normal = self.affine[:3, 2]
        heights = normal @ (points - self.affine[:3, 3:])
        share = np.exp(-0.5 * (heights / _FADE_MM) ** 2).astype(np.float32)
        if share.max() < _LEAST_SHARE:
            return
        off = points - np.outer(upwards, heights / (normal @ upwards)) - self.affine[:3, 3:]
        places = np.stack(
            [
                self.affine[:3, axis]
                @ off
                / (self.affine[:3, axis] @ self.affine[:3, axis])
                / self.plane.step[axis]
                for axis in range(2)
            ]
        )
        for value, change in self.change.items():
            if value in distances:
                moved = ndimage.map_coordinates(change, places, order=1, mode="nearest")
                shape = distances[value].shape
                distances[value] = distances[value] + (share * moved).reshape(shape)


def _distances(labels: NDArray[np.uint8]) -> dict[int, Distances]:
    """Return the signed distance in mm to each label's border, positive within it."""
    found = {}
    for value in np.unique(labels):
        inside = labels == value
        depth = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
        found[int(value)] = np.clip(depth * _PIXEL_MM, -_FARTHEST_MM, _FARTHEST_MM).astype(
            np.float32
        )
    return found


def _nearest(distances: Mapping[int, Distances], plane: _Plane) -> NDArray[np.uint8]:
    """Return, on the scan's pixels, the label in which each lies deepest."""
    best = np.full(plane.shape, -np.inf, np.float32)
    labels = np.zeros(plane.shape, np.uint8)
    for value, distance in sorted(distances.items()):
        enlarged = plane.enlarged(distance)
        deeper = enlarged > best
        labels[deeper] = value
        best[deeper] = enlarged[deeper]
    return labels


def tissue_of(image: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Return which pixels of a slice are brain or fluid, noise averaged out.

    Parameters
    ----------
    image : ndarray, shape (columns, rows)
        Densities, HU.

    Returns
    -------
    ndarray of bool, shape (columns, rows)
    """
    smooth = ndimage.uniform_filter(np.clip(image, -200, 300).astype(np.float32), 3)
    return np.asarray((smooth > _TISSUE_HU[0]) & (smooth < _TISSUE_HU[1]))
