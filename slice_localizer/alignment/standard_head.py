"""The head that scans are aligned with: a standard head, and the mean of the brain's middle.

The standard head is the phantom's. Around its basal ganglia level lies the mean of simulated
subjects of all ages, aligned with each other as a scan will be aligned with them, with the modes in
which they differ most (their ventricles first of all) and where the level lies in each of them.
`standard_head_making.head` makes both, `standard_head_making.correction` the correction for the
residuals; they ship as arrays without code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from scipy import ndimage

from atlas_builder.core.errors import InputError
from atlas_builder.runtime.files import replacing
from slice_localizer.alignment.coarse_scan import AIR_HU
from slice_localizer.alignment.correction import REACH_MM, Correction
from slice_localizer.alignment.gauss_newton import Array, Pattern

FILE = Path(__file__).parent / "standard_head.safetensors"

HEAD_WINDOW = (-100.0, 150.0)
"""HU that show a whole head: air, soft tissue, bone."""

BRAIN_WINDOW = (-10.0, 60.0)
"""HU that show the brain and its fluid."""

HEAD_SIGMA_MM = 4.0
BRAIN_SIGMA_MM = 1.5
_LOWEST_MM = -75.0  # below it a head's shape depends on how it is held
_NEAR_MM = 16.0  # of the head: further away is air, which adds nothing
_LEAST_WEIGHT = 0.05
_SCALE = 100.0  # arrays hold hundredths of HU
DECIMALS = 6  # of mm: the last bits depend on the threads that sum


@dataclass(frozen=True)
class Grid:
    """Even points of the standard head's space.

    Attributes
    ----------
    shape : tuple of int
        Points along x, y and z.
    spacing : float
        In mm.
    origin : ndarray, shape (3,)
        Millimetres of the first.
    """

    shape: tuple[int, int, int]
    spacing: float
    origin: Array

    def points(self) -> Array:
        """Return the points in mm, shape (3, x, y, z)."""
        index = np.indices(self.shape, dtype=np.float64)
        return index * self.spacing + self.origin.reshape(3, 1, 1, 1)


@dataclass(frozen=True)
class StandardHead:
    """What scans are aligned with.

    Attributes
    ----------
    grid : Grid
        Of the whole head.
    hu, stripped_hu : ndarray, shape (x, y, z)
        The whole head, and the brain alone in air.
    middle : Grid
        Around the basal ganglia level.
    mean : ndarray, shape (x, y, z)
        The subjects' mean there, in the brain window, blurred; NaN where there is no brain.
    modes : ndarray, shape (m, x, y, z)
        HU a standard deviation of each mode.
    bgl_point : ndarray, shape (3,)
        Where the basal ganglia level crosses the midline between the deep nuclei, in mm: the mean.
    bgl_shift : ndarray, shape (3, m)
        How far it lies from there, in mm a standard deviation of each mode.
    correction : Correction
        The level's shift for the residuals around it.
    provenance : mapping
        How it was made.
    """

    grid: Grid
    hu: NDArray[np.float32]
    stripped_hu: NDArray[np.float32]
    middle: Grid
    mean: NDArray[np.float32]
    modes: NDArray[np.float32]
    bgl_point: Array
    bgl_shift: Array
    correction: Correction
    provenance: Mapping[str, Any]

    @cached_property
    def whole(self) -> Pattern:
        """The whole head at 8 mm."""
        return self._whole(self.hu)

    @cached_property
    def stripped(self) -> Pattern:
        """The brain in air at 8 mm."""
        return self._whole(self.stripped_hu)

    def blurred(self, hu: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a head as scans are shown for a coarse alignment.

        Parameters
        ----------
        hu : ndarray of float32, shape (x, y, z)
            On `grid`, HU; `StandardHead.hu` or `stripped_hu`.

        Returns
        -------
        ndarray of float32, shape (x, y, z)
            Cut off at the ends of `HEAD_WINDOW` and blurred by `HEAD_SIGMA_MM`.
        """
        sigma = HEAD_SIGMA_MM / self.grid.spacing
        image: NDArray[np.float32] = ndimage.gaussian_filter(np.clip(hu, *HEAD_WINDOW), sigma)
        return image

    def around_bgl(self, reach_mm: float, step: int) -> Pattern:
        """Return the middle of the brain as a pattern.

        Parameters
        ----------
        reach_mm : float
            Standard deviation of the weights' fall about the BGL point.
        step : int
            One point in so many is taken.

        Returns
        -------
        Pattern
        """
        points = self.middle.points()
        distance = points - self.bgl_point.reshape(3, 1, 1, 1)
        weights = np.exp(-(distance**2).sum(axis=0) / (2 * reach_mm**2))
        # Diagonal planes: an even choice that leaves out no row of points.
        chosen = np.indices(self.middle.shape).sum(axis=0) % step == 0
        chosen &= (weights > _LEAST_WEIGHT) & np.isfinite(self.mean)
        filled = np.where(np.isfinite(self.mean), self.mean, np.nanmean(self.mean))
        gradients = np.stack(np.gradient(filled.astype(np.float64), self.middle.spacing), axis=-1)
        return Pattern(
            points=points[:, chosen],
            values=self.mean[chosen].astype(np.float64),
            gradients=gradients[chosen],
            weights=weights[chosen],
            modes=self.modes[:, chosen].astype(np.float64),
            centre=self.bgl_point,
        )

    @cached_property
    def correction_pattern(self) -> Pattern:
        """What the correction compares: the middle of the brain right around the level."""
        return self.around_bgl(REACH_MM, 1)

    def no_correction(self) -> Correction:
        """Return the correction that leaves the level where it is."""
        return Correction(np.zeros((3, self.correction_pattern.points.shape[1])), np.zeros(3))

    def bgl_of(self, coefficients: Array) -> Array:
        """Return the BGL point of a subject.

        Parameters
        ----------
        coefficients : ndarray, shape (m,)
            Of the subject's modes, in standard deviations.

        Returns
        -------
        ndarray, shape (3,)
            In mm of the standard head.
        """
        return np.asarray(self.bgl_point + self.bgl_shift @ coefficients)

    def _whole(self, hu: NDArray[np.float32]) -> Pattern:
        image = self.blurred(hu)
        gradients = np.stack(np.gradient(image.astype(np.float64), self.grid.spacing), axis=-1)
        points = self.grid.points()
        reach = round(_NEAR_MM / self.grid.spacing)
        near = ndimage.binary_dilation(hu > (HEAD_WINDOW[0] + AIR_HU) / 2, iterations=reach)
        chosen = np.zeros(hu.shape, bool)
        chosen[::2, ::2, ::2] = True
        chosen &= near & (points[2] > _LOWEST_MM)
        values = image[chosen].astype(np.float64)
        return Pattern(
            points=points[:, chosen],
            values=values,
            gradients=gradients[chosen],
            weights=np.ones(len(values)),
            modes=np.zeros((0, len(values))),
            centre=self.bgl_point,
        )


