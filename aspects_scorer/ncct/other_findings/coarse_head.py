"""The head on voxels of about 1 x 1 x 4 mm, on which other findings are looked for.

Noise is averaged, thin slices become thick ones, and all that follows takes a fraction of the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspects_scorer.ncct.mapped_scan import MappedScan
from atlas_builder.core.anatomy import Region

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

BONE_HU = 140.0
"""Bone, averaged with its surroundings; clotted blood stays below 95."""

_PIXEL_MM, _SLICE_MM = 1.0, 4.0
_CLIP_HU = (-200.0, 400.0)
_SOFT_HU = -30.0
_REACH_MM = 15.0  # of what lies between brain and skull: a wide subdural space
_BORDER_MM = 25.0  # around the brain: skull and scalp
_LEAST_DEPTH_MM = 7.0
_LEAST_BRAIN = 0.4  # of what is connected with it
_SMOOTHING_MM = 1.5
_PARTIAL_MM = 2.5  # from bone: partial volume
_FLOOR_MM = 6.0
_IN_PLANE = np.zeros((3, 3, 3), bool)
_IN_PLANE[:, :, 1] = ndimage.generate_binary_structure(2, 1)


@dataclass(frozen=True)
class CoarseHead:
    """Densities and places; arrays are of shape (columns, rows, slices) unless said.

    Attributes
    ----------
    hu : ndarray of float32
        Densities, clipped at -200 and 400 HU before averaging.
    smooth : ndarray of float32
        Densities smoothed in plane within the skull, HU.
    labels : ndarray of uint8
        The regions.
    brain, bone : ndarray of bool
        The brain; what is as dense as bone.
    inside : ndarray of bool
        Soft tissue and fluid within the skull.
    clear : ndarray of bool
        `inside`, away from bone in plane and on the neighbouring slices.
    depth : ndarray of float32
        Distance in plane from the border of `inside`, mm; 0 outside.
    lateral, front : ndarray of float32
        Distance from the middle plane, positive on the patient's left, and from the middle of the
        regions towards the patient's front, mm.
    cerebrum : ndarray of bool, shape (slices,)
        The slices from the lowest that shows regions to the highest brain.
    noise : float
        Standard deviation of `hu` about `smooth` in the brain, HU.
    spacing : tuple of float
        Of pixels, mm.
    voxel_ml : ndarray, shape (slices,)
        Volume of a voxel.
    indices : ndarray of int, shape (slices,)
        The scan's slice in the middle of each.
    """

    hu: Image
    smooth: Image
    labels: NDArray[np.uint8]
    brain: Mask
    bone: Mask
    inside: Mask
    clear: Mask
    depth: Image
    lateral: Image
    front: Image
    cerebrum: Mask
    noise: float
    spacing: tuple[float, float]
    voxel_ml: NDArray[np.float64]
    indices: NDArray[np.intp]

    def volume_ml(self, where: Mask) -> float:
        """Return the volume of some voxels, mL."""
        return float(np.count_nonzero(where, axis=(0, 1)) @ self.voxel_ml)

    def disk(self, radius_mm: float) -> Mask:
        """Return a disk in plane as a structuring element of shape (n, n, 1)."""
        half = [int(radius_mm / step) for step in self.spacing]
        x, y = np.ogrid[-half[0] : half[0] + 1, -half[1] : half[1] + 1]
        inside = np.hypot(x * self.spacing[0], y * self.spacing[1]) <= radius_mm
        return np.asarray(inside[:, :, np.newaxis])

    def opened(self, where: Mask, radius_mm: float) -> Mask:
        """Return what of a mask is wider than twice a radius in plane."""
        return np.asarray(ndimage.binary_opening(where, self.disk(radius_mm)))

    def grown(self, where: Mask, radius_mm: float) -> Mask:
        """Return a mask grown in plane."""
        return within(where, radius_mm, self.spacing)

    def mirrored(self, image: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return what lies on the other side of the middle plane, 0 outside the picture.

        Each pixel takes the value of the nearest pixel to its mirror image on the same slice.
        """
        across = np.array([np.gradient(self.lateral[:, :, 0], axis=axis).mean() for axis in (0, 1)])
        across = across / (across @ across)  # pixels for 1 mm across
        out = np.zeros_like(image)
        columns, rows = np.indices(self.hu.shape[:2])
        for index in range(self.hu.shape[2]):
            twice = 2 * self.lateral[:, :, index]
            column = np.rint(columns - twice * across[0]).astype(np.intp)
            row = np.rint(rows - twice * across[1]).astype(np.intp)
            shown = (column >= 0) & (column < len(columns)) & (row >= 0) & (row < rows.shape[1])
            out[:, :, index][shown] = image[column[shown], row[shown], index]
        return out


