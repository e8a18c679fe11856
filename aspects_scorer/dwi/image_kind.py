"""What kind of image of the head an image is, told by its fluid, its brain and its scalp.

Names of files and options do not show whether an image is what it is called. Brightness does,
whatever its unit:

====================  =====================  ==================
image                 fluid against brain    scalp
====================  =====================  ==================
b 1000                darker                 dark
b 0                   2-3 times as bright    dark
T2                    2-4 times as bright    bright
FLAIR, T1             darker                 as bright as brain
ADC                   3-4 times as bright    dark, or noise
exponential ADC       a tenth                dark, or noise
====================  =====================  ==================

Diffusion images are echo-planar ones, on which fat is suppressed; on others scalp and marrow are as
bright as the brain or brighter. What is in doubt is flagged, what contradicts is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.dwi.landmarks import Landmarks
from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag

_DARK, _BRIGHT = 1.0, 1.25
"""Of the brain's brightness: fluid below the first is dark, above the second bright. Where
ventricles are slits and slices thick they hold much brain: on simulated subjects from 12 to 88
years b 1000 has 0.37 to 0.83, b 0 1.3 to 2.6 and ADC 1.6 to 3.2."""

_SCALP_DOUBTFUL, _SCALP_BRIGHT = 0.5, 0.65
"""Of the brain's brightness. Simulated images of b 1000 and a real one have 0.16 to 0.27, another
real one, of 3 mm voxels, 0.40; simulated FLAIR, T1 and T2 have 0.72 to 1.2."""

_ALIKE = 0.0
"""Correlation of the logarithms of b 1000 and of another image in brain tissue. Noise and infarcts
make that of ADC negative (-0.9 to -0.3 on simulated subjects); what b 0 shares with b 1000, coil
and T2, makes it positive (0.25 to 0.64)."""

_TISSUE = 1.5  # of the brain's brightness: above it, sulci are in the voxel
_SCALP_QUANTILE = 0.85  # of the layer around the vault, most of which is bone and air
_COPY = 0.995  # correlation of an image with itself in another scale; b 1000 and b 700 differ more

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """How bright parts of the head are on an image, against the median of the brain.

    Attributes
    ----------
    fluid : float
        Median of the ventricles.
    scalp : float
        Of what surrounds the vault, the brightness that 15 % exceed.
    """

    fluid: float
    scalp: float


def look_of(image: Array, landmarks: Landmarks) -> Look:
    """Measure how bright fluid and scalp are.

    Parameters
    ----------
    image : ndarray of float32, shape (x, y, z)
        In any unit.
    landmarks : Landmarks
        On its voxels.

    Returns
    -------
    Look
        NaN where the image shows no such voxel.
    """
    brain = float(np.median(image[landmarks.brain])) if landmarks.brain.any() else 0.0
    if brain <= 0:
        return Look(np.nan, np.nan)
    fluid = image[landmarks.ventricles]
    scalp = image[landmarks.scalp]
    return Look(
        float(np.median(fluid)) / brain if fluid.size else np.nan,
        float(np.quantile(scalp, _SCALP_QUANTILE)) / brain if scalp.size else np.nan,
    )


def check_kinds(
    dwi: Path,
    image: Array,
    adc: Path | None,
    diffusion: Array | None,
    landmarks: Landmarks,
) -> tuple[Flag, ...]:
    """Make sure that images given as b 1000 and as ADC map look like that.

    Parameters
    ----------
    dwi, adc : Path
        Their files, for the messages; None where no map was given.
    image, diffusion : ndarray of float32, shape (x, y, z)
        Their values in any unit, on the same voxels; None where there is no map.
    landmarks : Landmarks
        On those voxels.

    Returns
    -------
    tuple of Flag
        ``dwi-doubtful`` or ``adc-doubtful``, where it cannot be told.

    Raises
    ------
    InputError
        One of them is another image, or they are exchanged.
    """
    look = look_of(image, landmarks)
    if adc is None or diffusion is None:
        _refuse_dwi(dwi, look)
        return tuple(_doubts_on_dwi(look))
    map_look = look_of(diffusion, landmarks)
    if look.fluid > _BRIGHT and map_look.fluid < _DARK:
        raise InputError(
            f"{dwi}: looks like an ADC map (its fluid is {look.fluid:.1f} times as bright as the "
            f"brain), and {adc.name} like b 1000; exchange --dwi and --adc"
        )
    # Before the map: what is no diffusion image may be placed wrongly, the map with it.
    _refuse_dwi(dwi, look)
    inside = landmarks.brain | landmarks.around
    if _correlation(image[inside], diffusion[inside]) > _COPY:
        raise InputError(
            f"{adc}: the same picture as {dwi.name}, given as --dwi; give the ADC map, or leave "
            "--adc out"
        )
    if map_look.fluid < _DARK:
        raise InputError(
            f"{adc}: looks like an exponential ADC map or a diffusion image (its fluid is "
            f"{map_look.fluid:.1f} times as bright as the brain, on an ADC map 2 to 4 times); give "
            "the ADC map, or leave --adc out"
        )
    return (
        *_doubts_on_dwi(look),
        *_doubts_on_map(map_look, _tissue_correlation(image, diffusion, landmarks.brain)),
    )


def _refuse_dwi(path: Path, look: Look) -> None:
    if look.scalp > _SCALP_BRIGHT:
        raise InputError(
            f"{path}: looks like FLAIR, T1 or T2 (its scalp is {look.scalp:.1f} times as bright as "
            "the brain, on diffusion images it is dark); give the image of b 1000"
        )
    if look.fluid > _BRIGHT:
        raise InputError(
            f"{path}: looks like b 0, T2 or an ADC map (its fluid is {look.fluid:.1f} times as "
            "bright as the brain, on b 1000 it is darker); give the image of b 1000"
        )


def _doubts_on_dwi(look: Look) -> Iterator[Flag]:
    signs = []
    if look.fluid >= _DARK:
        signs.append(f"its fluid is {look.fluid:.1f} times as bright as the brain")
    if look.scalp > _SCALP_DOUBTFUL:
        signs.append(f"its scalp is {look.scalp:.1f} times as bright as the brain")
    if signs:
        yield Flag(
            "dwi-doubtful",
            f"the diffusion image may be another than b 1000: {' and '.join(signs)}, which are "
            "darker there; look at the image",
        )


def _doubts_on_map(look: Look, alike: float) -> Iterator[Flag]:
    if look.fluid < _BRIGHT:
        yield Flag(
            "adc-doubtful",
            f"the ADC map may be another image: its fluid is {look.fluid:.1f} times as bright as "
            "the brain, on an ADC map 2 to 4 times; look at the image",
        )
    elif alike > _ALIKE:
        yield Flag(
            "adc-doubtful",
            "the ADC map may be b 0 or T2: it is bright where the diffusion image is (correlation "
            f"{alike:.2f} in brain tissue); look at the image",
        )


def _tissue_correlation(image: Array, other: Array, brain: NDArray[np.bool_]) -> float:
    """Return how the logarithms of two images go together where the other shows brain tissue."""
    inside = brain & (image > 0) & (other > 0)
    if not inside.any():
        return np.nan
    inside &= other < _TISSUE * float(np.median(other[inside]))
    return _correlation(np.log(image[inside]), np.log(other[inside]))


def _correlation(first: Array, second: Array) -> float:
    """Return Pearson's correlation; NaN, which exceeds nothing, where one image is constant."""
    if first.size < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return np.nan
    return float(np.corrcoef(first, second)[0, 1])
