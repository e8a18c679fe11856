"""What the X-rays' way through the head does to an image: beam hardening, and uneven noise.

A polychromatic beam loses its soft photons first, so a projection falls short of the attenuation it
stands for, the more the longer the way. Scanners correct water's share of that; of bone's share a
residue stays, which darkens the brain between the petrous bones and changes it under the vault.

References
----------
Joseph PM, Spital RD. A method for correcting bone induced artifacts in computed tomography
scanners. J Comput Assist Tomogr 2:100-108 (1978). doi:10.1097/00004728-197801000-00017
Barrett JF, Keat N. Artifacts in CT: recognition and avoidance. RadioGraphics 24:1679-1691 (2004).
doi:10.1148/rg.246045065
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from head_phantom.scanner.acquisition import Acquisition
from head_phantom.scanner.projection import projector
from head_phantom.scanner.sampling import linear_weights

Array = NDArray[np.float32]

_SIZE = 128
_WATER_PER_MM = 0.0195  # attenuation of water at the effective energy of 120 kVp behind a head
_BONE_FROM_HU = 120.0
_BONE_HARDENING = 0.06  # share of a bone projection lost a unit of its length, uncorrected
_WATER_HARDENING = 0.0015
# How much of the differences in attenuation reach the noise. Automatic exposure control and the
# bow-tie filter even out the rest.
_EXPOSURE = 0.6


@dataclass(frozen=True)
class Artefacts:
    """Maps on a coarse grid that covers the field of view of each slice.

    Attributes
    ----------
    shading : ndarray of float32, shape (n, n, slices)
        HU that hardening adds.
    noise : ndarray of float32, shape (n, n, slices)
        Standard deviation relative to the middle of the reference slice, for one thickness.
    """

    shading: Array
    noise: Array


def project_artefacts(
    images: Array, acquisition: Acquisition, reference: int, brain: NDArray[np.bool_]
) -> Artefacts:
    """Follow the rays through all slices.

    Parameters
    ----------
    images : ndarray of float32, shape (columns, rows, slices)
        HU without artefacts or noise.
    acquisition : Acquisition
        Pixel size and how much hardening is left.
    reference : int
        The slice in the middle of whose brain the relative noise is 1.
    brain : ndarray of bool, shape (columns, rows, slices)
        Where calibration makes the mean shading 0.
    """
    coarse, inside = (coarsened(array) for array in (images, brain.astype(np.float32)))
    pixel_mm = acquisition.pixel_mm * _step(images.shape[0])
    rays = projector(coarse.shape[0])
    bone = _WATER_PER_MM * np.maximum(coarse - _BONE_FROM_HU, 0.0) / 1000.0
    bone_length = rays.project(bone, pixel_mm)
    length = rays.project(_WATER_PER_MM * np.maximum(coarse / 1000.0 + 1.0, 0.0), pixel_mm)
    lost = acquisition.beam_hardening * _BONE_HARDENING * bone_length**2
    lost += acquisition.cupping * _WATER_HARDENING * length**2
    shading = rays.reconstruct(-lost, pixel_mm) * np.float32(1000.0 / _WATER_PER_MM)
    weight = inside.sum()
    if weight > 0:
        shading -= (shading * inside).sum() / weight
    variance = rays.back_project(np.exp(_EXPOSURE * length))
    middle = inside[:, :, reference]
    if not middle.any():
        raise ValueError("no region on the reference slice: the scan does not cover the BGL")
    unit = (variance[:, :, reference] * middle).sum() / middle.sum()
    return Artefacts(shading, np.sqrt(variance / unit))


def enlarged(coarse: Array, size: int) -> Array:
    """Interpolate one slice's coarse map linearly to the pixels of the slice.

    Parameters
    ----------
    coarse : ndarray of float32, shape (n, n)
        Square, of the same field of view.
    size : int
        Pixels along a side of the slice.

    Returns
    -------
    ndarray of float32, shape (size, size)
    """
    places = (np.arange(size) + 0.5) * coarse.shape[0] / size - 0.5
    weights = linear_weights(places, coarse.shape[0])
    large: Array = weights @ coarse @ weights.T
    return large


def motion_streaks(moved: Array, acquisition: Acquisition) -> Array:
    """Return what a head that moves while the tube turns adds to the mean of its positions.

    The first projections see the head where it was, the last ones where it got to; the rays of
    neighbouring angles that meet at the start of the turn contradict each other.

    Parameters
    ----------
    moved : ndarray of float32, shape (n, n, slices)
        The head at a slice's beginning less that at its end in HU, from `coarsened`.
    acquisition : Acquisition
        Gives the pixel size.

    Returns
    -------
    ndarray of float32, shape (n, n, slices)
        HU, of the same field of view.
    """
    rays = projector(moved.shape[0])
    pixel_mm = acquisition.pixel_mm * acquisition.matrix / moved.shape[0]
    sinogram = rays.project(moved, pixel_mm)
    # From a half to minus a half: how far the head is from the mean of its two ends.
    course = np.linspace(0.5, -0.5, len(sinogram), dtype=np.float32)
    return rays.reconstruct(sinogram * course[:, np.newaxis, np.newaxis], pixel_mm)


def coarsened(images: Array) -> Array:
    """Average slices to the coarse grid of the artefacts.

    Parameters
    ----------
    images : ndarray of float32, shape (columns, rows, slices)
        Square slices; what is left at their far edges is dropped.

    Returns
    -------
    ndarray of float32, shape (n, n, slices)
        Of the same field of view, up to what was dropped.
    """
    step = _step(images.shape[0])
    size = images.shape[0] // step
    length = step * size
    blocks = images[:length, :length].reshape(size, step, size, step, -1)
    mean: Array = blocks.mean(axis=(1, 3), dtype=np.float32)
    return mean


def _step(columns: int) -> int:
    return max(1, columns // _SIZE)