def coarsen(scan: MappedScan) -> CoarseHead | None:
    """Average a scan to coarse voxels around the brain.

    Parameters
    ----------
    scan : MappedScan
        The scan.

    Returns
    -------
    CoarseHead or None
        None where the map has no regions on both sides.
    """
    columns, rows, apart = scan.spacing
    steps = tuple(
        max(1, round(target / size))
        for target, size in ((_PIXEL_MM, columns), (_PIXEL_MM, rows), (_SLICE_MM, apart))
    )
    boxes = ndimage.find_objects(scan.brain.any(axis=2).astype(np.uint8))
    if not boxes:
        return None
    box = tuple(
        slice(max(part.start - round(_BORDER_MM / size), 0), part.stop + round(_BORDER_MM / size))
        for part, size in zip(boxes[0], (columns, rows), strict=True)
    )
    hu = averaged(np.clip(np.nan_to_num(scan.hu[box], nan=_CLIP_HU[0]), *_CLIP_HU), steps)
    brain = averaged(scan.brain[box], steps) > 0.5
    count = hu.shape
    labels = scan.labels[box][tuple(slice(step // 2, None, step) for step in steps)]
    labels = np.where(brain, labels[: count[0], : count[1], : count[2]], 0).astype(np.uint8)
    spacing = (columns * steps[0], rows * steps[1])
    planes = _directions(labels, spacing)
    if planes is None:
        return None
    lateral, front = planes
    bone = hu > BONE_HU
    inside = _inside_skull(hu, brain, bone, spacing)
    brain &= inside
    shown = np.flatnonzero(brain.any(axis=(0, 1)))
    regions = np.flatnonzero(labels.any(axis=(0, 1)))
    heights = scan.affines[:, 2, 3]
    upwards = heights[-1] >= heights[0]
    cerebrum = np.zeros(count[2], bool)
    cerebrum[slice(regions[0], shown[-1] + 1) if upwards else slice(shown[0], regions[-1] + 1)] = 1
    smooth = smoothed(hu, inside, _SMOOTHING_MM, spacing)
    return CoarseHead(
        hu=hu,
        smooth=smooth,
        labels=labels,
        brain=brain,
        bone=bone,
        inside=inside,
        clear=inside & ~within(bone, _PARTIAL_MM, spacing) & ~_beyond(bone, upwards, spacing),
        depth=distance(inside, spacing),
        lateral=lateral,
        front=front,
        cerebrum=cerebrum,
        noise=float(1.48 * np.median(np.abs(hu[brain] - smooth[brain]))),
        spacing=spacing,
        voxel_ml=spacing[0] * spacing[1] * _thicknesses(scan, steps[2], count[2]) / 1000,
        indices=np.arange(count[2]) * steps[2] + steps[2] // 2,
    )


def averaged(image: NDArray[np.generic], steps: tuple[int, ...]) -> Image:
    """Return the means of blocks of voxels; what fills no whole block is left out."""
    kept = tuple(slice(0, n // step * step) for n, step in zip(image.shape, steps, strict=True))
    total: NDArray[np.float32] = image[kept].astype(np.float32)
    for axis, step in enumerate(steps):
        if step > 1:
            shape = total.shape
            blocks = (*shape[:axis], shape[axis] // step, step, *shape[axis + 1 :])
            total = total.reshape(blocks).mean(axis=axis + 1, dtype=np.float32)
    return total


def smoothed(hu: Image, where: Mask, sigma_mm: float, spacing: tuple[float, float]) -> Image:
    """Return densities smoothed in plane over some voxels alone."""
    sigma = (sigma_mm / spacing[0], sigma_mm / spacing[1], 0)
    weight = where.astype(np.float32)
    total = ndimage.gaussian_filter(hu * weight, sigma, truncate=3)
    weights = np.maximum(ndimage.gaussian_filter(weight, sigma, truncate=3), 1e-3)
    return np.asarray(total / weights, np.float32)


def within(where: Mask, radius_mm: float, spacing: tuple[float, float]) -> Mask:
    """Return what lies in a square of twice the radius around voxels of a mask, in plane."""
    size = (*(2 * round(radius_mm / step) + 1 for step in spacing), 1)
    return np.asarray(ndimage.maximum_filter(where.astype(np.uint8), size) > 0)


def _inside_skull(hu: Image, brain: Mask, bone: Mask, spacing: tuple[float, float]) -> Mask:
    """Return soft tissue that is connected with the brain on a slice, the brain included."""
    soft = within(brain, _REACH_MM, spacing) & ~bone & (hu > _SOFT_HU)
    soft = ndimage.binary_opening(soft, _IN_PLANE) | (brain & ~bone)
    parts, count = ndimage.label(soft, _IN_PLANE)
    sizes, brains = (np.bincount(parts[where], minlength=count + 1) for where in (soft, brain))
    # A misplaced brain touches scalp, which is thin.
    deep = distance(soft, spacing) > _LEAST_DEPTH_MM
    known = brains >= _LEAST_BRAIN * np.maximum(sizes, 1)
    known &= np.bincount(parts[deep], minlength=count + 1) > 0
    known[0] = False
    return np.asarray(known[parts])


def distance(where: Mask, spacing: tuple[float, float]) -> Image:
    """Return the distance in plane from the border of a mask, mm; 0 outside."""
    found = np.zeros(where.shape, np.float32)
    for index in np.flatnonzero(where.any(axis=(0, 1))):
        found[:, :, index] = ndimage.distance_transform_edt(where[:, :, index], sampling=spacing)
    return found


def _beyond(bone: Mask, upwards: bool, spacing: tuple[float, float]) -> Mask:
    """Return where a neighbouring slice shows bone, the one below also some way beside it.

    The floor of the skull is flat and undulates: slices cut it obliquely.
    """
    found = np.zeros_like(bone)
    floor = within(bone, _FLOOR_MM, spacing)
    below, above = (floor, bone) if upwards else (bone, floor)
    found[:, :, 1:] |= below[:, :, :-1]
    found[:, :, :-1] |= above[:, :, 1:]
    return found


def _thicknesses(scan: MappedScan, step: int, count: int) -> NDArray[np.float64]:
    """Return what each coarse slice stands for, mm: half the way to its neighbours."""
    normal = scan.affines[0, :3, 2] / np.linalg.norm(scan.affines[0, :3, 2])
    heights = scan.affines[:, :3, 3] @ normal
    own = np.abs(np.gradient(heights)) if len(heights) > 1 else np.full(1, scan.spacing[2])
    usual = float(np.median(own))
    own = np.minimum(own, 1.5 * usual)  # a gap is no tissue
    return np.asarray(own[: count * step].reshape(count, step).sum(axis=1))


def _directions(
    labels: NDArray[np.uint8], spacing: tuple[float, float]
) -> tuple[Image, Image] | None:
    """Return distances from the middle plane and towards the front, from the regions' places."""
    lefts, rights = [], []
    for region in Region:
        sides = [np.argwhere(labels == value) for value in (region, region + len(Region))]
        if all(len(side) for side in sides):
            left, right = (side.mean(axis=0) for side in sides)
            lefts.append(left)
            rights.append(right)
    if not lefts:
        return None
    left, right = np.array(lefts), np.array(rights)
    size = np.array(spacing)
    across = ((left - right)[:, :2] * size).sum(axis=0)
    across /= np.linalg.norm(across)
    along = np.array([across[1], -across[0]])  # to the front: the second axis runs to the back
    middles = (left + right) / 2
    at = middles[:, :2] * size @ across
    # The middle plane may lean: its place on a slice is a straight line over slices.
    line = np.polyfit(middles[:, 2], at, 1) if np.ptp(middles[:, 2]) > 3 else [0.0, at.mean()]
    places = np.indices(labels.shape[:2]) * size[:, np.newaxis, np.newaxis]
    offsets = np.polyval(line, np.arange(labels.shape[2]))
    lateral = np.tensordot(across, places, 1)[:, :, np.newaxis] - offsets
    front = np.tensordot(along, places, 1) - (middles[:, :2] * size @ along).mean()
    return (
        lateral.astype(np.float32),
        np.repeat(front.astype(np.float32)[:, :, np.newaxis], labels.shape[2], axis=2),
    )
