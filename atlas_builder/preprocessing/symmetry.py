"""Symmetry alignment: where the midline of a head lies in an axial slice.

The alignment network of ASPECTS-281 is trained to find the rotation and the shift that minimise the
L1 difference between a slice and its mirror image [1]_. With one angle and one distance to find,
that problem is solved here for each slice by itself: every pose within reach is tried on a coarse
grid, the best one is refined on finer grids.

Two images are mirrored, and the L1 difference of each is divided by what it would be with nothing
in common, so that both count alike whatever the window, noise and size of the head:

* the head from air over tissue to bone: its outline places the midline roughly, even
  with half of the brain changed;
* the fine structure inside the brain (falx, ventricles, sulci): it places the midline exactly,
  even in a skull that is not symmetric. Whatever is wider than a few millimetres is taken out
  before, so an infarct or a haemorrhage counts by its border only.

References
----------
.. [1] Sun X, et al. Age-specific atlases of the ASPECTS regions on non-contrast CT. Sci Data 11,
   1132 (2024). doi:10.1038/s41597-024-03973-y
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.components import largest_component

_GRID_MM = 1.0
_AIR_HU = -1024.0  # lower values are padding, which is no part of the picture
_HEAD_HU = (0.0, 150.0)  # bone enough to steady the outline, not so much that it hides all else
_BRAIN_HU = (0.0, 80.0)  # fluid to clotted blood
_STRUCTURE_MM = (1.5, 8.0)  # finer is noise, coarser a lesion or beam hardening
_STRUCTURE_HU = 15.0  # cut off there: fluid in grey matter, so that calcification weighs no more
_BONE_EDGE_MM = 6.0  # as deep as bone and the fluid beside it reach into the band of structure
_MAX_ANGLE = 45.0  # further, the front of a head would be taken for its side
_ANGLE_PENALTY = 0.1  # at _MAX_ANGLE; decides between axes of a round head, patients lie near 0
_LEAST_PAIRED = 0.5  # of the head; a strip of it at the edge of the field of view proves nothing


@dataclass(frozen=True)
class Alignment:
    """The midline of a head in an axial slice.

    With positions in mm from the middle of the pixel array, x to the patient's left and y to the
    back, the midline is the line of points ``p`` with ``p @ (cos(angle), sin(angle)) == offset``.

    Attributes
    ----------
    angle : float
        Degrees by which the head is turned, from the left towards the back.
    offset : float
        Distance in mm of the midline from the middle of the pixel array, positive to the left.
    asymmetry : float
        What is left of the difference between the mirror images: 0 for a perfectly symmetric head,
        1 for sides with nothing in common.
    """

    angle: float
    offset: float
    asymmetry: float

    @property
    def rotation(self) -> NDArray[np.float64]:
        """The 2 by 2 matrix whose columns are the head's left and back, as slice directions."""
        return _rotation(self.angle)


@dataclass(frozen=True)
class _Head:
    """The two images to be mirrored, on a grid of 1 mm whose middle is that of the slice.

    Attributes
    ----------
    images : ndarray, shape (2, nx, ny)
        Head above air, and structure in the brain; 0 elsewhere.
    seen : ndarray, shape (nx, ny)
        1 in the field of view, 0 outside.
    centre : ndarray, shape (2,)
        The middle of the head, in mm from the middle of the slice.
    radius : float
        The head lies within so many mm of its centre.
    """

    images: NDArray[np.float32]
    seen: NDArray[np.float32]
    centre: NDArray[np.float64]
    radius: float


