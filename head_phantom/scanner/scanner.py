"""A CT scanner: from a subject's anatomy to a scan with everything that is true of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from atlas_builder.core.anatomy import LEVELS, Level
from atlas_builder.core.scan import Scan, Slice
from head_phantom.person.volumes import Anatomy
from head_phantom.scanner.acquisition import Acquisition, draw_acquisition
from head_phantom.scanner.artefacts import coarsened, enlarged, motion_streaks, project_artefacts
from head_phantom.scanner.holder import add_holder
from head_phantom.scanner.noise import correlated_noise, radial_frequency
from head_phantom.scanner.planes import Stack, head_extent, lay_head, lay_slices, rotation
from head_phantom.scanner.sampling import average, middle_of, pixels_over, plane_in
from head_phantom.scanner.sectioning import label_blocks, section

__all__ = ["Acquired", "Acquisition", "acquire", "cut_key_slices", "draw_acquisition"]

Array = NDArray[np.float64]

_AIR_HU = -1000.0
_LEAST_HU, _MOST_HU = -1024, 3071  # what 12 bits hold
_DEGREES_PER_MM = 0.6  # a head that moves turns as well
_HALF = 127
_STREAKS_FROM_MM = 1.5  # a head that moves less does so between slices, not within one
_NECK_VOXELS = 60


@dataclass(frozen=True)
class Acquired:
    """A scan and what is true of it, pixel for pixel.

    Attributes
    ----------
    scan : Scan
        int16 HU.
    regions : ndarray of uint8, shape (columns, rows, slices)
        The ASPECTS regions: 1-10 on the left, 11-20 on the right.
    lesion : ndarray of bool, shape (columns, rows, slices)
        The acute infarct.
    cavity : ndarray of bool, shape (columns, rows, slices)
        What old infarcts and lacunes have left.
    brain : ndarray of bool, shape (columns, rows, slices)
        Brain and the fluid in and around it.
    thickness_mm : ndarray, shape (slices,)
        Of each slice.
    bgl_index, sgl_index : int
        The slices nearest to the subject's BGL point and to 20 mm above it, along their normal.
    pose : ndarray, shape (4, 4)
        From the subject's RAS+ mm to the scan's, motion aside.
    """

    scan: Scan
    regions: NDArray[np.uint8]
    lesion: NDArray[np.bool_]
    cavity: NDArray[np.bool_]
    brain: NDArray[np.bool_]
    thickness_mm: Array
    bgl_index: int
    sgl_index: int
    pose: Array


def acquire(anatomy: Anatomy, acquisition: Acquisition, rng: np.random.Generator) -> Acquired:
    """Scan a subject.

    Parameters
    ----------
    anatomy : Anatomy
        The subject.
    acquisition : Acquisition
        How, see `draw_acquisition`.
    rng : Generator
        The only source of chance: noise and motion.

    Returns
    -------
    Acquired
        The scan with its truth.
    """
    pose = lay_head(anatomy, acquisition)
    tilted = replace(acquisition, straightened=False)
    stack = lay_slices(anatomy, tilted, pose)
    poses = _moved(anatomy, acquisition, pose, len(stack.heights), rng)
    acquired = _truth(anatomy, acquisition, stack, poses, pose)
    images, moved = _images(anatomy, acquisition, stack, poses)
    scan = Scan(_reconstruct(images, moved, acquired, acquisition, rng), stack.affines)
    if not acquisition.straightened:
        return _seen(replace(acquired, scan=scan), acquisition)
    straight = lay_slices(anatomy, acquisition, pose)
    still = np.repeat(pose[np.newaxis], len(straight.heights) + 1, axis=0)
    truth = _truth(anatomy, acquisition, straight, still, pose)
    resampled = _resampled(scan, straight.affines, acquisition)
    return _seen(replace(truth, scan=resampled), acquisition)


def cut_key_slices(anatomy: Anatomy, acquisition: Acquisition) -> dict[Level, Slice]:
    """Cut the regions along the two key slices only, without scanning.

    Parameters
    ----------
    anatomy : Anatomy
        The subject.
    acquisition : Acquisition
        How the subject lies and the slices are laid; motion is left out.

    Returns
    -------
    dict
        The regions on each level's slice: 1-10 on the left, 11-20 on the right.
    """
    pose = lay_head(anatomy, acquisition)
    stack = lay_slices(anatomy, acquisition, pose)
    blocks = label_blocks(anatomy.regions)
    shape = (acquisition.matrix, acquisition.matrix)
    slices = {}
    for level, k in zip(LEVELS, stack.key_slices, strict=True):
        affine = stack.affines[k]
        plane = plane_in(pose @ anatomy.affine, affine, stack.thickness[k], shape)
        regions = section(plane, blocks)
        if acquisition.padding_hu is not None:
            regions[_outside_circle(acquisition.matrix)] = 0
        slices[level] = Slice(regions, affine)
    return slices


def _moved(
    anatomy: Anatomy,
    acquisition: Acquisition,
    pose: Array,
    count: int,
    rng: np.random.Generator,
) -> Array:
    """Return the head's pose at the beginning of each slice and at the end of the last."""
    steps = rng.standard_normal((count + 1, 6))
    way = ndimage.gaussian_filter1d(np.cumsum(steps, axis=0), 1.0, axis=0)
    way -= way.mean(axis=0)
    way *= acquisition.motion_mm / np.sqrt(np.mean(way[:, :3] ** 2) * 3.0)
    centre = pose[:3, :3] @ anatomy.bgl_point + pose[:3, 3]
    poses = np.empty((count + 1, 4, 4))
    for place, (shift, turn) in enumerate(zip(way[:, :3], way[:, 3:], strict=True)):
        pitch, roll, yaw = turn * _DEGREES_PER_MM
        change = rotation(pitch, roll, yaw, centre)
        change[:3, 3] += shift
        poses[place] = change @ pose
    return poses


