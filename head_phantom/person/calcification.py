"""Physiological calcifications: pineal gland, choroid plexus, globus pallidus.

Places are those of MNI space, sizes those of Al-Ameri LT, Al-Zuhairi EA, Al-Shirwani HM. Prevalence
of pineal gland and choroid plexus calcification among Iraqi patients attending CT scan units. Int J
Morphol 39:244-251 (2021): the pineal's 4.6 (SD 2.1) by 4.0 (SD 1.5) mm.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_head import Head
from head_phantom.person.person import Person

# Where `head_meninges` paints the glands.
_PINEAL = (0.0, -31.0, 3.0)
_GLOMUS = (23.5, -41.0, 10.0)  # of the choroid plexus, in the atrium
_PALLIDUM = (18.0, -3.0, 0.0)


def calcifications(head: Head, person: Person, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return how much of each voxel of the standard head is calcified, 0 to 1.

    Parameters
    ----------
    head : Head
        The standard head.
    person : Person
        What is calcified.
    rng : numpy.random.Generator
        Draws size, place and density.
    """
    share = np.zeros(head.regions.shape, np.float32)
    sizes = rng.normal(0, 1, 8)
    shifts = rng.normal(0, 1, (8, 3))
    densities = rng.uniform(0, 1, 8)
    if person.calcified_pineal:
        radius = float(np.clip(2.1 + 0.9 * sizes[0], 1.0, 4.5))
        _add_grain(
            share, head, np.array(_PINEAL) + 0.7 * shifts[0], radius, 0.3 + 0.5 * densities[0]
        )
    if person.calcified_choroid_plexus:
        for index, side in ((1, -1), (2, 1)):
            centre = np.array(_GLOMUS) * (side, 1, 1) + (1.0, 2.0, 1.0) * shifts[index]
            radius = float(np.clip(2.6 + 0.9 * sizes[index], 1.0, 4.5))
            _add_grain(share, head, centre, radius, 0.15 + 0.4 * densities[index])
    if person.calcified_basal_ganglia:
        for index in range(3, 7):
            side = -1 if index % 2 else 1
            centre = np.array(_PALLIDUM) * (side, 1, 1) + (1.5, 2.5, 1.5) * shifts[index]
            radius = float(np.clip(2.0 + 0.6 * sizes[index], 1.0, 3.0))
            _add_grain(share, head, centre, radius, 0.08 + 0.15 * densities[index])
    return share


def _add_grain(
    share: NDArray[np.float32],
    head: Head,
    centre: NDArray[np.float64],
    radius: float,
    density: float,
) -> None:
    """Add a ball with a soft rim; `centre` and `radius` are in mm."""
    middle = np.linalg.inv(head.affine)[:3] @ (*centre, 1.0)
    reach = int(np.ceil(radius)) + 2
    first = np.maximum(np.round(middle).astype(int) - reach, 0)
    box = tuple(slice(f, f + 2 * reach + 1) for f in first)
    inner = share[box]
    offsets = np.indices(inner.shape) + np.reshape(first - middle, (3, 1, 1, 1))
    distance = np.sqrt((offsets**2).sum(axis=0))
    np.maximum(inner, density * np.clip(radius + 0.5 - distance, 0, 1), out=inner)
