"""Connected bodies of voxels, with what a reader is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from aspects_scorer.ncct.other_findings.coarse_head import CoarseHead, Mask
from atlas_builder.core.anatomy import Region, Side, map_value

_NEXT_SLICE = ndimage.generate_binary_structure(3, 2)
_LEAST_SHARE = 0.02  # of a region


@dataclass(frozen=True)
class Body:
    """A connected body.

    Attributes
    ----------
    box : tuple of slice
        Of the head, holding the body.
    where : ndarray of bool
        Its voxels in the box.
    volume_ml, mean_hu : float
        Its size and density.
    side : {'left', 'right'}
        Of the patient, where most of it lies.
    index : int
        The scan's slice that shows most of it.
    """

    box: tuple[slice, ...]
    where: Mask
    volume_ml: float
    mean_hu: float
    side: Side
    index: int


def bodies_of(head: CoarseHead, cores: Mask, whole: Mask) -> Iterator[Body]:
    """Find bodies.

    Parameters
    ----------
    head : CoarseHead
        The head.
    cores : ndarray of bool
        What is wide enough to be a body.
    whole : ndarray of bool
        What belongs to a body where it lies within 2 mm of a core.

    Yields
    ------
    Body
        In the order of their first voxels.
    """
    if not cores.any():
        return
    grown = (head.grown(cores, 2.0) & whole) | cores
    parts, _ = ndimage.label(grown, _NEXT_SLICE)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        where = parts[box] == number
        counts = np.count_nonzero(where, axis=(0, 1))
        lateral = float(head.lateral[box][where].mean())
        yield Body(
            box=box,
            where=where,
            volume_ml=float(counts @ head.voxel_ml[box[2]]),
            mean_hu=float(head.hu[box][where].mean()),
            side="left" if lateral > 0 else "right",
            index=int(head.indices[box[2]][counts.argmax()]),
        )


def regions_in(head: CoarseHead, where: Mask) -> str:
    """Return the names of the regions that voxels lie in, such as ``M2, M3``, or ``no region``."""
    inside = np.bincount(head.labels[where], minlength=21)
    sizes = np.maximum(np.bincount(head.labels.ravel(), minlength=21), 1)
    names = [
        region.name
        for region in Region
        if any(
            inside[value] >= _LEAST_SHARE * sizes[value] and inside[value] > 0
            for value in (map_value(region, "left"), map_value(region, "right"))
        )
    ]
    return ", ".join(names) or "no region"
