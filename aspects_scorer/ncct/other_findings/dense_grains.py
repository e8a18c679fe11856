"""What is denser than blood inside the skull, in grains: calcification and contrast medium.

Physiological calcifications lie in the pineal gland, the choroid plexus and the basal ganglia.
Contrast medium fills many vessels, those of the Sylvian fissures on both sides among them, or on
one where the artery of the other is occluded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from aspects_scorer.ncct.other_findings.coarse_head import CoarseHead, Mask, distance
from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.core.flags import Flag

CONTRAST_MEDIUM = "contrast-medium"
"""The code of the flag."""

_DENSE_HU = 90.0  # a vessel at 200 HU that fills half of a voxel
_NOISE_FACTOR = 5.0
_ON_SLICE = np.zeros((3, 3, 3), bool)
_ON_SLICE[:, :, 1] = True
_MOST_MM2 = 150.0  # a vessel cut along its course
_BONE_MM = 3.0
_LATERAL_MM = (28.0, 60.0)  # beside the basal ganglia and the choroid plexus
_LEAST_DEPTH_MM = 6.0
_LEAST_SPOTS, _LEAST_SLICES = 8, 3  # of both sides
_LEAST_SPOTS_OF_ONE, _LEAST_SLICES_OF_ONE = 16, 5  # where the other side's artery is occluded
_CALCIFIED_HU = 100.0
_LEAST_CALCIFIED_ML = 0.1


def find_contrast_medium(head: CoarseHead) -> Iterator[Flag]:
    """Tell vessels full of contrast medium.

    Parameters
    ----------
    head : CoarseHead
        The head.

    Yields
    ------
    Flag
        ``contrast-medium``, at most one.
    """
    grains = _grains(head)
    lateral = np.abs(head.lateral)
    # Vessels as dense as bone are holes of what lies inside; depth is counted from the skull.
    deep = ~_near_bone(head) & (distance(_enclosed(head), head.spacing) > _LEAST_DEPTH_MM)
    place = deep & (lateral > _LATERAL_MM[0]) & (lateral < _LATERAL_MM[1])
    spots, count = ndimage.label(grains & place & head.cerebrum, _ON_SLICE)
    slices = np.flatnonzero(spots.any(axis=(0, 1)))
    sides = [bool((spots[where] > 0).any()) for where in (head.lateral > 0, head.lateral < 0)]
    least_spots, least_slices = (
        (_LEAST_SPOTS, _LEAST_SLICES) if all(sides) else (_LEAST_SPOTS_OF_ONE, _LEAST_SLICES_OF_ONE)
    )
    if count < least_spots or len(slices) < least_slices:
        return
    tissue = float(np.median(head.smooth[head.brain & head.clear]))
    yield Flag(
        CONTRAST_MEDIUM,
        f"{count} cuts through vessels of {np.quantile(head.hu[spots > 0], 0.9):.0f} HU on "
        f"{len(slices)} slices, {'both sides' if all(sides) else 'one side'}, brain "
        f"{tissue:.0f} HU: looks like a scan with contrast medium; densities are not those of a "
        "non-contrast CT, give the scan without",
    )


def find_calcifications(head: CoarseHead) -> Iterator[Flag]:
    """Tell calcification inside regions.

    Parameters
    ----------
    head : CoarseHead
        The head.

    Yields
    ------
    Flag
        ``calcification``, at most one.
    """
    grains = _grains(head) & (head.hu > _CALCIFIED_HU)
    found = []
    for side in SIDES:
        for region in Region:
            where = grains & (head.labels == map_value(region, side))
            volume = head.volume_ml(where)
            if volume >= _LEAST_CALCIFIED_ML:
                found.append(f"{side} {region.name} {volume:.1f} mL")
    if found:
        yield Flag(
            "calcification",
            f"denser than {_CALCIFIED_HU:g} HU: {', '.join(found)}; left out of the densities, "
            "judge what lies around it by eye",
        )


def _grains(head: CoarseHead) -> Mask:
    """Return dense spots on each slice that are not connected with the skull."""
    low = max(_DENSE_HU, _NOISE_FACTOR * head.noise + 40.0)
    spots, count = ndimage.label(head.hu > low, _ON_SLICE)
    sizes = np.bincount(spots.ravel(), minlength=count + 1) * np.prod(head.spacing)
    small = sizes <= _MOST_MM2
    small[0] = False
    return np.asarray(small[spots] & _enclosed(head))


def _enclosed(head: CoarseHead) -> Mask:
    """Return what lies within the skull with the grains that its mask leaves out."""
    closed = np.zeros_like(head.inside)
    for index in np.flatnonzero(head.inside.any(axis=(0, 1))):
        closed[:, :, index] = ndimage.binary_fill_holes(head.inside[:, :, index])
    return closed


def _near_bone(head: CoarseHead) -> Mask:
    """Return what lies beside bone of the skull."""
    spots, count = ndimage.label(head.bone, _ON_SLICE)
    sizes = np.bincount(spots.ravel(), minlength=count + 1) * np.prod(head.spacing)
    large = sizes > _MOST_MM2
    large[0] = False
    skull = large[spots]
    above = np.zeros_like(skull)
    above[:, :, 1:] |= skull[:, :, :-1]
    above[:, :, :-1] |= skull[:, :, 1:]
    return head.grown(skull, _BONE_MM) | above
