"""From a diffusion scan to what the network sees.

In plane everything is brought to 1.5 mm, as fine as clinical diffusion images are acquired; slices
stay as they are, since what lies between slices of 3 to 7 mm was never measured and interpolation
would only blur the infarct's upper and lower end. Slices thinner than 2 mm are averaged to 2 mm.

Signals are divided by their median in the brain: 1 is brain, 0 is nothing, whatever the scanner's
scale or the unit of the ADC map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

PIXEL_MM = 1.5
LEAST_SLICE_MM = 2.0
CHANNELS = 3
_LIMITS = (6.0, 4.0)  # of relative signal and relative ADC; fluid's ADC is about 4 times brain's
_MARGIN_MM = 9.0

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Sampling:
    """Where the voxels of a grid lie in another volume.

    Attributes
    ----------
    matrix, offset : ndarray, shapes (3, 3) and (3,)
        From the grid's voxels to the volume's.
    shape : tuple of int
        Of the grid.
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    shape: tuple[int, int, int]

    def of(self, volume: Array) -> Array:
        """Return a volume at the grid's voxels, averaged where they are larger.

        Parameters
        ----------
        volume : ndarray of float32, shape (x, y, z)
            Any values.

        Returns
        -------
        ndarray of float32, shape `Sampling.shape`
            0 beyond the volume.
        """
        steps = np.linalg.norm(self.matrix, axis=1)
        # Both voxels taken as boxes, the variance that the larger one adds to the smaller.
        blur = np.sqrt(np.maximum(steps**2 - 1, 0) / 12)
        smooth = ndimage.gaussian_filter(volume, blur) if blur.any() else volume
        return np.asarray(
            ndimage.affine_transform(
                smooth, self.matrix, self.offset, self.shape, np.float32, order=1, mode="constant"
            )
        )

    def back(self, values: Array, shape: tuple[int, int, int]) -> Array:
        """Interpolate values on the grid at the voxels of a volume.

        Parameters
        ----------
        values : ndarray of float32, shape `Sampling.shape`
            One value a voxel of the grid.
        shape : tuple of int
            Of the volume.

        Returns
        -------
        ndarray of float32, shape `shape`
            0 beyond the grid.
        """
        inverse = np.linalg.inv(self.matrix)
        return np.asarray(
            ndimage.affine_transform(
                values, inverse, -inverse @ self.offset, shape, np.float32, order=1, mode="constant"
            )
        )


def network_grid(brain: NDArray[np.bool_], spacing: NDArray[np.float64]) -> Sampling:
    """Return the network's grid around a brain.

    Parameters
    ----------
    brain : ndarray of bool, shape (x, y, z)
        Not empty. The third axis is the one along which slices are stacked.
    spacing : ndarray, shape (3,)
        Voxel size in mm.
    """
    target = np.array([PIXEL_MM, PIXEL_MM, max(float(spacing[2]), LEAST_SLICE_MM)])
    found = ndimage.find_objects(brain.astype(np.uint8))[0]
    first = np.array([s.start for s in found]) * spacing
    last = np.array([s.stop - 1 for s in found]) * spacing
    margin = np.array([_MARGIN_MM, _MARGIN_MM, float(target[2])])
    count = np.ceil((last - first + 2 * margin) / target).astype(int) + 1
    start = np.where(target == spacing, first - margin, (first + last - (count - 1) * target) / 2)
    nx, ny, nz = (int(n) for n in count)
    return Sampling(np.diag(target / spacing), start / spacing, (nx, ny, nz))


def relative_signals(b1000: Array, adc: Array | None, brain: NDArray[np.bool_]) -> Array:
    """Return the network's channels on the grid of the scan.

    Parameters
    ----------
    b1000 : ndarray of float32, shape (x, y, z)
        Signal in any unit.
    adc : ndarray of float32, shape (x, y, z), or None
        Apparent diffusion coefficient in any unit; at most 0 where unknown.
    brain : ndarray of bool, shape (x, y, z)
        Outside it all channels are 0.

    Returns
    -------
    ndarray of float32, shape (3, x, y, z)
        b 1000 and ADC against their medians in the brain; whether there is an ADC map, 1 or 0.
    """
    channels = np.zeros((CHANNELS, *b1000.shape), np.float32)
    channels[0][brain] = _relative(b1000[brain], _LIMITS[0])
    if adc is not None:
        channels[1][brain] = _relative(np.maximum(adc[brain], 0), _LIMITS[1])
        channels[2][brain] = 1
    return channels


def _relative(values: Array, limit: float) -> Array:
    present = values[values > 0]
    if not present.size:
        return np.zeros_like(values)
    return np.clip(values / np.median(present), 0, limit)