def _truth(
    anatomy: Anatomy, acquisition: Acquisition, stack: Stack, poses: Array, pose: Array
) -> Acquired:
    """Cut what is known of the anatomy along the slices; the scan is yet to come."""
    shape = (acquisition.matrix, acquisition.matrix)
    regions = np.zeros((*shape, len(stack.heights)), dtype=np.uint8)
    lesion, cavity, brain = (np.zeros(regions.shape, dtype=bool) for _ in range(3))
    region_blocks = label_blocks(anatomy.regions)
    masks = [
        (mask, label_blocks(volume.astype(np.uint8)))
        for mask, volume in ((lesion, anatomy.lesion), (cavity, anatomy.cavity))
    ]
    tissue = anatomy.grey.astype(np.float32) + anatomy.white + anatomy.csf
    whole = np.zeros(3), np.array(tissue.shape) - 1.0
    for k, affine in enumerate(stack.affines):
        plane = plane_in(poses[k] @ anatomy.affine, affine, stack.thickness[k], shape)
        regions[:, :, k] = section(plane, region_blocks)
        for mask, blocks in masks:
            if blocks:
                mask[:, :, k] = section(plane, blocks) > 0
        middle = middle_of(plane)
        box = pixels_over(middle, *whole)
        if box is not None:
            brain[:, :, k][box] = average(middle, tissue, box) > _HALF
    bgl_index, sgl_index = stack.key_slices
    return Acquired(
        scan=Scan(np.empty((0, 0, 0), np.int16), stack.affines),
        regions=regions,
        lesion=lesion,
        cavity=cavity,
        brain=brain,
        thickness_mm=stack.thickness,
        bgl_index=bgl_index,
        sgl_index=sgl_index,
        pose=pose,
    )


