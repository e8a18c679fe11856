"""Parallel projections of slices and filtered back-projection, on a coarse grid.

The artefacts and the noise that depend on what the X-rays went through vary slowly across a slice;
a grid of pixels of about 2 mm shows them.

References
----------
Kak AC, Slaney M. Principles of Computerized Tomographic Imaging, chapter 3. IEEE Press (1988).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, sparse

Array = NDArray[np.float32]

_ANGLES = 90


@dataclass(frozen=True)
class Projector:
    """Projections of square slices over half a turn.

    Attributes
    ----------
    size : int
        Pixels along a side.
    matrix : sparse array, shape (angles * bins, size * size)
        From pixels to detector bins one pixel wide: each pixel's weight is shared linearly by the
        two bins nearest to its shadow.
    """

    size: int
    matrix: sparse.csr_array

    @property
    def bins(self) -> int:
        """The number of detector bins."""
        return int(self.matrix.shape[0]) // _ANGLES

    def project(self, slices: Array, pixel_mm: float) -> Array:
        """Integrate along rays.

        Parameters
        ----------
        slices : ndarray of float32, shape (size, size, slices)
            What is integrated, per mm.
        pixel_mm : float
            The pixel size.

        Returns
        -------
        ndarray of float32, shape (angles, bins, slices)
        """
        flat = slices.reshape(self.size**2, -1)
        sinogram: Array = (self.matrix @ flat).reshape(_ANGLES, self.bins, -1)
        return sinogram * np.float32(pixel_mm)

    def back_project(self, sinogram: Array) -> Array:
        """Return at each pixel the mean over angles of the ray through it.

        Parameters
        ----------
        sinogram : ndarray of float32, shape (angles, bins, slices)
            As `project` returns it.

        Returns
        -------
        ndarray of float32, shape (size, size, slices)
        """
        flat = sinogram.reshape(_ANGLES * self.bins, -1)
        smeared: Array = (self.matrix.T @ flat).reshape(self.size, self.size, -1)
        return smeared / np.float32(_ANGLES)

    def reconstruct(self, sinogram: Array, pixel_mm: float) -> Array:
        """Undo `project` by filtered back-projection with a plain ramp.

        Parameters
        ----------
        sinogram : ndarray of float32, shape (angles, bins, slices)
            As `project` returns it.
        pixel_mm : float
            The pixel size.

        Returns
        -------
        ndarray of float32, shape (size, size, slices)
            Per mm, as what was projected.
        """
        length = fft.next_fast_len(2 * self.bins, real=True)
        # The ramp sampled in space, whose sum is right where the ramp sampled in frequency is not.
        place = np.minimum(np.arange(length), length - np.arange(length))
        odd = place % 2 == 1
        response = np.zeros(length)
        response[0] = 0.25
        response[odd] = -1.0 / (np.pi * place[odd]) ** 2
        ramp = fft.rfft(response).real.astype(np.float32) / np.float32(pixel_mm)
        spectrum = fft.rfft(sinogram, length, axis=1) * ramp[:, np.newaxis]
        filtered = fft.irfft(spectrum, length, axis=1)[:, : self.bins]
        return self.back_project(np.ascontiguousarray(filtered)) * np.float32(np.pi)


@lru_cache(maxsize=4)
def projector(size: int) -> Projector:
    """Return the projector of square slices.

    Parameters
    ----------
    size : int
        Pixels along a side.

    Returns
    -------
    Projector
    """
    bins = int(np.ceil(size * np.sqrt(2.0))) + 3
    across = np.arange(size) - (size - 1) / 2.0
    columns = np.arange(size * size)
    rows, weights = [], []
    for number, angle in enumerate(np.arange(_ANGLES) * np.pi / _ANGLES):
        shadow = across[:, np.newaxis] * np.cos(angle) + across * np.sin(angle) + (bins - 1) / 2.0
        below = np.floor(shadow).astype(np.int64).ravel()
        share = shadow.ravel() - below
        rows += [number * bins + below, number * bins + below + 1]
        weights += [1.0 - share, share]
    entries = (
        np.concatenate(weights).astype(np.float32),
        (np.concatenate(rows), np.tile(columns, 2 * _ANGLES)),
    )
    return Projector(size, sparse.csr_array(entries, shape=(_ANGLES * bins, size * size)))
