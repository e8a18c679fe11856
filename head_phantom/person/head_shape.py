"""The shape of a subject's head: size, proportions, asymmetry and the random rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_head import Head
from head_phantom.head.coarse_head import CoarseHead
from head_phantom.head.deformation import Lattice, smooth_noise
from head_phantom.person.person import Person

_SPACING_MM = 4.0
_WHOLE_MM = (26.0, 1.7)
_BRAIN_MM = (11.0, 1.1)
"""Smoothness and root mean square along each axis of the random deformations of head and brain:
brains aligned by an affine still differ by 3-4 mm at corresponding places, skulls are smoother."""


def shape_velocity(
    head: Head, coarse: CoarseHead, person: Person, rng: np.random.Generator
) -> tuple[Lattice, NDArray[np.float32]]:
    """Return the velocity that makes the standard head, already scaled, the subject's.

    Parameters
    ----------
    head : Head
        The standard head.
    coarse : CoarseHead
        Its brain.
    person : Person
        Whose asymmetry to apply.
    rng : numpy.random.Generator
        Draws the random part.

    Returns
    -------
    lattice : Lattice
        Covers the head, in MNI space.
    velocity : ndarray of float32, shape (3, x, y, z)
        Millimetres in unit time.
    """
    sizes = np.array(head.regions.shape) * head.affine[0, 0]
    shape = tuple(int(n) for n in np.ceil(sizes / _SPACING_MM) + 1)
    lattice = Lattice((shape[0], shape[1], shape[2]), _SPACING_MM, head.affine[:3, 3].copy())
    points = lattice.points()
    brain = np.clip(coarse.lattice.sample(coarse.depth, points) / 10, 0, 1)
    velocity = np.stack(
        [
            size * smooth_noise(lattice, reach, rng) * part
            for _ in range(3)
            for (reach, size), part in ((_WHOLE_MM, 1.0), (_BRAIN_MM, brain))
        ]
    )
    velocity = velocity[::2] + velocity[1::2]
    for centre, direction, reach in (
        ((28, 58, 8), (0, person.torque, 0), 22),  # right frontal petalia
        ((-24, -92, 4), (0, -person.torque, 0), 22),  # left occipital petalia
        ((4, -80, 12), (person.torque, 0, 0), 22),  # the occipital midline bends to the right
        ((-48, -36, 16), (0, -person.sylvian_asymmetry / 2, 0), 14),
        ((48, -36, 16), (0, person.sylvian_asymmetry / 2, 0), 14),
    ):
        distance = points - np.reshape(centre, (3, 1, 1, 1))
        bump = np.exp(-(distance**2).sum(axis=0) / (2 * reach**2))
        velocity += bump * np.reshape(direction, (3, 1, 1, 1))
    return lattice, (velocity * _fade(lattice)).astype(np.float32)


def _fade(lattice: Lattice) -> NDArray[np.float64]:
    """Return 1 inside, falling to 0 at the rim of the lattice, which therefore stays in place."""
    ramps = [np.clip(np.minimum(np.arange(n), np.arange(n)[::-1]) / 3, 0, 1) for n in lattice.shape]
    return np.asarray(ramps[0][:, None, None] * ramps[1][:, None] * ramps[2])
