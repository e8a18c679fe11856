"""Old lesions: cavities of past infarcts, and lacunes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_head import Head
from head_phantom.head.coarse_head import CoarseHead
from head_phantom.infarct.infarct import LesionMask, Territory, lesion_extent
from head_phantom.person.person import Person

_CAVITY = 0.85  # strands of tissue remain in a cavity
_LACUNE_RADII_MM = (2.0, 6.0)  # lacunes measure 3-15 mm across; the smallest do not show on CT


@dataclass(frozen=True)
class OldInfarct:
    """A past infarct, now a cavity with the density of fluid.

    Attributes
    ----------
    place : Territory or LesionMask
        Where it is.
    seed : int
        Decides its border.
    """

    place: Territory | LesionMask
    seed: int = 0


def cavities(
    coarse: CoarseHead,
    head: Head,
    person: Person,
    old_infarcts: Sequence[OldInfarct],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the share of tissue that fluid has replaced in each cell, 0 to 1.

    Parameters
    ----------
    coarse : CoarseHead
        The standard head's brain.
    head : Head
        The standard head.
    person : Person
        How many lacunes there are.
    old_infarcts : sequence of OldInfarct
        Past infarcts.
    rng : numpy.random.Generator
        Draws the lacunes' places, in deep grey and white matter, and sizes.
    """
    share = np.zeros(coarse.lattice.shape, np.float32)
    points = coarse.lattice.points()
    x, y, z = np.abs(points[0]), points[1], points[2]
    deep = (coarse.grey + coarse.white > 0.95) & (coarse.depth > 24) & (coarse.csf < 0.02)
    candidates = points[:, deep & (x > 8) & (x < 36) & (y > -40) & (y < 40) & (z > -8) & (z < 34)]
    for _ in range(person.lacunes):
        centre = candidates[:, int(rng.integers(candidates.shape[1]))]
        stretch = np.exp(rng.normal(0, 0.2, 3))
        radius = rng.uniform(*_LACUNE_RADII_MM) * rng.uniform(0.5, 1.0)
        offsets = (points - centre.reshape(3, 1, 1, 1)) / stretch.reshape(3, 1, 1, 1)
        distance = np.sqrt((offsets**2).sum(axis=0))
        edge = np.clip((radius - distance) / coarse.lattice.spacing + 0.5, 0, 1)
        np.maximum(share, _CAVITY * edge, out=share)
    for old in old_infarcts:
        extent = lesion_extent(coarse, head, old.place, np.random.default_rng(old.seed))
        np.maximum(share, _CAVITY * extent, out=share)
    return share
