"""Displacements that vary linearly between the nodes of a lattice."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from slice_localizer.alignment.gauss_newton import Array


@dataclass(frozen=True)
class Lattice:
    """Nodes of cubes in the standard head's space.

    Attributes
    ----------
    origin : ndarray, shape (3,)
        Millimetres of the first node.
    step_mm : float
        Between neighbouring nodes.
    shape : tuple of int
        Nodes along x, y and z; two or more.
    """

    origin: Array
    step_mm: float
    shape: tuple[int, int, int]

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return int(np.prod(self.shape))

    def nodes(self) -> Array:
        """Return the nodes in mm, shape (3, nodes)."""
        index = np.indices(self.shape, dtype=np.float64).reshape(3, -1)
        return index * self.step_mm + self.origin[:, np.newaxis]

    def weights(self, points: Array) -> sparse.csr_matrix:
        """Return how much of each node's value each point has: trilinear interpolation.

        Parameters
        ----------
        points : ndarray, shape (3, n)
            Millimetres; beyond the lattice its border's value holds.

        Returns
        -------
        sparse matrix, shape (n, nodes)
        """
        last = np.array(self.shape)[:, np.newaxis] - 1
        place = np.clip((points - self.origin[:, np.newaxis]) / self.step_mm, 0, last)
        below = np.minimum(place.astype(np.intp), last - 1)
        share = (place - below).astype(np.float32)
        columns, values = [], []
        for corner in itertools.product((0, 1), repeat=3):
            parts = [s if c else 1 - s for s, c in zip(share, corner, strict=True)]
            values.append(parts[0] * parts[1] * parts[2])
            place_of = tuple(b + c for b, c in zip(below, corner, strict=True))
            columns.append(np.ravel_multi_index(place_of, self.shape).astype(np.int32))
        count = points.shape[1]
        starts = np.arange(0, 8 * count + 1, 8, dtype=np.int32)
        return sparse.csr_matrix(
            (np.stack(values, 1).ravel(), np.stack(columns, 1).ravel(), starts),
            shape=(count, self.size),
        )

    def bending(self) -> sparse.csr_matrix:
        """Return the matrix whose quadratic form sums squared second differences of nodes' values.

        Returns
        -------
        sparse matrix, shape (nodes, nodes)
        """
        parts = []
        for first, second in itertools.combinations_with_replacement(range(3), 2):
            factors = [sparse.identity(n, format="csr") for n in self.shape]
            if first == second:
                factors[first] = _difference(self.shape[first] - 1) @ _difference(self.shape[first])
                part = _product(factors)
            else:
                for axis in (first, second):
                    factors[axis] = _difference(self.shape[axis])
                part = np.sqrt(2.0) * _product(factors)
            parts.append(part)
        stacked = sparse.vstack(parts).tocsr()
        return sparse.csr_matrix(stacked.T @ stacked)


def _difference(count: int) -> sparse.csr_matrix:
    return sparse.csr_matrix(sparse.diags([-1.0, 1.0], [0, 1], shape=(count - 1, count)))


def _product(factors: list[sparse.csr_matrix]) -> sparse.csr_matrix:
    return sparse.csr_matrix(sparse.kron(sparse.kron(factors[0], factors[1]), factors[2]))


def interpolated(values: NDArray[np.floating], of: Lattice, at: Lattice) -> Array:
    """Return the values of one lattice at the nodes of another.

    Parameters
    ----------
    values : ndarray, shape (3, nodes)
        At the nodes of `of`.
    of, at : Lattice
        From which, and to which.

    Returns
    -------
    ndarray, shape (3, nodes)
    """
    return np.asarray((of.weights(at.nodes()) @ values.T).T, np.float64)