def find_alignment(image: NDArray[np.float32], spacing: tuple[float, float]) -> Alignment:
    """Find the midline of the head in an axial NCCT slice.

    Parameters
    ----------
    image : ndarray, shape (columns, rows)
        HU; axis 0 runs to the patient's left, axis 1 to the back. Padding may hold NaN or any value
        below -1024 HU. A skull-stripped slice may have 0 or air around the brain.
    spacing : tuple of float
        Pixel size in mm along each axis.

    Returns
    -------
    Alignment
        Angles up to about 45 degrees either way are found.

    Raises
    ------
    InputError
        Nothing in the slice is denser than water.
    """
    head = _head_images(image, spacing)
    angles = np.arange(-_MAX_ANGLE, _MAX_ANGLE + 1.0, 3.0)
    furthest = int(head.radius / 2 / 3.0)
    offsets = 3.0 * np.arange(-furthest, furthest + 1)
    blurred = _Head(
        ndi.gaussian_filter(head.images, (0, 1, 1)), head.seen, head.centre, head.radius
    )
    misfit = _misfit(blurred, angles, offsets, step=3.0)
    misfit += _ANGLE_PENALTY * (angles[:, None] / _MAX_ANGLE) ** 2
    for step, angle_step, reach in ((2.0, 1.0, 4), (1.0, 0.25, 6)):
        i, j = np.unravel_index(np.argmin(misfit), misfit.shape)
        angles = angles[i] + angle_step * np.arange(-reach, reach + 1)
        offsets = offsets[j] + step / 2 * np.arange(-reach, reach + 1)
        misfit = _misfit(head, angles, offsets, step)
    angle, offset = _vertex(misfit, angles, offsets)
    # From the head's centre to the slice's.
    offset += float(head.centre @ _rotation(angle)[:, 0])
    return Alignment(angle, offset, float(misfit.min()) / 2)


def _head_images(image: NDArray[np.float32], spacing: tuple[float, float]) -> _Head:
    """Make the two images, without head holder, blankets and whatever else lies beside the head."""
    seen = image >= _AIR_HU
    image = np.where(seen, image, _AIR_HU).astype(np.float32)
    tissue = _to_grid(np.clip(image, *_HEAD_HU) - _HEAD_HU[0], spacing)
    head = ndi.binary_opening(tissue > 10, iterations=2)
    if not head.any():
        raise InputError(
            "no head found: nothing is denser than water; give a slice of the head in HU"
        )
    head = ndi.binary_fill_holes(ndi.binary_dilation(largest_component(head), iterations=2))
    places = (np.argwhere(head) - (np.array(head.shape) - 1) / 2) * _GRID_MM
    centre = places.mean(axis=0)
    radius = float(np.hypot(*(places - centre).T).max())

    density = _to_grid(np.clip(image, -200.0, 200.0), spacing)
    soft = ndi.binary_opening(
        (density > _BRAIN_HU[0]) & (density < _BRAIN_HU[1] + 10), iterations=4
    )
    deep = ndi.distance_transform_edt(ndi.binary_fill_holes(largest_component(soft & head)))
    inside = (deep * _GRID_MM > _BONE_EDGE_MM).astype(np.float32)
    brain = _to_grid(np.clip(image, *_BRAIN_HU), spacing)
    fine, coarse = (_mean_within(brain, inside, sigma / _GRID_MM) for sigma in _STRUCTURE_MM)
    structure = np.clip(fine - coarse, -_STRUCTURE_HU, _STRUCTURE_HU) * inside

    whole = _to_grid(seen.astype(np.float32), spacing) > 0.99
    return _Head(
        np.stack([tissue * head, structure]) * whole, whole.astype(np.float32), centre, radius
    )


