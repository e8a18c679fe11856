"""NIfTI files in and out.

A scan is read whatever its orientation and slice order: its axial axis is found from the affine,
its slices keep the file's order along that axis, and each slice is turned into the layout of
`atlas_builder.core.scan`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import Region
from atlas_builder.core.errors import InputError
from atlas_builder.core.scan import Scan
from atlas_builder.io.nifti.damage import refusing_damage
from atlas_builder.io.nifti.forms import millimetres_per_unit
from atlas_builder.io.nifti.storage import Storage, examine, load
from atlas_builder.io.shear import straightened
from atlas_builder.runtime.files import replacing

_TRACE_OF_NON_FINITE = 1e-4
_WHOLE_NUMBER_TOLERANCE = 1e-3
_NO_TISSUE_HU = 30_000.0
"""Above all metal, on the extended CT scale as well: padding that was written unsigned."""
_AIR_HU = -1024.0


def read_scan(path: Path) -> Scan:
    """Read a scan in Hounsfield units.

    Parameters
    ----------
    path : Path
        A NIfTI file (of any name, compressed or not, or a ``.hdr``/``.img`` pair) of a volume or a
        slice.

    Returns
    -------
    Scan
        float32 HU with the file's slope and intercept applied, slices in file order. Padding such
        as -2000 or -3024 is kept; unsigned padding such as 62512, above 30000 HU, becomes air. A
        trace of voxels that are not finite (at most 1 in 10000) takes the scan's smallest value.

    Raises
    ------
    InputError
        See `examine`; or more than a trace of the voxels are not finite numbers.
    """
    storage = examine(path)
    return Scan(_in_hu(storage.path, _read(storage)), storage.affines)


def read_slices(storage: Storage, indices: Sequence[int]) -> Scan:
    """Read some of a scan's slices in Hounsfield units, and only those; see `read_scan`.

    Parameters
    ----------
    storage : Storage
        The file, from `examine`.
    indices : sequence of int
        Slice indices in file order, zero-based.
    """
    if list(indices) == list(range(len(storage.affines))):
        # To each slice of a compressed file one has to read again what lies before it.
        return Scan(_in_hu(storage.path, _read(storage)), storage.affines)
    image = load(storage.path)
    data = np.empty((*storage.slice_shape, len(indices)), dtype=np.float32)
    with refusing_damage(storage.path):
        # From the first to the last: going back in a compressed file means reading it again.
        for place in np.argsort(indices, kind="stable"):
            data[:, :, place] = _one_slice(image, storage, indices[place])
    return Scan(_in_hu(storage.path, data), storage.affines[list(indices)])


def read_labels(path: Path) -> Scan:
    """Read region labels.

    Parameters
    ----------
    path : Path
        A NIfTI file of label values 0-10, stored as integers or as floats, scaled or not.

    Returns
    -------
    Scan
        uint8 label values.

    Raises
    ------
    InputError
        See `examine`; or a value is not within 0.001 of a whole number from 0 to 10.
    """
    storage = examine(path)
    values = _read(storage)
    # An impossible value stays farther than the tolerance from the nearest possible one.
    nearest = np.clip(np.rint(np.nan_to_num(values, nan=-1.0)), 0, max(Region))
    wrong = ~(np.abs(values - nearest) <= _WHOLE_NUMBER_TOLERANCE)
    if wrong.any():
        raise InputError(
            f"{path}: holds the value {values[wrong][0]:g} ({int(wrong.sum())} such voxels); "
            f"labels are whole numbers from 0 to {int(max(Region))}"
        )
    return Scan(nearest.astype(np.uint8), storage.affines)


def read_maps(path: Path, count: int) -> NDArray[np.float32]:
    """Read a stack of maps of one slice, as `write_image` writes it.

    Parameters
    ----------
    path : Path
        A NIfTI file of shape (columns, rows, 1, maps) in any orientation.
    count : int
        How many maps it must hold.

    Returns
    -------
    ndarray of float32, shape (maps, columns, rows)
        In the layout of `Slice`.

    Raises
    ------
    InputError
        See `examine`; or the file holds another number of maps or slices.
    """
    storage = examine(path, volumes=count)
    if len(storage.affines) != 1:
        raise InputError(f"{path}: holds {len(storage.affines)} slices; give the maps of one slice")
    image = load(storage.path)
    with refusing_damage(storage.path):
        data = np.asarray(image.dataobj, dtype=np.float32)
    return np.stack([storage.to_scan(data[..., place])[:, :, 0] for place in range(count)])


def write_image(path: Path, data: NDArray[np.generic], affine: NDArray[np.float64]) -> None:
    """Write a slice, or a stack of maps of one slice, as NIfTI.

    Parameters
    ----------
    path : Path
        ``.nii`` or ``.nii.gz``; written whole or not at all.
    data : ndarray, shape (columns, rows) or (columns, rows, maps)
        In the layout of `Slice`; the data type is kept. The file's array has shape
        (columns, rows, 1) or (columns, rows, 1, maps), which every viewer opens.
    affine : ndarray, shape (4, 4)
        The slice's affine, in mm.
    """
    columns, rows, *maps = data.shape
    image = _image(data.reshape(columns, rows, 1, *maps), affine)
    _save(image, path, qform=(affine, 1), sform=(affine, 1))


def write_volume(path: Path, data: NDArray[np.generic], affine: NDArray[np.float64]) -> None:
    """Write values on a stack of slices as NIfTI.

    Parameters
    ----------
    path : Path
        ``.nii`` or ``.nii.gz``; written whole or not at all.
    data : ndarray, shape (columns, rows, slices)
        In the layout of `Scan`; the data type is kept.
    affine : ndarray, shape (4, 4)
        From ``(column, row, slice, 1)`` to RAS+ mm. A small shear is left out of both forms, see
        `straightened`. Another one an sform can express and a qform cannot: such a volume has no
        qform rather than one that is off, and ITK does not open it.
    """
    straight = straightened(affine, data.shape)
    if straight is not None:
        _save(_image(data, straight), path, qform=(straight, 1), sform=(straight, 1))
    else:
        _save(_image(data, affine), path, qform=(None, 0), sform=(affine, 1))


def write_like(path: Path, data: NDArray[np.generic], storage: Storage) -> None:
    """Write values on a scan's slices on the scan's own grid.

    Parameters
    ----------
    path : Path
        ``.nii`` or ``.nii.gz``; written whole or not at all.
    data : ndarray, shape (columns, rows, slices)
        In the layout of `Scan`; the data type is kept.
    storage : Storage
        The scan's file, from `examine`. Its array shape, affine, qform and sform are repeated;
        nothing else of its header is, since free text in a header may name the patient. Where it
        has no qform and its sform is sheared by little, see `straightened`, the nearest qform is
        added, without which ITK would not open the file.
    """
    image = _image(storage.restore(data), storage.affine)
    source = load(storage.path)
    scale = np.diag([*[millimetres_per_unit(source)] * 3, 1.0])
    forms = [source.get_qform(coded=True), source.get_sform(coded=True)]
    qform, sform = ((None if form is None else scale @ form, int(code)) for form, code in forms)
    if qform[0] is None:
        straight = straightened(storage.affine, (*image.shape, 1)[:3], storage.axial_axis)
        if straight is not None and straight is not storage.affine:
            qform = (straight, sform[1])
    _save(image, path, qform, sform)


def _image(data: NDArray[np.generic], affine: NDArray[np.float64]) -> Any:
    return nib.Nifti1Image(data, affine, dtype=data.dtype)  # type: ignore[no-untyped-call]


def _save(
    image: Any,
    path: Path,
    qform: tuple[NDArray[np.float64] | None, int],
    sform: tuple[NDArray[np.float64] | None, int],
) -> None:
    image.set_qform(*qform)
    image.set_sform(*sform)
    image.header.set_xyzt_units("mm")
    with replacing(Path(path)) as partial:
        nib.save(image, partial)


def _read(storage: Storage) -> NDArray[np.float32]:
    image = load(storage.path)
    with refusing_damage(storage.path):
        return storage.to_scan(np.asarray(image.dataobj, dtype=np.float32))


def _one_slice(image: Any, storage: Storage, index: int) -> NDArray[np.float32]:
    part = [slice(None)] * len(storage.shape)
    if storage.axial_axis < len(part):
        part[storage.axial_axis] = slice(index, index + 1)
    return storage.to_scan(np.asarray(image.dataobj[tuple(part)], dtype=np.float32))[:, :, 0]


def _in_hu(path: Path, data: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace what is no CT value."""
    data = _without_trace(path, data)
    padding = data > _NO_TISSUE_HU
    return np.where(padding, np.float32(_AIR_HU), data) if padding.any() else data


def _without_trace(path: Path, data: NDArray[np.float32]) -> NDArray[np.float32]:
    finite = np.isfinite(data)
    share = 1.0 - finite.mean()
    if share == 0:
        return data
    if share > _TRACE_OF_NON_FINITE:
        raise InputError(
            f"{path}: {share:.2%} of its voxels are not finite numbers; convert it again"
        )
    return np.where(finite, data, data[finite].min())
