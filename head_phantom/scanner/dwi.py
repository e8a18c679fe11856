"""Diffusion-weighted imaging of a subject: b 0, b 1000 and the apparent diffusion coefficient.

References
----------
.. [1] Helenius J, Soinne L, Perkiö J, et al. Diffusion-weighted MR imaging in normal human brains
   in various age groups. AJNR Am J Neuroradiol 23:194-199 (2002). Grey matter about 0.8, white
   matter about 0.7, in 10^-3 mm^2/s.
.. [2] Schlaug G, Siewert B, Benfield A, Edelman RR, Warach S. Time course of the apparent diffusion
   coefficient (ADC) abnormality in human stroke. Neurology 49:113-119 (1997).
   doi:10.1212/wnl.49.1.113. Infarcts at 56% (SD 9) of normal in the first two days.
.. [3] Gudbjartsson H, Patz S. The Rician distribution of noisy MRI data. Magn Reson Med 34:910-914
   (1995). doi:10.1002/mrm.1910340618
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from head_phantom.head.deformation import Lattice, smooth_noise
from head_phantom.person.volumes import Anatomy

B_VALUE = 1.0
"""Diffusion weighting, 10^3 s/mm^2."""

_GREY_ADC, _WHITE_ADC, _CSF_ADC = 0.82, 0.72, 3.0
_GREY_T2, _WHITE_T2, _CSF_T2, _FAT = 1.0, 0.82, 2.8, 0.12  # T2-weighted signal at b 0
_FIELD_MM = 30.0


@dataclass(frozen=True)
class Dwi:
    """A diffusion scan.

    Attributes
    ----------
    b0, b1000 : ndarray of float32, shape (x, y, z)
        Signal in arbitrary units.
    adc : ndarray of float32, shape (x, y, z)
        Apparent diffusion coefficient in 10^-3 mm^2/s; 0 where there is no signal.
    lesion : ndarray of bool, shape (x, y, z)
        The acute infarct, distorted as the images are.
    affine : ndarray, shape (4, 4)
        From voxels to RAS+ millimetres of the subject.
    """

    b0: NDArray[np.float32]
    b1000: NDArray[np.float32]
    adc: NDArray[np.float32]
    lesion: NDArray[np.bool_]
    affine: NDArray[np.float64]


def simulate_dwi(anatomy: Anatomy, rng: np.random.Generator) -> Dwi:
    """Scan a subject's brain with echo-planar diffusion imaging.

    Parameters
    ----------
    anatomy : Anatomy
        The subject; the lesion's diffusion is restricted.
    rng : numpy.random.Generator
        Draws voxel size (1.2-2 mm in plane, 3-5 mm slices), pose (a few degrees and millimetres),
        distortion along the phase-encoding (front to back) axis, receiver field, T2 shine-through
        and noise.

    Returns
    -------
    Dwi
    """
    size, thickness = rng.uniform(1.2, 2.0), rng.uniform(3.0, 5.0)
    affine, shape = _stack(anatomy, np.array([size, size, thickness]), rng)
    lattice = Lattice(shape, 1.0, np.zeros(3))
    grey, white, csf = (
        v.astype(np.float32) / 255 for v in (anatomy.grey, anatomy.white, anatomy.csf)
    )
    lesion = anatomy.lesion.astype(np.float32)
    fat = ((anatomy.hu > -150) & (anatomy.hu < -40)).astype(np.float32)

    ratio, shine = rng.normal(0.56, 0.06), rng.uniform(1.0, 1.6)
    restricted = 1 + (np.clip(ratio, 0.4, 0.72) - 1) * lesion
    bright = 1 + (shine - 1) * lesion
    still = (grey * _GREY_T2 + white * _WHITE_T2) * bright
    attenuated = (
        grey * _GREY_T2 * np.exp(-B_VALUE * _GREY_ADC * restricted)
        + white * _WHITE_T2 * np.exp(-B_VALUE * _WHITE_ADC * restricted)
    ) * bright
    indices = distorted_indices(anatomy, affine, shape, size, rng)
    blur = np.array([size, size, thickness]) / np.sqrt(12)
    b0, b1000, share = (
        ndimage.map_coordinates(
            ndimage.gaussian_filter(volume, blur, truncate=2.5), indices, np.float32, order=1
        )
        for volume in (
            still + csf * _CSF_T2 + fat * _FAT,
            attenuated + csf * _CSF_T2 * np.exp(-B_VALUE * _CSF_ADC) + fat * _FAT,
            lesion,
        )
    )
    receiver = np.exp(0.12 * smooth_noise(lattice, 60 / size, rng))
    sigma = 1 / rng.uniform(25, 45)
    level = rng.uniform(300, 900)
    b0, b1000 = (level * _rician(receiver * s, sigma, rng) for s in (b0, b1000))
    strong = b0 > 6 * sigma * level
    adc = np.where(strong, np.log(np.maximum(b0, 1e-6) / np.maximum(b1000, 1e-6)) / B_VALUE, 0)
    return Dwi(b0, b1000, np.clip(adc, 0, 4).astype(np.float32), share >= 0.5, affine)


def _stack(
    anatomy: Anatomy, spacing: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    """Return affine and shape of slices around the brain, slightly turned and shifted."""
    brain = anatomy.grey > 127
    ends = []
    for axis in range(3):
        along = np.flatnonzero(brain.any(axis=tuple(a for a in range(3) if a != axis)))
        ends.append((along[0], along[-1]))
    corners = anatomy.affine[:3, :3] @ np.array(ends) + anatomy.affine[:3, 3:]
    centre = corners.mean(axis=1) + rng.normal(0, 3, 3)
    extent = corners[:, 1] - corners[:, 0] + (40, 40, 12)
    pitch, roll, yaw = np.deg2rad(rng.normal(0, (5, 2.5, 3)))
    turn = np.eye(3)
    for angle, (a, b) in ((pitch, (1, 2)), (roll, (0, 2)), (yaw, (0, 1))):
        plane = np.eye(3)
        plane[[a, a, b, b], [a, b, a, b]] = (
            np.cos(angle),
            -np.sin(angle),
            np.sin(angle),
            np.cos(angle),
        )
        turn = turn @ plane
    nx, ny, nz = (int(n) for n in np.ceil(extent / spacing))
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = centre - affine[:3, :3] @ (np.array([nx, ny, nz]) - 1) / 2
    return affine, (nx, ny, nz)


def distorted_indices(
    anatomy: Anatomy,
    affine: NDArray[np.float64],
    shape: tuple[int, int, int],
    size: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the subject's voxel that each voxel of the scan shows.

    Echo-planar images are displaced along the phase-encoding axis in proportion to the field's
    inhomogeneity, which is strongest beside the air of sinuses and petrous bones.

    Parameters
    ----------
    anatomy : Anatomy
        The subject.
    affine : ndarray, shape (4, 4)
        From voxels of the scan to the subject's RAS+ mm.
    shape : tuple of int
        Voxels of the scan along x, y and z; y is the phase-encoding axis.
    size : float
        Of a voxel in plane, mm.
    rng : numpy.random.Generator
        Draws the field and the direction of the displacement.

    Returns
    -------
    ndarray of float64, shape (3, x, y, z)
        Fractional indices of the subject's volumes.
    """
    indices = np.indices(shape, dtype=np.float64)
    to_voxels = np.linalg.inv(anatomy.affine) @ affine
    offset = to_voxels[:3, 3].reshape(3, 1, 1, 1)
    straight = np.tensordot(to_voxels[:3, :3], indices, axes=1) + offset
    enclosed = enclosed_air(anatomy)
    air = ndimage.zoom(
        ndimage.gaussian_filter(enclosed, _FIELD_MM / 12),
        np.divide(anatomy.hu.shape, enclosed.shape),
        order=1,
    )
    susceptibility = ndimage.map_coordinates(air, straight, order=1)
    shimmed = smooth_noise(Lattice(shape, 1.0, np.zeros(3)), _FIELD_MM / size, rng)
    displacement = 0.8 * shimmed + 12.0 * susceptibility * rng.choice((-1.0, 1.0))
    indices[1] += displacement / size
    return np.asarray(np.tensordot(to_voxels[:3, :3], indices, axes=1) + offset)


def enclosed_air(anatomy: Anatomy) -> NDArray[np.float32]:
    """Return the air inside the head.

    Parameters
    ----------
    anatomy : Anatomy
        Air is what lies below -400 HU.

    Returns
    -------
    ndarray of float32, shape (x, y, z)
        1 in it and 0 elsewhere, at every fourth voxel of the subject.
    """
    air = anatomy.hu[::4, ::4, ::4] < -400
    head = ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(~air, 4), iterations=3))
    inner = ndimage.binary_erosion(head[4:-4, 4:-4, 4:-4], iterations=2)
    return (air & inner).astype(np.float32)


def _rician(
    signal: NDArray[np.floating], sigma: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    real = signal + sigma * rng.standard_normal(signal.shape, dtype=np.float32)
    imaginary = sigma * rng.standard_normal(signal.shape, dtype=np.float32)
    return np.hypot(real, imaginary).astype(np.float32)
