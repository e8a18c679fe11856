"""What a segmented core is worth near the skull base, whose field is as bright as an infarct."""

from __future__ import annotations

import numpy as np

from atlas_builder.core.flags import Flag
from atlas_builder.core.lesion import Lesion

_BELOW_MM = -12.0  # of MNI space: cerebellum, brain stem, temporal poles, orbital gyri
_NOTED_ML = 0.5


def skull_base_remarks(lesion: Lesion) -> tuple[Flag, ...]:
    """Doubt what was found low in the brain without an ADC map.

    The signal of b 1000 piles up beside the air of the skull base, and coils brighten the
    cerebellum; only an ADC map tells that from restricted diffusion.

    Parameters
    ----------
    lesion : Lesion
        Segmented on b 1000 alone, in MNI152 millimetres.

    Returns
    -------
    tuple of Flag
        One where half a millilitre or more lies there.
    """
    places = np.argwhere(lesion.mask)
    if not len(places):
        return ()
    heights = places @ lesion.affine[2, :3] + lesion.affine[2, 3]
    voxel_ml = float(abs(np.linalg.det(lesion.affine[:3, :3]))) / 1000
    low = int(np.count_nonzero(heights < _BELOW_MM)) * voxel_ml
    if low < _NOTED_ML:
        return ()
    return (
        Flag(
            "skull-base-without-adc",
            f"{low:.1f} mL (in MNI152 space) of what was found lies in the cerebellum or near the "
            "skull base, where b 1000 alone can be as bright as an infarct: give --adc, or look at "
            "these slices",
        ),
    )
