"""Whether a slice is an axial CT of a head in Hounsfield units, and if not, what it seems to be.

An MR image, values without the rescale intercept or an 8-bit picture would otherwise pass into an
atlas as a very odd brain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.brain import (
    around,
    brain_of_stripped,
    constant_background,
    extract_brain,
)

BRAIN_AREA_CM2 = (50.0, 260.0)
"""Limits of the brain's area. Adults have 110-210 cm2 at the BGL and 80-200 at the SGL; below is
room for small heads, slices set too high and fields of view that cut the head, above for large
heads."""

BRAIN_MEDIAN_HU = (15.0, 55.0)
"""Limits of the brain's median. White matter is 20-32 HU and grey matter 32-42, so brains have
medians of 25-40; wide ventricles, swelling and large infarcts take up to 10 off, contrast medium,
beam hardening under a thick vault and miscalibration add up to 15."""

_TYPICAL_HU = 32.0
_AIR_HU = -300.0
_AIR_SHARE = 0.01  # of the pixels; even where the head fills the picture its corners are air
_HEAD_AREA_CM2 = 450.0  # heads have 400 at most with ears and head holder, trunks 500 and more
_SKULL_HU = 300.0  # cortical bone is 800-1900, less where thick slices or smoothing blend it
_SKULL_MM = 15.0  # scalp excluded, skulls lie within this distance of the brain
_SKULL_SHARE = 0.05  # of the pixels at that distance; an intact skull fills a quarter or more
_INTERCEPTS = (1024, 1000)  # in use for storing HU as unsigned numbers
_FACTORS = (10, 100, 0.1, 0.001)
_AXIAL_PIXEL_MM = 2.5  # no scanner makes coarser ones; slices across others' planes are that thick
_SQUARE = 1.5  # how many times as long as wide a pixel may be then: coarse templates' are square
_DISPLAY_SPAN = 300.0  # pictures span 255, display windows 80-150; bone on CT alone spans more


def find_brain(image: NDArray[np.float32], spacing: tuple[float, float]) -> NDArray[np.bool_]:
    """Return the brain of a slice after making sure that it is head CT in HU.

    Parameters
    ----------
    image : ndarray, shape (columns, rows)
        HU, with its skull or skull-stripped before.
    spacing : tuple of float
        Pixel size in mm along each axis.

    Returns
    -------
    ndarray of bool, shape (columns, rows)
        By `brain_of_stripped` where the slice was stripped before, else by `extract_brain`.

    Raises
    ------
    InputError
        The slice is no head CT in HU; the message, naming no file, gives the likely cause. Or it
        cuts across the slices of a scan that was not taken axially.
    """
    short, long = sorted(spacing)
    if long > max(_AXIAL_PIXEL_MM, _SQUARE * short):
        raise InputError(
            f"axial slices have pixels of {short:.3g} x {long:.3g} mm: this scan was not taken "
            "axially; give an axial one"
        )
    finite = image[np.isfinite(image)]
    if finite.size == 0 or finite.min() == finite.max():
        raise InputError("all pixels have the same value; give a slice that shows a head")
    try:
        return _checked_brain(image, spacing)
    except InputError as error:
        raise InputError(likely_cause(image, spacing) or str(error)) from None


def check_ct(
    image: NDArray[np.float32], spacing: tuple[float, float], brain: NDArray[np.bool_]
) -> None:
    """Check that a brain and what surrounds it look like head CT in HU.

    Parameters
    ----------
    image : ndarray, shape (columns, rows)
        HU, with its skull or skull-stripped before.
    spacing : tuple of float
        Pixel size in mm along each axis.
    brain : ndarray of bool, shape (columns, rows)
        The slice's brain.

    Raises
    ------
    InputError
        The brain's area or median lie outside `BRAIN_AREA_CM2` or `BRAIN_MEDIAN_HU`, or a slice
        that was not stripped shows no skull around the brain.
    """
    area = np.count_nonzero(brain) * _pixel_cm2(spacing)
    low, high = BRAIN_AREA_CM2
    if not low <= area <= high:
        raise InputError(
            f"the brain would measure {area:.0f} cm2, at the ASPECTS levels it has {low:.0f}-"
            f"{high:.0f}; check the slice's place and its pixel size"
        )
    median = float(np.nanmedian(image[brain]))
    low, high = BRAIN_MEDIAN_HU
    if not low <= median <= high:
        raise InputError(
            f"the median inside the skull is {median:.0f}, on CT it is {low:.0f} to {high:.0f} HU; "
            "give CT in HU"
        )
    if brain_of_stripped(image, spacing) is not None:
        return
    box = around(brain, *(int(_SKULL_MM / size) + 1 for size in spacing))
    distance = ndi.distance_transform_edt(~brain[box], sampling=spacing)
    near = image[box][(distance > 0) & (distance <= _SKULL_MM)]
    if np.count_nonzero(near > _SKULL_HU) < _SKULL_SHARE * max(near.size, 1):
        raise InputError(
            f"no skull around the brain: hardly any value above {_SKULL_HU:.0f}; "
            "give CT in HU, not clipped to a display window"
        )


def _checked_brain(image: NDArray[np.float32], spacing: tuple[float, float]) -> NDArray[np.bool_]:
    brain = brain_of_stripped(image, spacing)
    if brain is None:
        _check_cross_section(image, spacing)
        brain = extract_brain(image, spacing)
    check_ct(image, spacing, brain)
    return brain


def likely_cause(image: NDArray[np.float32], spacing: tuple[float, float]) -> str | None:
    """Tell which of the usual mistakes makes a slice implausible.

    Parameters
    ----------
    image : ndarray, shape (columns, rows)
        Of a slice that `find_brain` refuses.
    spacing : tuple of float
        Pixel size in mm along each axis.

    Returns
    -------
    str or None
        What is wrong and what to do; None where nothing fits.
    """
    shift = _shift(image, spacing)
    if shift is not None:
        mend = f"subtract {shift}" if shift > 0 else f"add {-shift}"
        return f"values look shifted by {shift}: {mend}, or apply the DICOM rescale intercept once"
    factor = next((f for f in _FACTORS if _brain_median(image / f, spacing) is not None), None)
    if factor is not None:
        return f"values look multiplied by {factor:g}: divide them by {factor:g}"
    return None if brain_of_stripped(image, spacing) is not None else _unlike_ct(image, spacing)


def _unlike_ct(image: NDArray[np.float32], spacing: tuple[float, float]) -> str | None:
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    if _brain_median(np.nanmedian(border) - 1000 - image, spacing) is not None:
        return "contrast is inverted: bone is darker than air; negate the values"
    low, high = float(np.nanmin(image)), float(np.nanmax(image))
    if high - low <= _DISPLAY_SPAN:
        return (
            f"values span only {low:.0f} to {high:.0f}, as in a picture, a display window or MR; "
            "give CT in HU"
        )
    if np.nanmean(image < _AIR_HU) < _AIR_SHARE:
        return "hardly any value is as low as air (-1000 HU): this looks like MR; give CT in HU"
    return None


def _shift(image: NDArray[np.float32], spacing: tuple[float, float]) -> int | None:
    """Return the constant that, taken away, leaves a plausible head CT."""
    shifts = [sign * size for size in _INTERCEPTS for sign in (1, -1)]
    medians = {shift: _brain_median(image - shift, spacing) for shift in shifts}
    mended = {shift: median for shift, median in medians.items() if median is not None}
    return min(mended, key=lambda shift: abs(mended[shift] - _TYPICAL_HU), default=None)


def _brain_median(image: NDArray[np.float32], spacing: tuple[float, float]) -> float | None:
    """Return the brain's median of a plausible head CT, None for anything else."""
    try:
        return float(np.nanmedian(image[_checked_brain(image, spacing)]))
    except InputError:
        return None


def _check_cross_section(image: NDArray[np.float32], spacing: tuple[float, float]) -> None:
    labels, _ = ndi.label((image > _AIR_HU) & (image != constant_background(image)))
    area = np.bincount(labels.ravel())[1:].max(initial=0) * _pixel_cm2(spacing)
    if area > _HEAD_AREA_CM2:
        raise InputError(
            f"the body's cross-section measures {area:.0f} cm2, a head at most "
            f"{_HEAD_AREA_CM2:.0f}; give a head scan, or check the pixel size"
        )


def _pixel_cm2(spacing: tuple[float, float]) -> float:
    return spacing[0] * spacing[1] / 100