@lru_cache(maxsize=1)
def load_standard_head() -> StandardHead:
    """Read the standard head that ships.

    Returns
    -------
    StandardHead

    Raises
    ------
    InputError
        It is missing or damaged.
    """
    return read_standard_head(FILE)


def read_standard_head(path: Path) -> StandardHead:
    """Read a standard head that `write_standard_head` wrote.

    Parameters
    ----------
    path : Path
        The safetensors file.

    Returns
    -------
    StandardHead

    Raises
    ------
    InputError
        See `load_standard_head`.
    """
    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            described = json.loads(file.metadata()["description"])
        hu, stripped, mean, modes = (
            _from_hundredths(arrays[name]) for name in ("hu", "stripped_hu", "mean", "modes")
        )
        head = StandardHead(
            Grid(hu.shape, described["spacing"], arrays["origin"]),
            hu * _SCALE,
            stripped * _SCALE,
            Grid(mean.shape, described["middle_spacing"], arrays["middle_origin"]),
            np.where(arrays["brain"] > 0, mean, np.nan).astype(np.float32),
            modes,
            arrays["bgl_point"],
            arrays["bgl_shift"],
            Correction(arrays["correction"].astype(np.float64), arrays["correction_offset"]),
            described["provenance"],
        )
        _check_correction(head)
        return head
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise InputError(
            f"{path}: the standard head cannot be read ({error}); install aspects-atlas again"
        ) from None


def _check_correction(head: StandardHead) -> None:
    expected = head.no_correction()
    found = head.correction
    if found.weights.shape != expected.weights.shape or found.offset.shape != (3,):
        raise ValueError("the correction is of other points")
    if not (np.isfinite(found.weights).all() and np.isfinite(found.offset).all()):
        raise ValueError("the correction is not finite")


def write_standard_head(path: Path, head: StandardHead) -> None:
    """Write a standard head: whole HU, hundredths of HU for the brain's middle.

    Parameters
    ----------
    path : Path
        The safetensors file.
    head : StandardHead
        What to write.
    """
    description = {
        "spacing": head.grid.spacing,
        "middle_spacing": head.middle.spacing,
        "provenance": dict(head.provenance),
    }
    arrays = {
        "hu": np.rint(head.hu).astype(np.int16),
        "stripped_hu": np.rint(head.stripped_hu).astype(np.int16),
        "origin": head.grid.origin,
        "mean": np.rint(np.nan_to_num(head.mean) * _SCALE).astype(np.int16),
        "brain": np.isfinite(head.mean).astype(np.uint8),
        "modes": np.rint(head.modes * _SCALE).astype(np.int16),
        "middle_origin": head.middle.origin,
        "bgl_point": head.bgl_point.round(DECIMALS),
        "bgl_shift": head.bgl_shift.round(DECIMALS),
        "correction": head.correction.weights.astype(np.float32),
        "correction_offset": head.correction.offset,
    }
    content = save(
        {name: np.ascontiguousarray(array) for name, array in arrays.items()},
        {"description": json.dumps(description, sort_keys=True)},
    )
    with replacing(path) as partial:  # save_file would leave a file that only its owner may read
        partial.write_bytes(content)


def _from_hundredths(array: NDArray[np.int16]) -> NDArray[np.float32]:
    return array.astype(np.float32) / np.float32(_SCALE)