def _misfit(
    head: _Head, angles: NDArray[np.floating], offsets: NDArray[np.floating], step: float
) -> NDArray[np.float64]:
    """Return the sum of both normalised L1 differences for each angle and offset from the centre.

    Points are taken `step` mm apart; offsets must be multiples of half a step.
    """
    count = int(np.ceil(head.radius / step))
    axis = np.arange(-count, count + 1) * step
    middle = (np.array(head.seen.shape) - 1) / 2 + head.centre / _GRID_MM
    total = np.abs(head.images).sum(axis=(1, 2)) * (_GRID_MM / step) ** 2
    result = np.empty((len(angles), len(offsets)))
    for i, angle in enumerate(angles):
        turn = _rotation(angle) / _GRID_MM
        points = middle[:, None, None] + np.tensordot(
            turn, np.meshgrid(axis, axis, indexing="ij"), 1
        )
        images = np.stack([ndi.map_coordinates(image, points, order=1) for image in head.images])
        seen = ndi.map_coordinates(head.seen, points, order=0)
        size = np.abs(images)
        for j, offset in enumerate(offsets):
            # Sample k lies opposite sample `last - k`.
            last = 2 * count + round(2 * offset / step)
            first = max(0, last - 2 * count)
            half = slice(first, (last + 1) // 2)
            other = slice(last - first, last - (last + 1) // 2, -1)
            paired = seen[half] * seen[other]
            differing = np.einsum("cxy,xy->c", np.abs(images[:, half] - images[:, other]), paired)
            compared = np.einsum("cxy,xy->c", size[:, half] + size[:, other], paired)
            # What has its mirror image outside the head's circle has nothing opposite.
            alone = size[:, :first].sum(axis=(1, 2)) + size[:, last - first + 1 :].sum(axis=(1, 2))
            ratio = (differing + alone) / np.maximum(compared + alone, 1e-6)
            ratio[(compared < _LEAST_PAIRED * total) | (total == 0)] = 1.0
            result[i, j] = ratio.sum()
    return result


def _rotation(angle: float) -> NDArray[np.float64]:
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return np.array([[cosine, -sine], [sine, cosine]])


def _vertex(
    misfit: NDArray[np.float64], angles: NDArray[np.floating], offsets: NDArray[np.floating]
) -> tuple[float, float]:
    """Return the minimum of the parabola through the surroundings of the least misfit."""
    i, j = (
        int(np.clip(k, 2, n - 3))
        for k, n in zip(
            np.unravel_index(np.argmin(misfit), misfit.shape), misfit.shape, strict=True
        )
    )
    x, y = (g.ravel() for g in np.mgrid[-2:3, -2:3].astype(np.float64))
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    (_, bx, by, cxx, cxy, cyy), *_ = np.linalg.lstsq(
        terms, misfit[i - 2 : i + 3, j - 2 : j + 3].ravel(), rcond=None
    )
    curvature = np.array([[2 * cxx, cxy], [cxy, 2 * cyy]])
    step = np.zeros(2)
    if np.linalg.eigvalsh(curvature)[0] > 0:
        step = np.clip(np.linalg.solve(curvature, [-bx, -by]), -2.0, 2.0)
    return (
        float(angles[i] + step[0] * (angles[1] - angles[0])),
        float(offsets[j] + step[1] * (offsets[1] - offsets[0])),
    )


def _to_grid(image: NDArray[np.float32], spacing: tuple[float, float]) -> NDArray[np.float32]:
    """Resample to 1 mm with the same middle, blurred to what that pixel size can show."""
    shape = np.maximum(np.ceil(np.multiply(image.shape, spacing) / _GRID_MM).astype(int), 2)
    step = _GRID_MM / np.asarray(spacing)
    smooth = ndi.gaussian_filter(image, 0.4 * step, mode="nearest", truncate=3.0)
    start = (np.array(image.shape) - 1) / 2 - step * (shape - 1) / 2
    grid: NDArray[np.float32] = ndi.affine_transform(
        smooth, np.diag(step), start, output_shape=tuple(shape), order=1, mode="nearest"
    )
    return grid


def _mean_within(
    image: NDArray[np.float32], mask: NDArray[np.float32], sigma: float
) -> NDArray[np.float32]:
    """Gaussian mean over the pixels of the mask."""
    weight = ndi.gaussian_filter(mask, sigma)
    mean: NDArray[np.float32] = ndi.gaussian_filter(image * mask, sigma) / np.maximum(weight, 1e-3)
    return mean
