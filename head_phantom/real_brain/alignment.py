"""A real brain on CT beside the standard head: upright, and where its places are in MNI space.

The brain keeps its size and its shape; only the regions, the lesions and the skull are carried to
it from MNI space, by a rigid, an affine and a deformable registration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.catalogue.tissues import Tissue, mean_hu
from atlas_builder.core.scan import Scan
from atlas_builder.registration.volumes import (
    PlacedVolume,
    Round,
    register_deformation,
    register_rounds,
)
from head_phantom.head.deformation import Lattice

RIGID = (Round("Rigid", (200, 200, 100), (4, 2, 1), (2, 1, 0)),)
AFFINE = (Round("Affine", (200, 200, 100), (4, 2, 1), (2, 1, 0)),)
_COARSE_MM = 2
_TYPICAL_AGE = 70.0
_FLUID_HU = 9.0
_TYPICAL_HU = 32.0
_TISSUE_HU = (18.0, 70.0)


@dataclass(frozen=True)
class RealBrain:
    """A real brain, upright, on the standard head's grid of 1 mm.

    Attributes
    ----------
    hu : ndarray of float32, shape (x, y, z)
        HU, whose median over the tissue is that of a typical brain.
    inside : ndarray of float32, shape (x, y, z)
        How much of each voxel is brain, fluid in and around it included, 0 to 1.
    lattice : Lattice
        Of `displacement`, in the brain's own mm.
    displacement : ndarray of float32, shape (3, x, y, z)
        Millimetres from a place of the brain to the same place in MNI space.
    volume_ml : float
        Of the brain.
    """

    hu: NDArray[np.float32]
    inside: NDArray[np.float32]
    lattice: Lattice
    displacement: NDArray[np.float32]
    volume_ml: float

    def in_mni(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the places of MNI space that places of the brain correspond to.

        Parameters
        ----------
        points : ndarray, shape (3, ...)
            RAS+ mm of the brain.

        Returns
        -------
        ndarray of float32, shape (3, ...)
            RAS+ mm of MNI space.
        """
        moves = [self.lattice.sample(component, points) for component in self.displacement]
        return (points + np.stack(moves)).astype(np.float32)


def align_brain(
    head: Head, scan: Scan, brain: NDArray[np.bool_], *, rigid: Sequence[Round] = RIGID
) -> RealBrain:
    """Register a real brain with the standard head.

    Parameters
    ----------
    head : Head
        The standard head.
    scan : Scan
        HU; slices may be tilted and unevenly spaced.
    brain : ndarray of bool, shape (columns, rows, slices)
        Where the scan shows brain or the fluid in and around it.
    rigid : sequence of Round
        How the brain is turned upright.

    Returns
    -------
    RealBrain

    Raises
    ------
    RegistrationError
        The scan has nothing in common with a brain.
    """
    standard = _standard_brain(head)
    hu = np.where(brain, np.clip(scan.data, 0.0, 80.0), 0.0).astype(np.float32)
    raw = _on_cubes(scan, hu)
    start = np.eye(4)
    start[:3, 3] = _middle(raw) - _middle(standard)
    upright = register_rounds(standard, raw, start=start, rounds=rigid)
    points = _grid_points(head)
    places = upright[:3, :3] @ points.reshape(3, -1) + upright[:3, 3:]
    shape = head.regions.shape
    inside = _sampled(scan, brain.astype(np.float32), places).reshape(shape)
    values = _sampled(scan, hu, places).reshape(shape) / np.maximum(inside, 0.2)
    values = _typical(values, inside)

    own = _coarse(PlacedVolume(values * inside, 1.0, _origin(head)))
    affine = register_rounds(own, standard, start=np.eye(4), rounds=AFFINE)
    transform = register_deformation(own, standard, affine=affine)
    x, y, z = own.data.shape
    lattice = Lattice((x, y, z), own.spacing, np.array(own.origin))
    nodes = lattice.points()
    moved = transform.to_participant(nodes.reshape(3, -1)).reshape(nodes.shape)
    return RealBrain(
        values, inside, lattice, (moved - nodes).astype(np.float32), float(inside.sum()) / 1000
    )


