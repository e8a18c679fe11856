"""Smooth invertible deformations: flows of stationary velocities, and where fluid wells up in them.

A velocity field that does not change in time moves every point along a path; after unit time the
paths form a diffeomorphism, whose inverse is the flow of the opposite velocity. Scaling and
squaring follows them [1]_. Volumes that grow or shrink enter as sources and sinks: the potential
flow whose divergence they are moves their surroundings aside, as an expanding ventricle does.

References
----------
.. [1] Arsigny V, Commowick O, Pennec X, Ayache N. A log-Euclidean framework for statistics on
   diffeomorphisms. MICCAI, LNCS 4190:924-931 (2006). doi:10.1007/11866565_113
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

_SQUARINGS = 5


@dataclass(frozen=True)
class Lattice:
    """A regular grid of cubic cells, coarser than a voxel.

    Attributes
    ----------
    shape : tuple of int
        Nodes along x, y and z.
    spacing : float
        Distance of neighbouring nodes in mm.
    origin : ndarray, shape (3,)
        Millimetres of node ``(0, 0, 0)``.
    """

    shape: tuple[int, int, int]
    spacing: float
    origin: NDArray[np.float64]

    def points(self) -> NDArray[np.float32]:
        """Return the nodes in mm, shape ``(3, *shape)``."""
        axes = [
            o + self.spacing * np.arange(n) for o, n in zip(self.origin, self.shape, strict=True)
        ]
        return np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)

    def sample(
        self, field: NDArray[np.floating], points: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Interpolate a field linearly; beyond the outermost nodes it is 0.

        Parameters
        ----------
        field : ndarray, shape (x, y, z)
            One value a node.
        points : ndarray, shape (3, ...)
            In mm, as `origin`.

        Returns
        -------
        ndarray of float32, shape (...)
        """
        origin = self.origin.reshape((3,) + (1,) * (points.ndim - 1)).astype(np.float32)
        indices = (points - origin) / np.float32(self.spacing)
        sampled: NDArray[np.float32] = ndimage.map_coordinates(
            field, indices, np.float32, order=1, mode="constant"
        )
        return sampled


@dataclass(frozen=True)
class Flow:
    """Where the points of a deformed head come from.

    Attributes
    ----------
    lattice : Lattice
        The grid of the fields, in the space of the deformed head.
    displacement : ndarray of float32, shape (3, x, y, z)
        Millimetres from a point of the deformed head to its origin in the undeformed one.
    welled : ndarray of float32, shape (x, y, z)
        Logarithm of how much the volume at a point grew because fluid was added to it; negative
        where fluid was pressed out.
    """

    lattice: Lattice
    displacement: NDArray[np.float32]
    welled: NDArray[np.float32]

    def origins(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return where points of the deformed head come from.

        Parameters
        ----------
        points : ndarray, shape (3, ...)
            Of the deformed head, in mm.

        Returns
        -------
        ndarray of float32, shape (3, ...)
            Of the undeformed head, in mm.
        """
        moves = [self.lattice.sample(component, points) for component in self.displacement]
        return (points + np.stack(moves)).astype(np.float32)

    def jacobian(self) -> NDArray[np.float64]:
        """Return the determinant of the derivative of `origins` at the nodes."""
        gradients = [
            np.gradient(c.astype(np.float64), self.lattice.spacing) for c in self.displacement
        ]
        matrices = np.moveaxis(np.array(gradients), (0, 1), (-2, -1)) + np.eye(3)
        return np.asarray(np.linalg.det(matrices))


def flow_back(
    lattice: Lattice,
    velocity: NDArray[np.floating],
    fluid: NDArray[np.floating] | None = None,
) -> Flow:
    """Follow a velocity backwards for unit time, by scaling and squaring.

    Parameters
    ----------
    lattice : Lattice
        The grid of the fields.
    velocity : ndarray, shape (3, x, y, z)
        Millimetres in unit time, 0 at the rim; the deformed head is what it leads to. Its opposite
        gives the inverse of the flow.
    fluid : ndarray, shape (x, y, z), optional
        The part of the velocity's divergence that is fluid added.
    """
    step = 0.5**_SQUARINGS
    moved = np.asarray(-step / lattice.spacing * velocity, dtype=np.float32)  # in nodes
    welled = np.zeros(lattice.shape, np.float32)
    if fluid is not None:
        welled += step * fluid
    # What does not move at first never will.
    moving = np.nonzero(moved.any(axis=0))
    start = np.stack(moving).astype(np.float32)
    for _ in range(_SQUARINGS):
        at = start + np.stack([component[moving] for component in moved])
        onwards = [_at(component, at) for component in moved]
        if fluid is not None:
            welled[moving] += _at(welled, at)
        for component, more in zip(moved, onwards, strict=True):
            component[moving] += more
    return Flow(lattice, moved * np.float32(lattice.spacing), welled)


def _at(field: NDArray[np.float32], indices: NDArray[np.float32]) -> NDArray[np.float32]:
    sampled: NDArray[np.float32] = ndimage.map_coordinates(
        field, indices, np.float32, order=1, mode="nearest"
    )
    return sampled


def potential_flow(lattice: Lattice, sources: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the curl-free velocity of a given divergence.

    Parameters
    ----------
    lattice : Lattice
        The grid.
    sources : ndarray, shape (x, y, z)
        Share of volume that appears in unit time; positive and negative ones cancel, else their
        mean is taken away.

    Returns
    -------
    ndarray of float32, shape (3, x, y, z)
        Millimetres in unit time.
    """
    shape = [fft.next_fast_len(n + 8, real=True) for n in lattice.shape]
    spectrum = fft.rfftn(np.asarray(sources, dtype=np.float32), shape)
    frequencies = [
        2 * np.pi * fft.fftfreq(n, lattice.spacing).astype(np.float32) for n in shape[:2]
    ] + [2 * np.pi * fft.rfftfreq(shape[2], lattice.spacing).astype(np.float32)]
    waves = np.meshgrid(*frequencies, indexing="ij", sparse=True)
    square = waves[0] ** 2 + waves[1] ** 2 + waves[2] ** 2
    square[0, 0, 0] = np.inf
    potential = spectrum / square
    nx, ny, nz = lattice.shape
    return np.stack(
        [fft.irfftn(-1j * wave * potential, shape)[:nx, :ny, :nz] for wave in waves]
    ).astype(np.float32)


def smooth_noise(
    lattice: Lattice, wavelength: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return smooth noise of unit variance at every node.

    White noise, drawn at nodes `wavelength` mm apart, under a Gaussian of that standard deviation.

    Parameters
    ----------
    lattice : Lattice
        Where to draw it.
    wavelength : float
        Standard deviation of the Gaussian, in units of the lattice's spacing (mm, as a rule).
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    ndarray of float32, shape (x, y, z)
    """
    reach = 3
    bases = []
    for n in lattice.shape:
        last = int(np.ceil((n - 1) * lattice.spacing / wavelength)) + reach
        centres = wavelength * np.arange(-reach, last + 1)
        distances = lattice.spacing * np.arange(n)[:, None] - centres
        basis = np.exp(-(distances**2) / (2 * wavelength**2))
        bases.append((basis / np.linalg.norm(basis, axis=1, keepdims=True)).astype(np.float32))
    noise = rng.standard_normal([b.shape[1] for b in bases], dtype=np.float32)
    for basis in bases:
        # Each pass turns the next axis to the front; after three they are back in order.
        noise = np.einsum("ai,ijk->jka", basis, noise)
    return np.ascontiguousarray(noise)
