"""CT perfusion of a subject: a map of cerebral blood flow (CBF).

Grey matter has about 60 mL/100 g/min, white matter 22; arteries in the sulci have more than either.
The infarct core has a tenth to a quarter of its normal flow, the penumbra around it about half.

References
----------
.. [1] Wintermark M, Thiran JP, Maeder P, Schnyder P, Meuli R. Simultaneous measurement of regional
   cerebral blood flow by perfusion CT and stable xenon CT: a validation study. AJNR Am J
   Neuroradiol 22:905-914 (2001). The range of flows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from head_phantom.head.deformation import Lattice, smooth_noise
from head_phantom.person.volumes import Anatomy

GREY_FLOW, WHITE_FLOW, ARTERY_FLOW = 60.0, 22.0, 150.0
"""mL/100 g/min."""

_CORE, _PENUMBRA = (0.10, 0.25), (0.40, 0.60)  # of the normal flow
_PENUMBRA_MM = (6.0, 12.0)  # around the core
_ARTERIES = 0.02  # of the fluid around the brain
_PIXEL_MM, _SLICE_MM = 0.9, 5.0
_BLUR_MM = 1.5  # of the reconstruction and of the smoothing before the deconvolution
_NOISE, _NOISE_PIXELS = 0.12, 1.0  # of grey matter's flow; standard deviation of its grain
_BELOW_BGL_MM = 15.0
_ROOM_MM = 20.0
_HALF = 127


@dataclass(frozen=True)
class SimulatedCbf:
    """A CBF map and what is true of it.

    Attributes
    ----------
    flow : ndarray of float32, shape (x, y, z)
        In mL/100 g/min, 0 outside the head; slices of 5 mm.
    affine : ndarray, shape (4, 4)
        From voxels to the scanner's RAS+ mm.
    penumbra : ndarray of bool, shape of the anatomy
        Tissue with about half of its flow; the core is the anatomy's lesion.
    """

    flow: NDArray[np.float32]
    affine: NDArray[np.float64]
    penumbra: NDArray[np.bool_]


def simulate_cbf(
    anatomy: Anatomy,
    rng: np.random.Generator,
    *,
    coverage_mm: float = 80.0,
    pose: NDArray[np.float64] | None = None,
) -> SimulatedCbf:
    """Map the blood flow of a subject's brain.

    Parameters
    ----------
    anatomy : Anatomy
        The subject; the lesion is the core.
    rng : numpy.random.Generator
        Draws the levels of flow, the width of the penumbra, arteries and noise.
    coverage_mm : float
        Height of the slab of slices, from 15 mm below the basal ganglia level upwards.
    pose : ndarray, shape (4, 4), optional
        From the subject's RAS+ mm to the scanner's, such as `Acquired.pose`; by default they are
        the same.

    Returns
    -------
    SimulatedCbf
    """
    pose = np.eye(4) if pose is None else pose
    tissue = (anatomy.grey > 0) | (anatomy.white > 0)
    lesion = anatomy.lesion
    away = ndimage.distance_transform_edt(~lesion) if lesion.any() else np.full(lesion.shape, 999.0)
    penumbra = tissue & ~lesion & (away < rng.uniform(*_PENUMBRA_MM))
    if lesion.any():
        across = _across(anatomy)
        penumbra &= np.sign(across) == np.sign(across[lesion].sum())
    flow = _flow(anatomy, penumbra, rng)
    affine, shape = _stack(anatomy, pose, coverage_mm)
    blur = (_BLUR_MM, _BLUR_MM, _SLICE_MM / np.sqrt(12))
    indices = np.linalg.inv(anatomy.affine) @ np.linalg.inv(pose) @ affine
    seen, head = (
        ndimage.affine_transform(
            volume, indices[:3, :3], indices[:3, 3], shape, np.float32, order=1
        )
        for volume in (
            ndimage.gaussian_filter(flow, blur, truncate=2.5),
            (anatomy.hu > -300).astype(np.float32),
        )
    )
    grain = ndimage.gaussian_filter(rng.standard_normal(shape), (_NOISE_PIXELS, _NOISE_PIXELS, 0))
    noisy = seen + _NOISE * GREY_FLOW * grain / grain.std()
    return SimulatedCbf(
        np.where(head > 0.5, np.maximum(noisy, 0), 0).astype(np.float32), affine, penumbra
    )


def _across(anatomy: Anatomy) -> NDArray[np.float32]:
    """Return how far each voxel lies from the midline, negative on the left."""
    x = np.arange(anatomy.hu.shape[0]) * anatomy.affine[0, 0] + anatomy.affine[0, 3]
    return np.broadcast_to(
        (x - anatomy.bgl_point[0]).astype(np.float32)[:, np.newaxis, np.newaxis], anatomy.hu.shape
    )


def _flow(
    anatomy: Anatomy, penumbra: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float32]:
    normal = (GREY_FLOW * anatomy.grey + WHITE_FLOW * anatomy.white.astype(np.float32)) / 255
    lattice = Lattice(anatomy.hu.shape, 1.0, np.zeros(3))
    left = np.ones(anatomy.hu.shape, np.float32)
    # Each varies smoothly over its range.
    for where, (low, high) in ((penumbra, _PENUMBRA), (anatomy.lesion, _CORE)):
        share = np.clip(0.5 + smooth_noise(lattice, 10.0, rng) / 4, 0, 1)
        left = np.where(where, low + (high - low) * share, left)
    flow = (normal * left).astype(np.float32)
    fluid = (anatomy.csf > _HALF) & (ndimage.uniform_filter(flow, 7) > WHITE_FLOW / 2)
    if fluid.any():
        course = smooth_noise(lattice, 2.0, rng)
        flow[fluid & (course > np.quantile(course[fluid], 1 - _ARTERIES))] = ARTERY_FLOW
    return flow


def _stack(
    anatomy: Anatomy, pose: NDArray[np.float64], coverage_mm: float
) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    """Return affine and shape of level slices around the brain."""
    voxels = np.argwhere((anatomy.grey > _HALF) | (anatomy.white > _HALF)).T[:, ::50]
    to_scanner = pose @ anatomy.affine
    points = to_scanner[:3, :3] @ voxels + to_scanner[:3, 3:]
    low, high = points.min(axis=1) - _ROOM_MM, points.max(axis=1) + _ROOM_MM
    low[2] = (pose[:3, :3] @ anatomy.bgl_point + pose[:3, 3])[2] - _BELOW_BGL_MM
    columns, rows = (int(np.ceil((high - low)[axis] / _PIXEL_MM)) for axis in range(2))
    affine = np.diag([_PIXEL_MM, _PIXEL_MM, _SLICE_MM, 1.0])
    affine[:3, 3] = low
    return affine, (columns, rows, max(1, round(coverage_mm / _SLICE_MM)))