def _standard_brain(head: Head) -> PlacedVolume:
    tissues = (Tissue.GREY, Tissue.WHITE, Tissue.CSF)
    hu = sum(np.float32(mean_hu(t, _TYPICAL_AGE) / 255) * head.tissues[t] for t in tissues)
    return _coarse(PlacedVolume(np.asarray(hu, np.float32), 1.0, _origin(head)))


def _origin(head: Head) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in head.affine[:3, 3])
    return x, y, z


def _grid_points(head: Head) -> NDArray[np.float64]:
    """Return the voxels of the standard head in mm, shape ``(3, x, y, z)``."""
    return np.indices(head.regions.shape, np.float32) + head.affine[:3, 3].reshape(3, 1, 1, 1)


def _coarse(volume: PlacedVolume) -> PlacedVolume:
    """Average blocks of 2 x 2 x 2 voxels."""
    shape = [n // _COARSE_MM for n in volume.data.shape]
    kept = volume.data[tuple(slice(n * _COARSE_MM) for n in shape)]
    x, y, z = shape
    data = kept.reshape(x, _COARSE_MM, y, _COARSE_MM, z, _COARSE_MM).mean(axis=(1, 3, 5))
    shift = volume.spacing * (_COARSE_MM - 1) / 2
    a, b, c = volume.origin
    return PlacedVolume(data, volume.spacing * _COARSE_MM, (a + shift, b + shift, c + shift))


def _on_cubes(scan: Scan, hu: NDArray[np.float32]) -> PlacedVolume:
    """Resample a scan to cubes of 2 mm along the axes of its space."""
    columns, rows, count = scan.data.shape
    corners = np.array([(c, r, 0.0, 1.0) for c in (0, columns - 1) for r in (0, rows - 1)])
    reached = np.concatenate([corners @ affine[:3].T for affine in scan.affines[[0, count - 1]]])
    low, high = reached.min(axis=0) - 4, reached.max(axis=0) + 4
    x, y, z = (int(n) for n in np.ceil((high - low) / _COARSE_MM) + 1)
    points = np.indices((x, y, z), np.float32).reshape(3, -1) * _COARSE_MM + low[:, np.newaxis]
    origin = (float(low[0]), float(low[1]), float(low[2]))
    return PlacedVolume(_sampled(scan, hu, points).reshape(x, y, z), float(_COARSE_MM), origin)


def _sampled(
    scan: Scan, values: NDArray[np.float32], points: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Interpolate values on a scan's slices at places in mm, 0 outside; spacing may be uneven."""
    normal = scan.affines[0][:3, 2]
    heights = scan.affines[:, :3, 3] @ normal
    order = np.argsort(heights)
    along = normal @ points
    k = np.interp(along, heights[order], np.arange(len(order)), left=-2.0, right=len(order) + 1.0)
    origins = [np.interp(along, heights[order], scan.affines[order, a, 3]) for a in range(3)]
    offset = points - np.stack(origins)
    in_plane = [scan.affines[0][:3, a] for a in range(2)]
    column, row = (axis @ offset / (axis @ axis) for axis in in_plane)
    stacked = values[:, :, order]
    sampled: NDArray[np.float32] = ndimage.map_coordinates(
        stacked, np.stack([column, row, k]), np.float32, order=1, mode="constant"
    )
    return sampled


def _typical(values: NDArray[np.float32], inside: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale densities about that of fluid, so that the tissue's median is a typical brain's."""
    tissue = values[(inside > 0.9) & (values > _TISSUE_HU[0]) & (values < _TISSUE_HU[1])]
    gain = (_TYPICAL_HU - _FLUID_HU) / (float(np.median(tissue)) - _FLUID_HU)
    return np.asarray(_FLUID_HU + gain * (values - _FLUID_HU), dtype=np.float32)


def _middle(volume: PlacedVolume) -> NDArray[np.float64]:
    """Return the middle of what is brighter than air, in mm."""
    voxels = np.argwhere(volume.data > 5.0).mean(axis=0)
    return np.asarray(voxels * volume.spacing + np.array(volume.origin))
