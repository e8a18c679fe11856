"""Whether a lesion that is given in MNI space can be there.

A mask without its image shows little of where it was drawn: a grid that lies askew or has thick
slices is that of a scanner, and a lesion far outside the average brain is in another space. What
cannot be told from the mask alone is left and right: a mirrored lesion lies in the brain as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aspects_scorer.dwi.mni_brain import mni_brain
from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.core.lesion import Lesion

_MOST_OUTSIDE = 0.5
_DOUBTFUL_OUTSIDE = 0.1
_MOST_TURN = np.sin(np.deg2rad(1.0))
_THICKEST_MM = 3.5
_ENOUGH = 20_000  # voxels of a large lesion tell the share


def outside_share(lesion: Lesion) -> float:
    """Return the share of a lesion that lies more than about 5 mm outside the MNI brain.

    Parameters
    ----------
    lesion : Lesion
        Its affine leads to RAS+ mm of MNI space.

    Returns
    -------
    float
        From 0 to 1; 0 for an empty lesion.
    """
    if not lesion:
        return 0.0
    places = np.flatnonzero(lesion.mask)  # many times faster than `argwhere` in three dimensions
    voxels = np.array(np.unravel_index(places[:: 1 + len(places) // _ENOUGH], lesion.mask.shape))
    points = lesion.affine[:3, :3] @ voxels + lesion.affine[:3, 3:]
    return 1.0 - float(mni_brain().is_near(points).mean())


def refuse_other_space(path: Path, lesion: Lesion) -> None:
    """Refuse a lesion that cannot be in MNI space.

    Parameters
    ----------
    path : Path
        The lesion's file, for the message.
    lesion : Lesion
        Its affine is taken to lead to RAS+ mm of MNI space.

    Raises
    ------
    InputError
        More than half of the lesion lies more than 5 mm outside the MNI brain.
    """
    share = outside_share(lesion)
    if share > _MOST_OUTSIDE:
        raise InputError(
            f"{path}: not in MNI152 space ({share:.0%} of the lesion lies outside that brain); "
            "give the diffusion image it was drawn on with --dwi, or normalise the mask first"
        )


def space_remarks(lesion: Lesion) -> Iterator[Flag]:
    """Find what speaks against a lesion's being in MNI space.

    Parameters
    ----------
    lesion : Lesion
        Its affine is taken to lead to RAS+ mm of MNI space.

    Yields
    ------
    Flag
        ``outside-brain`` or ``space-doubtful``.
    """
    share = outside_share(lesion)
    if share > _DOUBTFUL_OUTSIDE:
        yield Flag(
            "outside-brain",
            f"{share:.0%} of the lesion lies more than 5 mm outside the MNI brain; check that the "
            "mask is in MNI152 space, and its normalisation",
        )
    axes = lesion.affine[:3, :3]
    sizes = np.linalg.norm(axes, axis=0)
    turn = np.sort(np.abs(axes / sizes), axis=0)[1].max()
    signs = []
    if turn > _MOST_TURN:
        signs.append(f"turned by {np.rad2deg(np.arcsin(min(turn, 1.0))):.0f} degrees")
    if sizes.max() > _THICKEST_MM:
        signs.append(f"of {sizes.max():.3g} mm slices")
    if signs:
        yield Flag(
            "space-doubtful",
            f"the mask's grid is {' and '.join(signs)}, as a scanner's is and MNI152's is not; if "
            "it was drawn on a diffusion image, give that as well",
        )