def _images(
    anatomy: Anatomy, acquisition: Acquisition, stack: Stack, poses: Array
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Average the anatomy over each slice's thickness and the time it takes; add the holder.

    The second array is by how much each slice's beginning differs from its end, on the grid of the
    artefacts; None where the head moves too little to leave streaks.
    """
    shape = (acquisition.matrix, acquisition.matrix)
    images = np.full((*shape, len(stack.heights)), _AIR_HU, dtype=np.float32)
    occupied = _occupied(anatomy)
    low, high = head_extent(anatomy)
    half_size = (float(high[0] - low[0]) / 2.0, float(high[1] - low[1]) / 2.0)
    moved = []
    for k, affine in enumerate(stack.affines):
        image = images[:, :, k]
        ends = poses[k : k + 2] if acquisition.motion_mm else poses[k : k + 1]
        change = np.zeros(shape, np.float32)
        for number, pose in enumerate(ends):
            plane = plane_in(pose @ anatomy.affine, affine, stack.thickness[k], shape)
            box = pixels_over(plane, *occupied)
            if box is not None:
                share = (average(plane, anatomy.hu, box) - _AIR_HU) / len(ends)
                image[box] += share
                change[box] += share if number == 0 else -share
        if acquisition.motion_mm > _STREAKS_FROM_MM:
            moved.append(coarsened(2.0 * change[:, :, np.newaxis]))
        if acquisition.holder_hu is not None:
            add_holder(image, affine, acquisition.holder_hu, half_size, acquisition.shift_mm)
    return images, np.concatenate(moved, axis=2) if moved else None


def _occupied(anatomy: Anatomy) -> tuple[Array, Array]:
    """Return the first and the last voxel of the box that the head fills.

    The neck goes on below the volume, as the volume ends.
    """
    shadow = (anatomy.hu > _AIR_HU + 1.0).any(axis=2)
    voxels = np.argwhere(shadow)
    first, last = voxels.min(axis=0), voxels.max(axis=0)
    return np.array([*first, -_NECK_VOXELS], float), np.array([*last, anatomy.hu.shape[2] - 1.0])


def _reconstruct(
    images: NDArray[np.float32],
    moved: NDArray[np.float32] | None,
    truth: Acquired,
    acquisition: Acquisition,
    rng: np.random.Generator,
) -> NDArray[np.int16]:
    """Blur and shade the images, add noise, round to whole HU."""
    size = acquisition.matrix
    shape = (size, size)
    artefacts = project_artefacts(images, acquisition, truth.bgl_index, truth.regions > 0)
    shading = artefacts.shading
    if moved is not None:
        shading = shading + motion_streaks(moved, acquisition)
    frequency = radial_frequency(shape, acquisition.pixel_mm)
    transfer = acquisition.kernel.apodisation(frequency).astype(np.float32)
    data = np.empty(images.shape, dtype=np.int16)
    for k in range(images.shape[2]):
        spectrum = fft.rfft2(images[:, :, k] - _AIR_HU)
        image = fft.irfft2(spectrum * transfer, shape) + _AIR_HU
        image += enlarged(shading[:, :, k], size)
        noise = correlated_noise(rng, shape, acquisition.pixel_mm, acquisition.kernel)
        dose = np.sqrt(truth.thickness_mm[truth.bgl_index] / truth.thickness_mm[k])
        noise *= enlarged(artefacts.noise[:, :, k], size) * (acquisition.noise_hu * dose)
        whole = np.clip(np.rint(image + noise), _LEAST_HU, _MOST_HU).astype(np.int16)
        if acquisition.padding_hu is not None:
            whole[_outside_circle(size)] = acquisition.padding_hu
        data[:, :, k] = whole
    return data


def _seen(acquired: Acquired, acquisition: Acquisition) -> Acquired:
    """Leave out of the truth what lies outside the reconstruction circle."""
    if acquisition.padding_hu is not None:
        for mask in (acquired.regions, acquired.lesion, acquired.cavity, acquired.brain):
            mask[_outside_circle(acquisition.matrix)] = 0
    return acquired


def _outside_circle(size: int) -> NDArray[np.bool_]:
    across = np.arange(size) - (size - 1) / 2.0
    return np.hypot(across[:, np.newaxis], across) > size / 2.0


def _resampled(scan: Scan, affines: Array, acquisition: Acquisition) -> Scan:
    """Interpolate a scan on other slices; what it does not cover becomes padding."""
    stack = np.eye(4)
    stack[:3, :2] = scan.affines[0, :3, :2]
    stack[:3, 3] = scan.affines[0, :3, 3]
    stack[:3, 2] = scan.affines[1, :3, 3] - scan.affines[0, :3, 3]
    padding = _LEAST_HU if acquisition.padding_hu is None else acquisition.padding_hu
    data = np.empty((*scan.data.shape[:2], len(affines)), dtype=np.int16)
    for k, affine in enumerate(affines):
        to_stack = np.linalg.inv(stack) @ affine
        data[:, :, k : k + 1] = ndimage.affine_transform(
            scan.data,
            to_stack[:3, :3],
            to_stack[:3, 3],
            output_shape=(*scan.data.shape[:2], 1),
            order=1,
            mode="constant",
            cval=padding,
            prefilter=False,
        )
    return Scan(data, affines)
