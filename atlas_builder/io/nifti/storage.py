"""How NIfTI files store scans: what they hold and where their slices lie, checked.

Everything that is decided from a file's header and length is decided here, before its voxels are
read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.io.nifti.damage import refusing_damage
from atlas_builder.io.nifti.forms import affine_of
from atlas_builder.io.nifti.opening import open_image, open_voxels
from atlas_builder.io.orientation import InPlane, Pixel

# What nibabel and the decompressors raise on files that are not what they claim to be.
_MOST_VOXELS = 2**31
_SLACK = 1 << 24
"""Bytes behind the voxels that are unpacked; what follows is of no use, however much it is."""


@dataclass(frozen=True)
class Storage:
    """How a NIfTI file stores a scan: where its slices lie, and the way back to its own array.

    Attributes
    ----------
    path : Path
        The file.
    shape : tuple of int
        The file's own array shape; two axes, or three, or more where the others have length 1.
    affine : ndarray, shape (4, 4)
        From the file's own voxel indices to RAS+ mm.
    axial_axis : int
        The file axis along which the axial slices are stacked.
    in_plane : InPlane
        The turn from the file's two other axes to a slice's.
    remarks : tuple of Flag
        What is unusual about its placement, see `affine_of`.
    """

    path: Path
    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    axial_axis: int
    in_plane: InPlane
    remarks: tuple[Flag, ...] = ()

    @property
    def affines(self) -> NDArray[np.float64]:
        """The affine of each slice, shape (slices, 4, 4), as in `Scan`.

        Slice k lies where the file puts it: in a sheared file (gantry tilt) the slices' origins
        do not follow their normal.
        """
        shape = self._shape3
        first, second = self._plane_axes
        affine = self.in_plane.affine(
            self.affine[:3, 3],
            self.affine[:3, first],
            self.affine[:3, second],
            (shape[first], shape[second]),
        )
        affines = np.repeat(affine[np.newaxis], shape[self.axial_axis], axis=0)
        steps = np.arange(len(affines))[:, np.newaxis]
        affines[:, :3, 3] += steps * self.affine[:3, self.axial_axis]
        return affines

    @property
    def slice_shape(self) -> tuple[int, int]:
        """The number of columns and rows of a slice in the layout of `Slice`."""
        first, second = (self._shape3[axis] for axis in self._plane_axes)
        return (second, first) if self.in_plane.transposed else (first, second)

    def to_scan(self, data: NDArray[Pixel]) -> NDArray[Pixel]:
        """Turn the file's own array (or some of its slices) into the layout of `Scan`.

        Parameters
        ----------
        data : ndarray, shape of the file, or with fewer slices along `axial_axis`
            Any type; axes beyond the third have length 1.

        Returns
        -------
        ndarray, shape (columns, rows, slices)
            Contiguous, of the same type; axis 0 runs to the patient's left, axis 1 to the back.
        """
        data = data.reshape(data.shape[:3] if data.ndim > 2 else (*data.shape, 1))
        return np.ascontiguousarray(self.in_plane.turn(np.moveaxis(data, self.axial_axis, 2)))

    def restore(self, data: NDArray[Pixel]) -> NDArray[Pixel]:
        """Turn an array in the layout of `Scan` back into the file's own.

        Parameters
        ----------
        data : ndarray, shape (columns, rows, slices)
            Values on the scan's slices, such as a region map.

        Returns
        -------
        ndarray
            The same values in the file's own shape, which `affine` places.
        """
        stored = np.moveaxis(self.in_plane.undo(data), 2, self.axial_axis)
        return np.ascontiguousarray(stored).reshape(self.shape)

    @property
    def _shape3(self) -> tuple[int, ...]:
        return (*self.shape, 1)[:3]

    @property
    def _plane_axes(self) -> tuple[int, int]:
        first, second = (axis for axis in range(3) if axis != self.axial_axis)
        return first, second


def examine(path: Path, volumes: int = 1) -> Storage:
    """Find how a NIfTI file stores its scan, without reading its voxels into memory.

    Parameters
    ----------
    path : Path
        The file.
    volumes : int
        How many volumes it must hold along its fourth axis.

    Raises
    ------
    InputError
        The file is missing, damaged or truncated, is no NIfTI image of so many scalar volumes
        (or one slice), or does not say where the patient's left and right are.
    """
    path = Path(path)
    image = load(path)
    shape = tuple(int(length) for length in image.shape)
    kind = image.get_data_dtype()
    if kind.names is not None or kind.kind not in "iuf":
        raise InputError(f"{path}: colour or complex voxels; give a CT image of one value a voxel")
    if len(shape) < 2 or min(shape) < 1 or math.prod(shape) > _MOST_VOXELS:
        raise InputError(f"{path}: not a scan's dimensions ({_times(shape)}); convert it again")
    if math.prod(shape[3:]) != volumes:
        raise InputError(f"{path}: holds {math.prod(shape[3:])} volumes; give {volumes}")
    _check_length(path, image, shape)
    affine, remarks = affine_of(path, image)
    axes = nib.io_orientation(affine)[:, 0]  # type: ignore[no-untyped-call]
    axial_axis = int(np.argmax(axes == 2))
    first, second = (axis for axis in range(3) if axis != axial_axis)
    in_plane = InPlane.of(affine[:3, first], affine[:3, second])
    storage = Storage(path, shape, affine, axial_axis, in_plane, remarks)
    if min(storage.slice_shape) < 2:
        raise InputError(
            f"{path}: its axial slices are {_times(storage.slice_shape)} pixels; give an axial scan"
        )
    return storage


def load(path: Path) -> Any:
    """Open a NIfTI file and parse its header.

    Parameters
    ----------
    path : Path
        A NIfTI file of any name, compressed with gzip or not, or a ``.hdr``/``.img`` pair.

    Returns
    -------
    nibabel.Nifti1Pair
        Its voxels are not read yet.

    Raises
    ------
    InputError
        The file is missing, empty, damaged, cannot be read, or is not NIfTI.
    """
    _check_file(path)
    with refusing_damage(path):
        return open_image(path)


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise InputError(f"{path}: a folder, not a NIfTI file")
        if not path.exists():
            raise InputError(f"{path}: no such file; check the path")
        if not path.is_file():
            raise InputError(f"{path}: not a regular file; give a NIfTI file")
        with path.open("rb") as file:
            if not file.read(1):
                raise InputError(f"{path}: empty; copy or convert it again")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check access") from error


def _check_length(path: Path, image: Any, shape: tuple[int, ...]) -> None:
    """Compare the header's claim with what the file holds, before anything is allocated.

    A compressed file is unpacked to its end in small blocks, which also verifies its checksum:
    reading only some slices would not notice a cut or damage behind them.
    """
    wanted = image.dataobj.offset + math.prod(shape) * image.get_data_dtype().itemsize
    held = 0
    with refusing_damage(path), open_voxels(image, path) as file:
        while held < wanted + _SLACK and (block := file.read(1 << 20)):
            held += len(block)
    if held < wanted:
        raise InputError(
            f"{path}: truncated, or its header is wrong ({_times(shape)} voxels need {wanted} "
            f"bytes, it holds {held}); copy or convert it again"
        )


def _times(shape: Sequence[int]) -> str:
    return " x ".join(str(length) for length in shape)
