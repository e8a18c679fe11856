"""Crops of heads that the networks of the cascade are trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from aspects_scorer.ncct.vb_net.network import Stage, channels_of
from aspects_scorer.ncct.vb_net.volume import AIR_HU
from atlas_builder.core.anatomy import Region

CACHE_PIXEL_MM = 1.0

_TURN_DEG = (4.0, 3.0, 8.0)  # standard deviations of pitch, roll and yaw
_SCALE = 0.05
_SHIFT_MM = (9.0, 9.0, 7.5)
_FLIPPED = 0.5
_PIECES_MM = 25.0
_NOISE_HU = 5.0
_SIDE = range(1, 1 + len(Region))
_MIRRORED = np.array([0, *(v + len(Region) for v in _SIDE), *_SIDE], np.uint8)

Array = NDArray[np.float32]


@dataclass(frozen=True)
class RegionScan:
    """A head with its true regions, on the grid that trainings keep.

    Attributes
    ----------
    hu : ndarray of int16, shape (x, y, z)
        Pixels of `CACHE_PIXEL_MM`; to the left, to the back, upwards.
    regions : ndarray of uint8, shape (x, y, z)
        1-10 on the left, 11-20 on the right.
    thickness_mm : float
        From one slice to the next.
    """

    hu: NDArray[np.int16]
    regions: NDArray[np.uint8]
    thickness_mm: float


@dataclass(frozen=True)
class Example:
    """The network's input, and the truth.

    Attributes
    ----------
    channels : ndarray of float32, shape (1, x, y, z)
        As `channels_of` makes them.
    classes : ndarray of uint8, shape (x, y, z)
        The truth.
    """

    channels: Array
    classes: NDArray[np.uint8]


def write_region_scan(folder: Path, scan: RegionScan) -> None:
    """Write a head as two arrays that can be read in part.

    Parameters
    ----------
    folder : Path
        An empty folder.
    scan : RegionScan
        The head.
    """
    np.save(folder / "hu.npy", scan.hu, allow_pickle=False)
    np.save(folder / "regions.npy", scan.regions, allow_pickle=False)
    np.save(folder / "thickness_mm.npy", np.float64(scan.thickness_mm), allow_pickle=False)


def read_region_scan(folder: Path) -> RegionScan:
    """Read what `write_region_scan` wrote; arrays stay on the disk until they are looked at.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    RegionScan
    """
    hu, regions = (
        np.load(folder / name, mmap_mode="r", allow_pickle=False)
        for name in ("hu.npy", "regions.npy")
    )
    thickness = np.load(folder / "thickness_mm.npy", allow_pickle=False)
    return RegionScan(hu, regions, float(thickness))


def draw_crop(scan: RegionScan, stage: Stage, rng: np.random.Generator) -> Example:
    """Draw a crop about the regions: turned, scaled, shifted and mirrored, with other densities.

    Parameters
    ----------
    scan : RegionScan
        The head.
    stage : Stage
        Whose crop.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    Example
    """
    turn = Rotation.from_euler("xyz", rng.normal(0, _TURN_DEG), degrees=True).as_matrix()
    turn = turn * np.exp(rng.normal(0, _SCALE, 3))
    example = _crop(scan, stage, turn, rng.uniform(-1, 1, 3) * _SHIFT_MM, rng)
    if rng.random() < _FLIPPED:
        classes = example.classes[::-1]
        mirrored = _MIRRORED[classes] if stage.outputs > 2 else classes
        example = Example(np.ascontiguousarray(example.channels[:, ::-1]), mirrored.copy())
    return example


def plain_crop(scan: RegionScan, stage: Stage) -> Example:
    """Return the crop about the regions as it is scored: neither turned nor altered.

    Parameters
    ----------
    scan : RegionScan
        The head.
    stage : Stage
        Whose crop.

    Returns
    -------
    Example
    """
    return _crop(scan, stage, np.eye(3), np.zeros(3), None)


def _crop(
    scan: RegionScan,
    stage: Stage,
    turn: NDArray[np.float64],
    shift_mm: NDArray[np.float64],
    rng: np.random.Generator | None,
) -> Example:
    spacing = np.array([CACHE_PIXEL_MM, CACHE_PIXEL_MM, scan.thickness_mm])
    step = np.array([stage.pixel_mm, stage.pixel_mm, scan.thickness_mm])
    matrix = turn * step / spacing[:, np.newaxis]
    box = _bounds(scan.regions)
    centre = np.array([(s.start + s.stop - 1) / 2 for s in box]) + shift_mm / spacing
    offset = centre - matrix @ ((np.array(stage.crop) - 1) / 2)
    blur = float(np.sqrt(max((stage.pixel_mm / CACHE_PIXEL_MM) ** 2 - 1, 0) / 12))
    near = _needed(matrix, offset, stage.crop, scan.hu.shape)
    hu = np.asarray(scan.hu[near], np.float32)
    first = np.array([s.start for s in near])
    if rng is not None:
        hu = _altered(hu, rng)
    smooth = ndimage.gaussian_filter(hu, (blur, blur, 0)) if blur else hu
    place = offset - first
    seen = ndimage.affine_transform(
        smooth, matrix, place, stage.crop, np.float32, order=1, mode="constant", cval=AIR_HU
    )
    if rng is not None:
        seen += rng.normal(0, 1, seen.shape).astype(np.float32) * rng.uniform(0, _NOISE_HU)
    labels = ndimage.affine_transform(
        scan.regions[near], matrix, place, stage.crop, np.uint8, order=0, mode="constant"
    )
    classes = labels if stage.outputs > 2 else (labels > 0).astype(np.uint8)
    return Example(channels_of(seen), classes)


def _altered(hu: Array, rng: np.random.Generator) -> Array:
    """Change densities: calibration, kernel, shading, dark and dense patches."""
    changed = hu * np.float32(rng.normal(1, 0.04)) + np.float32(rng.normal(0, 2.5))
    shape = changed.shape
    coarse = [max(2, round(n * mm / _PIECES_MM)) for n, mm in zip(shape, (1, 1, 5), strict=True)]
    field = rng.normal(0, rng.uniform(0, 3), coarse).astype(np.float32)
    # Shading, beam hardening, and infarcts old and new: none of them moves a region.
    patches = np.where(rng.random(coarse) < 0.04, rng.uniform(-18, 25), 0).astype(np.float32)
    zoom = [n / m for n, m in zip(shape, coarse, strict=True)]
    changed = changed + ndimage.zoom(field + patches, zoom, order=1, grid_mode=True, mode="nearest")
    kernel = rng.uniform(-1.0, 1.2)
    soft = ndimage.gaussian_filter(changed, (abs(kernel), abs(kernel), 0))
    if kernel > 0:
        return np.asarray(soft, np.float32)
    return np.asarray(changed + 0.8 * abs(kernel) * (changed - soft), np.float32)


def _bounds(regions: NDArray[np.uint8]) -> tuple[slice, ...]:
    found: tuple[slice, ...] = ndimage.find_objects((np.asarray(regions) > 0).astype(np.uint8))[0]
    return found


def _needed(
    matrix: NDArray[np.float64],
    offset: NDArray[np.float64],
    crop: tuple[int, ...],
    shape: tuple[int, ...],
) -> tuple[slice, ...]:
    """Return the part of a volume that a crop looks at, with a margin."""
    corners = np.stack(np.meshgrid(*((0, n - 1) for n in crop)), -1).reshape(-1, 3)
    places = corners @ matrix.T + offset
    low = np.clip(np.floor(places.min(axis=0)).astype(int) - 4, 0, np.array(shape) - 1)
    high = np.clip(np.ceil(places.max(axis=0)).astype(int) + 5, low + 1, shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
