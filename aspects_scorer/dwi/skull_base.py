"""What a segmented core is worth near the skull base, whose field is as bright as an infarct.

At b 1000 signal piles up beside the air of the petrous bones, and coils brighten the cerebellum, on
both sides alike; an infarct is brighter than the same place of the other side. Without an ADC map,
which would tell, only that comparison does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder.core.flags import Flag
from atlas_builder.core.lesion import Lesion
from atlas_builder.core.volume import Volume

_BELOW_MM = -12.0  # of MNI space: cerebellum, brain stem, temporal poles, orbital gyri
_MOSTLY = 0.5  # of a connected part: an infarct of the middle cerebral artery reaches higher
_NOTED_ML = 0.5
_LEAST_ML = 1.0  # in the patient's space; spots smaller than that are left to the flag
_MIDDLE_MM = 8.0  # from the midline: what is nearer lies opposite itself
_NEAR_MM = 8.0  # how far off the opposite place is looked for; brains lie askew
_SMOOTHING_MM = 3.0
_BRIGHTER = 1.1  # than the opposite place: an infarct of one side


def part_set_aside(
    image: Volume,
    brain: NDArray[np.bool_],
    found: NDArray[np.bool_],
    to_mni: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return what was found low in the brain and is no brighter than the other side there.

    Parameters
    ----------
    image : Volume
        b 1000.
    brain, found : ndarray of bool, shape (x, y, z)
        The brain and what the network takes for infarct, without an ADC map, on its voxels.
    to_mni : ndarray, shape (4, 4)
        From the image's voxels to MNI152 millimetres.

    Returns
    -------
    ndarray of bool, shape (x, y, z)
        All connected parts that lie mostly in the cerebellum or near the skull base, if together
        they are no brighter than a tenth above the brightest place within 8 mm of the opposite
        one; else nothing, as where they measure less than 1 mL away from the midline.
    """
    low = _mostly_low(found, to_mni)
    voxels = np.argwhere(low)
    places = voxels @ to_mni[:3, :3].T + to_mni[:3, 3]
    aside = np.abs(places[:, 0]) > _MIDDLE_MM
    voxel_ml = float(abs(np.linalg.det(image.affine[:3, :3]))) / 1000
    if np.count_nonzero(aside) * voxel_ml < _LEAST_ML:
        return np.zeros_like(found)
    steps = np.linalg.norm(to_mni[:3, :3], axis=0)
    signal = _smoothed(image.data, brain, steps)
    brightest = ndimage.grey_dilation(signal, footprint=_ball(steps))
    to_voxel = np.linalg.inv(to_mni)
    opposite = (places[aside] * (-1, 1, 1)) @ to_voxel[:3, :3].T + to_voxel[:3, 3]
    there = ndimage.map_coordinates(brightest, opposite.T, order=1, mode="nearest")
    here = signal[tuple(voxels[aside].T)]
    return low if here.mean() < _BRIGHTER * there.mean() else np.zeros_like(found)


def skull_base_remarks(lesion: Lesion, set_aside: Lesion | None = None) -> tuple[Flag, ...]:
    """Name what was found low in the brain without an ADC map.

    Parameters
    ----------
    lesion : Lesion
        What is counted, in MNI152 millimetres.
    set_aside : Lesion, optional
        What is not, see `part_set_aside`, on the image's grid.

    Returns
    -------
    tuple of Flag
        ``set-aside-without-adc``; ``skull-base-without-adc`` where half a millilitre or more of
        what is counted lies there.
    """
    places = np.argwhere(lesion.mask)
    heights = places @ lesion.affine[2, :3] + lesion.affine[2, 3]
    low = int(np.count_nonzero(heights < _BELOW_MM)) * lesion.voxel_ml
    flags = []
    if set_aside is not None:
        flags.append(
            Flag(
                "set-aside-without-adc",
                f"{set_aside.volume_ml:.1f} mL found in the cerebellum or near the skull base are "
                "not counted: the other side is as bright there, as coils and air make it, and so "
                "are infarcts of both sides. Give --adc, or look at these slices (set_aside.png)",
            )
        )
    if low >= _NOTED_ML:
        flags.append(
            Flag(
                "skull-base-without-adc",
                f"{low:.1f} mL (in MNI152 space) of what was found lies in the cerebellum or near "
                "the skull base, where b 1000 alone can be as bright as an infarct: give --adc, or "
                "look at these slices",
            )
        )
    return tuple(flags)


def _mostly_low(found: NDArray[np.bool_], to_mni: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the connected parts of which half or more lies low."""
    labels, count = ndimage.label(found, np.ones((3, 3, 3)))
    voxels = np.argwhere(found)
    of_part = labels[tuple(voxels.T)]
    below = voxels @ to_mni[2, :3] + to_mni[2, 3] < _BELOW_MM
    sizes = np.bincount(of_part, minlength=count + 1)
    kept = np.bincount(of_part, weights=below, minlength=count + 1) >= _MOSTLY * sizes
    kept[0] = False
    return np.asarray(kept[labels])


def _smoothed(
    data: NDArray[np.float32], brain: NDArray[np.bool_], steps: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the brain's signal without noise, and without what lies beyond its border."""
    sigma = _SMOOTHING_MM / steps
    within = ndimage.gaussian_filter(brain.astype(np.float32), sigma)
    return np.asarray(
        ndimage.gaussian_filter(np.where(brain, data, 0), sigma) / np.maximum(within, 0.3)
    )


def _ball(steps: NDArray[np.float64]) -> NDArray[np.bool_]:
    reach = np.ceil(_NEAR_MM / steps).astype(int)
    x, y, z = (2 * int(n) + 1 for n in reach)
    offsets = np.indices((x, y, z)) - reach.reshape(3, 1, 1, 1)
    return np.asarray(np.linalg.norm(offsets * steps.reshape(3, 1, 1, 1), axis=0) <= _NEAR_MM)
