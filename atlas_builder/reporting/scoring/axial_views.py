"""Slices of MNI space with a lesion and the regions on them, as pictures show them.

Points are ``(x, y)`` in millimetres: x from the midline to the patient's left, y to the back. Seen
from the feet these are the right and the bottom of a picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.dwi.scored_lesion import hangs_on_little
from atlas_builder.catalogue.mni_regions import BGL_POINT, MniAspects
from atlas_builder.core.anatomy import Level, Region, Side, map_value
from atlas_builder.core.aspects import AspectsScore
from atlas_builder.core.lesion import Lesion
from atlas_builder.core.volume import Volume
from atlas_builder.reporting.base.outlined_regions import OutlinedRegion, outlined_regions

HEIGHTS: tuple[tuple[Level, tuple[float, ...]], ...] = (
    ("BGL", (BGL_POINT[2] - 8, BGL_POINT[2], BGL_POINT[2] + 8)),
    ("SGL", (BGL_POINT[2] + 20, BGL_POINT[2] + 32, BGL_POINT[2] + 44)),
)
"""Heights of the slices shown (mm), for each level; the usual one, and above and below it."""

_HALF_WIDTH, _FRONT, _BACK = 80, 80, -112  # mm of MNI space
_PIXEL_MM = 0.5
_EVERY = 3  # voxels: enough to find how bright the image is
_SMOOTH_MM = 0.8  # rounds the steps of the atlas's voxels
_ROOM_FOR_A_NAME = 40  # mm²
_THROUGH = (0.15, 0.5, 0.85)  # of a lesion's voxels lie below the slices through it


@dataclass(frozen=True)
class AxialView:
    """One slice of MNI space.

    Attributes
    ----------
    level : Level or None
        The level whose regions are drawn, if any are.
    height : float
        z in mm.
    image : ndarray of float32, shape (nx, ny)
        Brightness, 0-1.
    lesion : ndarray of bool, shape (nx, ny)
        The lesion on the same pixels.
    regions : tuple of OutlinedRegion
        Those that lose their point stand out.
    named : tuple of OutlinedRegion
        Those of them with room for a name.
    little : frozenset of tuple
        Region and side of those that lose their point for little, see `hangs_on_little`.
    """

    level: Level | None
    height: float
    image: NDArray[np.float32]
    lesion: NDArray[np.bool_]
    regions: tuple[OutlinedRegion, ...]
    named: tuple[OutlinedRegion, ...]
    little: frozenset[tuple[Region, Side]]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Where the picture begins and ends along x, then along y, in mm."""
        return -_HALF_WIDTH, _HALF_WIDTH, -_FRONT, -_BACK


def axial_views(
    lesion: Lesion, score: AspectsScore, atlas: MniAspects, image: Volume
) -> tuple[AxialView, ...]:
    """Cut a lesion, the regions and an image at the heights of `HEIGHTS`.

    Parameters
    ----------
    lesion : Lesion
        In MNI152 RAS+ mm.
    score : AspectsScore
        Of the lesion: its regions without a point stand out.
    atlas : MniAspects
        The regions.
    image : Volume
        What the slices show, in MNI152 RAS+ mm.

    Returns
    -------
    tuple of AxialView
        Level by level, in the order of `HEIGHTS`.
    """
    losing = {(region.region, region.side) for region in score.regions if region.loses_point}
    little = frozenset((r.region, r.side) for r in score.regions if hangs_on_little(r))
    white = white_of(image)
    views = []
    for level, heights in HEIGHTS:
        for height in heights:
            regions = tuple(_outlined(atlas, height, losing))
            views.append(
                AxialView(
                    level,
                    height,
                    _brightness(image, height, white),
                    _cut_mask(lesion, height),
                    tuple(region for region, _ in regions),
                    tuple(region for region, area in regions if area >= _ROOM_FOR_A_NAME),
                    little,
                )
            )
    return tuple(views)


def views_through(lesion: Lesion, image: Volume) -> tuple[AxialView, ...]:
    """Cut a lesion and an image where the lesion lies, without regions.

    Parameters
    ----------
    lesion : Lesion
        In MNI152 RAS+ mm; not empty.
    image : Volume
        What the slices show, in MNI152 RAS+ mm.

    Returns
    -------
    tuple of AxialView
        As many as a row of `HEIGHTS`, from below.
    """
    white = white_of(image)
    places = np.argwhere(lesion.mask) @ lesion.affine[2, :3] + lesion.affine[2, 3]
    heights = np.rint(np.quantile(places, _THROUGH))
    return tuple(
        AxialView(
            None,
            float(height),
            _brightness(image, height, white),
            _cut_mask(lesion, height),
            (),
            (),
            frozenset(),
        )
        for height in heights
    )


def white_of(image: Volume) -> float:
    """Return which brightness is shown as white: a little above that of the brightest tissue.

    Parameters
    ----------
    image : Volume
        What is shown; 0 is background.

    Returns
    -------
    float
        In the image's unit; 1 for an empty image.
    """
    some = image.data[::_EVERY, ::_EVERY, ::_EVERY]
    return 1.1 * float(np.percentile(some[some > 0], 99.5)) if (some > 0).any() else 1.0


def _brightness(image: Volume, height: float, white: float) -> NDArray[np.float32]:
    return np.clip(_cut(image.data, image.affine, height, order=1) / white, 0, 1)


def _cut_mask(lesion: Lesion, height: float) -> NDArray[np.bool_]:
    return np.asarray(_cut(lesion.mask.astype(np.uint8), lesion.affine, height, order=0) > 0)


def _cut(
    data: NDArray[np.generic], affine: NDArray[np.float64], height: float, order: int
) -> NDArray[np.float32]:
    """Sample a volume on a slice; its first axis runs to the left, its second to the back."""
    shape = round(2 * _HALF_WIDTH / _PIXEL_MM), round((_FRONT - _BACK) / _PIXEL_MM)
    half = _PIXEL_MM / 2
    to_mm = np.diag([-_PIXEL_MM, -_PIXEL_MM, 1.0, 1.0])
    # A picture begins at the patient's right and front.
    to_mm[:3, 3] = _HALF_WIDTH - half, _FRONT - half, height
    to_voxel = np.linalg.inv(affine) @ to_mm
    values = ndimage.affine_transform(
        data, to_voxel[:3, :3], to_voxel[:3, 3], (*shape, 1), np.float32, order=order
    )
    return np.asarray(values[..., 0])


def _outlined(
    atlas: MniAspects, height: float, losing: set[tuple[Region, Side]]
) -> Iterator[tuple[OutlinedRegion, float]]:
    """Yield the regions that a slice cuts and their areas in mm²."""
    plane = int(np.rint(height - atlas.affine[2, 3]))
    labels = atlas.labels[::-1, ::-1, plane]  # to the left, to the back
    first = -(atlas.affine[:2, 3] + np.array(labels.shape) - 1)  # mm of its first pixel

    def to_mm(pixels: NDArray[np.number]) -> NDArray[np.float64]:
        return pixels + first

    for found in outlined_regions(labels, Region, (1.0, 1.0), _SMOOTH_MM, to_mm, losing):
        mask = labels == map_value(found.region, found.side)
        yield found, float(np.count_nonzero(mask))
