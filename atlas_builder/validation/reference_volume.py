"""3-D reference atlases in HU, with their brain and cuts through them.

Positions are millimetres along the volume's own axes: to the patient's left, to the back and up,
from the centre of the first voxel of the lowest slice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.errors import InputError
from atlas_builder.core.transform import PlaneGrid
from atlas_builder.io.nifti.images import read_scan
from atlas_builder.preprocessing.plausibility import find_brain
from atlas_builder.validation.intensities import AIR_HU, to_hounsfield

Value = TypeVar("Value", bound=np.generic)

_FLUID_HU = -30.0  # between fat (-100) and fluid, which noise brings below 0
_BONE_HU = 300.0
_DENSER_HU = 20.0  # than the brain's median: beyond grey matter and blood vessels
_BONE_SHARE = 1e-3  # of the voxels; heads with their skull have some percent


@dataclass(frozen=True)
class ReferenceVolume:
    """A head in HU on a regular grid.

    Attributes
    ----------
    hu : ndarray of float32, shape (columns, rows, slices)
        In the layout of `Scan`, slices from the feet up.
    brain : ndarray of bool, shape (columns, rows, slices)
        Which voxels are brain; empty where a slice shows none.
    spacing : tuple of float
        Voxel size in mm along each axis.
    reading : str
        What the file held, see `to_hounsfield`.
    """

    hu: NDArray[np.float32]
    brain: NDArray[np.bool_]
    spacing: tuple[float, float, float]
    reading: str

    @property
    def height_mm(self) -> float:
        """From the lowest to the highest slice."""
        return (self.hu.shape[2] - 1) * self.spacing[2]

    @cached_property
    def _brain_hu(self) -> NDArray[np.float32]:
        return np.where(self.brain, self.hu, 0).astype(np.float32)

    @cached_property
    def _middle(self) -> tuple[float, float]:
        """Return the middle of the brain along the first two axes, in mm."""
        x, y = (np.flatnonzero(self.brain.any(axis=other)) for other in ((1, 2), (0, 2)))
        return (
            float(x[0] + x[-1]) / 2 * self.spacing[0],
            float(y[0] + y[-1]) / 2 * self.spacing[1],
        )

    def cut_brain(self, height: float, pitch: float, grid: PlaneGrid) -> NDArray[np.float32]:
        """Return the brain on a plane, 0 outside it, interpolated from brain voxels only.

        Parameters
        ----------
        height : float
            Of the plane in mm where it passes the middle of the brain.
        pitch : float
            Degrees about the left-right axis; positive when the plane rises towards the back.
        grid : PlaneGrid
            Of the plane; its origin of coordinates is the middle of the brain.
        """
        share = self._sampled(self.brain.astype(np.float32), height, pitch, grid)
        values = self._sampled(self._brain_hu, height, pitch, grid)
        inside = share >= 0.5
        return np.where(inside, values / np.where(inside, share, 1), 0).astype(np.float32)

    def _sampled(
        self, volume: NDArray[np.float32], height: float, pitch: float, grid: PlaneGrid
    ) -> NDArray[np.float32]:
        across, along = grid.points()
        angle = np.deg2rad(pitch)
        points = (
            self._middle[0] + across,
            self._middle[1] + along * np.cos(angle),
            height + along * np.sin(angle),
        )
        indices = [point / size for point, size in zip(points, self.spacing, strict=True)]
        sampled: NDArray[np.float32] = ndimage.map_coordinates(
            volume, indices, order=1, mode="constant", cval=float(volume.flat[0])
        )
        return sampled


def read_volume(path: Path) -> ReferenceVolume:
    """Read a 3-D reference atlas, bring it to HU and find its brain.

    Parameters
    ----------
    path : Path
        A NIfTI file of two slices or more, in HU or in another unit of `READINGS`.

    Returns
    -------
    ReferenceVolume
        float32 HU, slices from the feet to the head.

    Raises
    ------
    InputError
        The file is not a readable volume of a head, or holds no brain.
    """
    scan = read_scan(path)
    if len(scan) < 2:
        raise InputError(f"{path}: holds one slice; give a volume")
    try:
        hu, reading = to_hounsfield(np.asarray(scan.data, np.float32))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    origins = scan.affines[:, :3, 3]
    if origins[-1, 2] < origins[0, 2]:
        hu, origins = hu[:, :, ::-1], origins[::-1]
    columns, rows = scan[0].spacing
    spacing = columns, rows, float(np.linalg.norm(origins[1] - origins[0]))
    find = _stripped_brain if _is_stripped(hu) else _brain_in_skull
    brain = np.stack([find(plane, spacing[:2]) for plane in _planes(hu)], axis=2)
    if not brain.any():
        raise InputError(f"{path}: no slice shows a brain; give CT of a head")
    return ReferenceVolume(hu, brain, spacing, reading)


def _planes(volume: NDArray[Value]) -> list[NDArray[Value]]:
    return [volume[:, :, index] for index in range(volume.shape[2])]


def _is_stripped(hu: NDArray[np.float32]) -> bool:
    """Tell whether there is hardly any bone."""
    return float(np.mean(hu > _BONE_HU)) < _BONE_SHARE


def _stripped_brain(plane: NDArray[np.float32], _spacing: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the brain of a plane that was stripped before.

    A volume that was stripped while its values had an offset has air around the brain and a rim
    that blends into it: what is less dense than fluid there is no brain.
    """
    background = plane[0, 0]
    tissue = plane > _FLUID_HU if background < AIR_HU else plane != background
    return np.asarray(ndimage.binary_fill_holes(tissue))


def _brain_in_skull(plane: NDArray[np.float32], spacing: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the brain of a plane with its skull; none below or above the brain.

    Coarse voxels and averaging blur the skull into the outermost brain. A template has no noise,
    so what lies at the brain's border and is denser than any tissue is bone.
    """
    try:
        brain = find_brain(plane, spacing)
    except InputError:
        return np.zeros(plane.shape, bool)
    dense = brain & (plane > np.median(plane[brain]) + _DENSER_HU)
    blurred = ndimage.binary_propagation(ndimage.binary_dilation(~brain) & dense, mask=dense)
    return np.asarray(brain & ~blurred)
