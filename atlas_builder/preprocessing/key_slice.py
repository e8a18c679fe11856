"""The key slice: the brain of one slice, upright, centred, at 0.5 mm.

Every key slice has the same grid, that of the published atlas: the midline of the brain halfway
across, the middle of the brain halfway down. Values stay in HU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.core.errors import InputError
from atlas_builder.core.rounding import rounded_to
from atlas_builder.core.scan import Slice
from atlas_builder.core.transform import PlaneGrid
from atlas_builder.preprocessing.plausibility import find_brain
from atlas_builder.preprocessing.symmetry import Alignment, find_alignment

KEY_SLICE_SHAPE = (460, 460)
"""Pixels to the patient's left and to the back."""

KEY_SLICE_SPACING = 0.5
"""Pixel size in mm."""

_ROOM = 16  # pixels
_SPACING_STEP_MM = 2.0**-11  # moves the rim of a brain by less than 0.06 mm
_T = TypeVar("_T", np.float32, np.uint8)
_MIDDLE = (np.array(KEY_SLICE_SHAPE) - 1) / 2


@dataclass(frozen=True)
class KeySlice:
    """The brain of one slice on the key-slice grid.

    Attributes
    ----------
    image : ndarray of float32, shape (460, 460)
        HU; 0 outside the brain.
    brain : ndarray of bool, shape (460, 460)
        Which pixels are brain.
    to_slice : ndarray, shape (3, 3)
        From a key-slice pixel ``(i, j, 1)`` to the pixel of the slice it comes from; its inverse
        leads back.
    alignment : Alignment
        The midline found in the slice.
    """

    image: NDArray[np.float32]
    brain: NDArray[np.bool_]
    to_slice: NDArray[np.float64]
    alignment: Alignment


def key_slice_affine() -> NDArray[np.float64]:
    """Return the 4 by 4 affine from ``(i, j, 0, 1)`` to RAS+ mm; 0 is the middle of the brain."""
    affine = np.diag([-KEY_SLICE_SPACING, -KEY_SLICE_SPACING, 1.0, 1.0])
    affine[:2, 3] = KEY_SLICE_SPACING * _MIDDLE
    return affine


def key_slice_grid() -> PlaneGrid:
    """Return the key-slice grid; its middle is the origin of points in mm."""
    x, y = (-KEY_SLICE_SPACING * middle for middle in _MIDDLE)
    return PlaneGrid(KEY_SLICE_SHAPE, KEY_SLICE_SPACING, (float(x), float(y)))


def even_box(x_ends: tuple[float, float], y_ends: tuple[float, float]) -> tuple[slice, slice]:
    """Return the part of the key-slice grid that holds brains, with 8 mm of room around them.

    A registered brain reaches no further beyond its own box. The box begins and ends at even
    pixels, so that the grid can be halved.

    Parameters
    ----------
    x_ends, y_ends : tuple of float
        The first and the last pixel with brain along each axis.
    """
    x, y = (
        slice(max(0, int(first) - _ROOM) // 2 * 2, min(n, int(last) + _ROOM + 2) // 2 * 2)
        for (first, last), n in zip((x_ends, y_ends), KEY_SLICE_SHAPE, strict=True)
    )
    return x, y


def make_key_slice(ct: Slice) -> KeySlice:
    """Find the brain of a slice and its midline, and place it on the key-slice grid.

    The image is interpolated once, linearly, from brain pixels only, so neither bone nor padding
    nor the background of a skull-stripped slice darkens or brightens the brain's rim. Slices of
    finer pixels are not blurred before: the scanner's own blur of about 1 mm leaves no anatomy that
    0.5 mm could not show, and more would make the noise depend on the field of view.

    Pixel sizes that differ by rounding alone give the same bits: they are taken to the nearest
    2**-11 mm. The way back to the slice is by the same size, so the key slice is that much larger
    or smaller than the head, and regions carried back are not.

    Parameters
    ----------
    ct : Slice
        An axial slice of a head in HU, with its skull or skull-stripped.

    Returns
    -------
    KeySlice
        What is brain comes from `find_brain`, the midline from `find_alignment`.

    Raises
    ------
    InputError
        The slice is no plausible head CT in HU, or its brain is too large for the grid.
    """
    image = np.asarray(ct.data, dtype=np.float32)
    across, down = rounded_to(ct.spacing, _SPACING_STEP_MM)
    spacing = (float(across), float(down))
    brain = find_brain(image, spacing)
    alignment = find_alignment(image, spacing)
    to_slice = _key_slice_to_slice(brain, spacing, alignment)

    share = _resample(brain.astype(np.float32), to_slice, order=1)
    values = _resample(np.where(brain, image, 0).astype(np.float32), to_slice, order=1)
    inside = share >= 0.5
    return KeySlice(
        np.where(inside, values / np.where(inside, share, 1), 0).astype(np.float32),
        inside,
        to_slice,
        alignment,
    )


def resample_labels(labels: Slice, key: KeySlice) -> NDArray[np.uint8]:
    """Carry labels drawn on the slice onto the key-slice grid.

    Parameters
    ----------
    labels : Slice
        Label values on the same pixels as the slice the key slice was made from.
    key : KeySlice
        That slice's key slice.

    Returns
    -------
    ndarray of uint8, shape (460, 460)
        The label of the nearest pixel; 0 beyond the slice.
    """
    return _resample(np.asarray(labels.data, dtype=np.uint8), key.to_slice, order=0)


def _key_slice_to_slice(
    brain: NDArray[np.bool_], spacing: tuple[float, float], alignment: Alignment
) -> NDArray[np.float64]:
    """Return `KeySlice.to_slice` such that the midline and the brain's middle are the grid's.

    Front and back are centred to whole pixels, so a slice that is upright on pixels of 0.5 mm needs
    no interpolation along that axis.
    """
    middle = (np.array(brain.shape) - 1) / 2
    upright = ((np.argwhere(brain) - middle) * spacing) @ alignment.rotation
    across, down = upright.T
    centre = (down.min() + down.max()) / 2
    centre = KEY_SLICE_SPACING * round(centre / KEY_SLICE_SPACING)
    # A pixel of the grid to spare on either side.
    width, height = KEY_SLICE_SPACING * (np.array(KEY_SLICE_SHAPE) - 2)
    if 2 * np.abs(across - alignment.offset).max() > width or np.ptp(down) > height:
        raise InputError(
            f"the brain would measure {np.ptp(across):.0f} x {np.ptp(down):.0f} mm, the key slice "
            f"holds {width:.0f} x {height:.0f} mm about the midline; check the pixel size"
        )
    matrix = np.eye(3)
    matrix[:2, :2] = alignment.rotation * KEY_SLICE_SPACING / np.reshape(spacing, (2, 1))
    origin = alignment.rotation @ (alignment.offset, centre)
    matrix[:2, 2] = middle + origin / spacing - matrix[:2, :2] @ _MIDDLE
    return matrix


def _resample(image: NDArray[_T], to_slice: NDArray[np.float64], order: int) -> NDArray[_T]:
    """Sample an image of the slice on the key-slice grid, 0 beyond the slice."""
    sampled: NDArray[_T] = ndi.affine_transform(
        image, to_slice, output_shape=KEY_SLICE_SHAPE, order=order, mode="constant", cval=0
    )
    return sampled
