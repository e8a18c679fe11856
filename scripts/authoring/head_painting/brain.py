"""Grey matter, white matter and fluid of the standard brain, as CT shows them.

The ICBM maps come from T1-weighted MR and are averages of 152 people. Three things differ from one
person's CT and are mended here: tissues pass into each other over several voxels; nuclei rich in
iron or myelin (thalamus, globus pallidus) are classed as white although their density is that of
grey matter; and a rim of grey matter is seen around the ventricles, where the classifier met
values between those of white matter and fluid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from head_painting.canvas import Box, Field, cover, ellipsoid, join

_SHARPNESS = 1.7  # exponent of the fractions; 2 begins to show steps between voxels
_FLUID_WEIGHT = 1.3  # averaging fills sulci with the grey matter of people who lack them there
_DEEP_GREY = 0.88  # thalamus and pallidum hold fibres too
_WHITE_T1 = (0.855, 0.80)  # T1-weighted signal of the internal capsule and of the nuclei beside it
_RIM_MM = 2.5  # the false grey rim of the ventricles is thinner, the caudate's body thicker
_FLUID_T1 = (0.35, 0.80)  # T1-weighted signal of ventricles and of the white matter around them


@dataclass(frozen=True)
class BrainMaps:
    """The maps that the head is made from, on the left half of the head's grid.

    Attributes
    ----------
    grey, white : ndarray of float32
        Fractions 0-1.
    t1 : ndarray of float32
        T1-weighted signal, 0-1, 0 outside the brain.
    """

    grey: Field
    white: Field
    t1: Field


def brain_fractions(maps: BrainMaps, block: Box) -> tuple[Field, Field]:
    """Return the fractions (0-1) of grey and of white matter; what is left is fluid.

    Parameters
    ----------
    maps : BrainMaps
        The averages.
    block : Box
        The whole half grid.
    """
    grey, white = maps.grey, maps.white
    # Outside the brain's mask both maps fade out; there the rest is fluid as well.
    fluid = np.clip(1 - grey - white, 0, 1)
    grey, white = _without_ventricular_rim(grey, white, fluid, maps.t1)
    grey, white = _with_deep_grey(grey, white, maps.t1, block)
    fluid = np.clip(1 - grey - white, 0, 1)
    powers = [part**_SHARPNESS for part in (grey, white, _FLUID_WEIGHT * fluid)]
    total = np.maximum(sum(powers), np.float32(1e-6))
    return (powers[0] / total).astype(np.float32), (powers[1] / total).astype(np.float32)


def _without_ventricular_rim(
    grey: Field, white: Field, fluid: Field, t1: Field
) -> tuple[Field, Field]:
    """Turn the grey rim between white matter and a ventricle into a mixture of these two."""
    ventricles = ndi.binary_opening(fluid > 0.5, iterations=1)
    near = cover(_distance_from(ventricles) - np.float32(2 * _RIM_MM), 2.0)
    radius = int(np.ceil(_RIM_MM))
    ball = np.linalg.norm(np.mgrid[(slice(-radius, radius + 1),) * 3], axis=0) <= _RIM_MM
    thick = ndi.binary_opening(np.pad(grey > 0.5, ((4, 0), (0, 0), (0, 0)), mode="reflect"), ball)
    thin = cover(np.float32(2.0) - _distance_from(thick[4:]), 2.0)
    beside_white = cover(_distance_from(white > 0.8) - np.float32(3.0), 2.0)
    moved = near * thin * beside_white * grey
    of_white = np.clip((t1 - _FLUID_T1[0]) / (_FLUID_T1[1] - _FLUID_T1[0]), 0, 1)
    return grey - moved, white + moved * of_white


def _with_deep_grey(grey: Field, white: Field, t1: Field, block: Box) -> tuple[Field, Field]:
    """Make thalamus and lentiform nucleus grey, guided by the contrast to the internal capsule."""
    thalamus = join(
        ellipsoid(block, (9.5, -14, 8), (8.5, 12, 9.5), 25),
        ellipsoid(block, (14.5, -25, 5), (9, 8.5, 9), 0),
        4.0,
    )
    pallidum = ellipsoid(block, (19.5, -3.5, 0), (5.0, 10.0, 6.5), -35)
    putamen = join(
        ellipsoid(block, (24, 6, 1), (6.5, 14, 9.5), -12),
        ellipsoid(block, (28.5, -7, 5), (4.0, 14, 8.5), -8),
        4.0,
    )
    shape = np.minimum(np.minimum(thalamus, pallidum), putamen)
    darker = np.clip((_WHITE_T1[0] - t1) / (_WHITE_T1[0] - _WHITE_T1[1]), 0, 1)
    inside = cover(shape, 3.0)
    core = cover(shape + np.float32(2.5), 4.0)
    tissue = grey + white
    least = tissue * _DEEP_GREY * np.maximum(inside * darker, core * np.sqrt(darker))
    new_grey = np.maximum(grey, least)
    return new_grey, tissue - new_grey


def _distance_from(mask: np.ndarray) -> Field:
    distance: Field = ndi.distance_transform_edt(~mask).astype(np.float32)
    return distance
