"""A map of cerebral blood flow (CBF) as a workstation saved it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.io.nifti.damage import refusing_damage
from atlas_builder.io.nifti.storage import load
from atlas_builder.io.nifti.volumes import volume_affine
from atlas_builder.io.source import NiftiSource, open_scan

Array = NDArray[np.float64]

_FEWEST_SLICES = 2
_MOST_NEGATIVE = 0.01  # of what is not 0
_EIGHT_BITS = 255
_HALF = 0.5


@dataclass(frozen=True)
class CbfMap:
    """A map of blood flow with its place in the patient.

    Attributes
    ----------
    flow : ndarray of float32, shape (columns, rows, slices)
        In the file's unit; NaN where nothing was measured.
    affine : ndarray, shape (4, 4)
        From ``(column, row, slice, 1)`` to RAS+ mm.
    flags : tuple of Flag
        What is unusual about the file.
    """

    flow: NDArray[np.float32]
    affine: Array
    flags: tuple[Flag, ...] = ()

    @property
    def spacing(self) -> Array:
        """Size of a voxel along each axis, mm."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))

    @property
    def coverage_mm(self) -> float:
        """Height of the slices that hold measured flow."""
        return float(np.isfinite(self.flow).any(axis=(0, 1)).sum() * self.spacing[2])

    def at(self, points: Array) -> NDArray[np.float32]:
        """Return the flow at points, interpolated linearly between what was measured.

        Parameters
        ----------
        points : ndarray, shape (3, n)
            RAS+ mm.

        Returns
        -------
        ndarray of float32, shape (n,)
            NaN outside the map; the outer slices reach half a slice further than their middles.
        """
        back = np.linalg.inv(self.affine)
        voxels = back[:3, :3] @ points + back[:3, 3:]
        last = np.array(self.flow.shape)[:, np.newaxis] - 1
        inside = ((voxels >= -_HALF) & (voxels <= last + _HALF)).all(axis=0)
        voxels = np.clip(voxels, 0, last)
        known = np.isfinite(self.flow)
        total, weight = (
            ndimage.map_coordinates(volume, voxels, np.float32, order=1)
            for volume in (np.where(known, self.flow, 0), known.astype(np.float32))
        )
        found = inside & (weight > _HALF)
        return np.where(found, total / np.maximum(weight, _HALF), np.nan).astype(np.float32)


def read_cbf(path: Path) -> CbfMap:
    """Read a CBF map.

    Parameters
    ----------
    path : Path
        A NIfTI file of one volume, or a DICOM series that `open_scan` reads.

    Returns
    -------
    CbfMap
        Slices without any flow, values that are not finite and a negative padding value are NaN.

    Raises
    ------
    InputError
        See `open_scan`; or the file is a picture of 8 bits, has negative values or no flow, or its
        slices are spaced unevenly.
    """
    with open_scan(path) as source:
        affine = volume_affine(source.affines)
        if affine is None or len(source.affines) < _FEWEST_SLICES:
            raise InputError(
                f"{path}: a single slice, or slices spaced unevenly; give the CBF map as one volume"
            )
        if isinstance(source, NiftiSource):
            image = load(source.path)
            with refusing_damage(source.path):
                # Not as a CT is read: workstations write NaN where they measured nothing.
                stored = np.asarray(image.dataobj, np.float32)
            flow = source.storage.to_scan(stored)
        else:
            flow = np.asarray(source.read().data, np.float32)
        remarks = tuple(Flag(f"cbf-{one.code}", f"CBF map: {one.reason}") for one in source.remarks)
    return CbfMap(_measured(path, flow), affine, (*remarks, *_remarks_on_name(path)))


def _measured(path: Path, flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the flow with NaN where there is none, or refuse what is no flow."""
    flow = np.where(np.isfinite(flow), flow, np.nan)
    least = np.nanmin(flow) if np.isfinite(flow).any() else 0.0
    if least < 0:
        flow = np.where(flow == least, np.nan, flow)
    shown = flow[np.isfinite(flow) & (flow != 0)]
    if not shown.size:
        raise InputError(f"{path}: holds no flow; give the CBF map of the perfusion study")
    negative = float((shown < 0).mean())
    if negative > _MOST_NEGATIVE:
        raise InputError(
            f"{path}: {negative:.0%} of its values are negative, which no flow is (a CT in HU, or "
            "a difference?); give the CBF map in mL/100 g/min"
        )
    flow = np.maximum(flow, 0)
    if shown.max() == _EIGHT_BITS and (shown == np.rint(shown)).all():
        raise InputError(
            f"{path}: whole numbers from 0 to 255, the grey values or colours of a picture; export "
            "the CBF map with its values in mL/100 g/min"
        )
    empty = ~(flow > 0).any(axis=(0, 1))
    flow[:, :, empty] = np.nan
    return np.asarray(flow, np.float32)


_OTHER_MAPS = ("cbv", "mtt", "ttp", "tmax", "delay")


def _remarks_on_name(path: Path) -> tuple[Flag, ...]:
    name = Path(path).name.lower()
    others = [other for other in _OTHER_MAPS if other in name]
    if not others or "cbf" in name:
        return ()
    return (
        Flag(
            "map-name",
            f"the file's name says {others[0].upper()}, not CBF; make sure that it is the map of "
            "flow, from which the values alone cannot always be told apart",
        ),
    )
