"""The whole standard brain deformed onto a scan, from where the affine alignment puts it.

A displacement on a lattice is found by Gauss-Newton steps, coarse lattice and blurred images first,
with the pattern's gradients in place of the scan's, as in `gauss_newton`. What the lattice may do
is held back by its bending. Near the basal ganglia level the affine, found with the modes of
subjects there, is worth more than what the brain's mean shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import LinearOperator, cg

from slice_localizer.alignment.coarse_scan import CoarseScan
from slice_localizer.alignment.gauss_newton import Array, look_up
from slice_localizer.alignment.lattice import Lattice, interpolated
from slice_localizer.alignment.standard_head import BRAIN_WINDOW, StandardHead

_RIM_MM = 12.0  # around the brain: the fluid and the inner table of the skull
_TOLERANCE_HU = 30.0
_CONJUGATE_STEPS = 20
_SETTLED_MM = 0.15
_INVERSION_STEPS = 6


@dataclass(frozen=True)
class _Stage:
    sigma_mm: float
    step_mm: float
    bending: float
    steps: int


_STAGES = (_Stage(5.0, 30.0, 0.03, 8), _Stage(2.5, 15.0, 0.01, 8))


@dataclass(frozen=True)
class BrainPlace:
    """Where each point of the standard brain lies in a scan, and back.

    Attributes
    ----------
    affine : ndarray, shape (4, 4)
        From the standard head's mm to the scan's, after the displacement.
    displacement : ndarray of float32, shape (3, x, y, z)
        In mm of the standard head, at its grid's points: from it to the scan.
    inverse : ndarray of float32, shape (3, x, y, z)
        The displacement that undoes it.
    origin : ndarray, shape (3,)
        Millimetres of the grid's first point.
    spacing : float
        Of the grid in mm.
    """

    affine: Array
    displacement: NDArray[np.float32]
    inverse: NDArray[np.float32]
    origin: Array
    spacing: float

    def to_standard(self, points: Array) -> Array:
        """Carry points of the scan to the standard head.

        Parameters
        ----------
        points : ndarray, shape (3, n)
            RAS+ mm of the scan.

        Returns
        -------
        ndarray, shape (3, n)
            Millimetres of the standard head's space, which is MNI's.
        """
        back = np.linalg.inv(self.affine)
        undone = back[:3, :3] @ points + back[:3, 3:]
        return _displaced(undone, self.inverse, self.origin, self.spacing)

    def to_scan(self, points: Array) -> Array:
        """Carry points of the standard head to the scan.

        Parameters
        ----------
        points : ndarray, shape (3, n)
            Millimetres of the standard head's space.

        Returns
        -------
        ndarray, shape (3, n)
            RAS+ mm of the scan.
        """
        moved = _displaced(points, self.displacement, self.origin, self.spacing)
        return np.asarray(self.affine[:3, :3] @ moved + self.affine[:3, 3:])


def deform_brain(
    head: StandardHead, scan: CoarseScan, affine: Array, *, stripped: bool
) -> BrainPlace:
    """Deform the standard brain onto a scan.

    Parameters
    ----------
    head : StandardHead
        What is deformed.
    scan : CoarseScan
        Onto what.
    affine : ndarray, shape (4, 4)
        From the standard head's mm to the scan's, see `LevelAlignment`.
    stripped : bool
        Whether the scan shows the brain alone.

    Returns
    -------
    BrainPlace
    """
    grid = head.grid
    shown = np.clip(head.stripped_hu if stripped else head.hu, *BRAIN_WINDOW)
    brain = head.stripped_hu > BRAIN_WINDOW[0]
    away = ndimage.distance_transform_edt(~brain) * grid.spacing
    near = away < _RIM_MM
    points = grid.points()[:, near]
    lattice, found = None, None
    for stage in _STAGES:
        image = ndimage.gaussian_filter(shown, stage.sigma_mm / grid.spacing)
        gradients = np.stack(np.gradient(image, grid.spacing))[:, near]
        finer = _lattice(head, stage.step_mm)
        start = (
            np.zeros((3, finer.size))
            if lattice is None or found is None
            else interpolated(found, lattice, finer)
        )
        lattice = finer
        found = _fit(
            _Pattern(points, image[near], gradients, lattice.weights(points)),
            lattice.bending() * stage.bending,
            scan,
            scan.windowed(BRAIN_WINDOW, stage.sigma_mm),
            affine,
            start,
            stage.steps,
        )
    assert lattice is not None  # there are stages
    assert found is not None
    everywhere = grid.points().reshape(3, -1)
    forward = (lattice.weights(everywhere) @ found.T).T.reshape(3, *grid.shape).astype(np.float32)
    return BrainPlace(affine, forward, _inverse(forward, grid.spacing), grid.origin, grid.spacing)


@dataclass(frozen=True)
class _Pattern:
    points: Array
    values: Array
    gradients: Array
    weights: csr_matrix


def _lattice(head: StandardHead, step_mm: float) -> Lattice:
    counts = [int(np.ceil((n - 1) * head.grid.spacing / step_mm)) + 1 for n in head.grid.shape]
    return Lattice(head.grid.origin, step_mm, (counts[0], counts[1], counts[2]))


def _fit(
    pattern: _Pattern,
    bending: csr_matrix,
    scan: CoarseScan,
    image: NDArray[np.float32],
    affine: Array,
    start: Array,
    steps: int,
) -> Array:
    """Return the displacement of the lattice's nodes, in mm."""
    weights = pattern.weights
    spread = weights.T.tocsr()
    found = start
    looks = np.column_stack([pattern.values, np.ones(len(pattern.values))])
    for _ in range(steps):
        moved = pattern.points + (weights @ found.T).T
        indices, inside = scan.indices(affine[:3, :3] @ moved + affine[:3, 3:])
        seen = look_up(image, indices)
        counts = inside.astype(np.float64)
        for _ in range(2):
            scaled = looks * counts[:, np.newaxis]
            gain = np.linalg.lstsq(scaled.T @ looks, scaled.T @ seen, rcond=None)[0]
            residuals = seen - looks @ gain
            counts = inside * (1 + (residuals / _TOLERANCE_HU) ** 2) ** -2
        counts = counts / len(counts)
        slope = pattern.gradients * gain[0]
        downhill = -(slope * (counts * residuals)) @ weights - (bending @ found.T).T

        def curvature(change: Array, slope: Array = slope, counts: Array = counts) -> Array:
            nodes = change.reshape(3, -1)
            along = counts * (slope * (weights @ nodes.T).T).sum(axis=0)
            back = (spread @ (slope * along).T).T + (bending @ nodes.T).T
            return np.asarray(back + _LEAST_STIFFNESS * nodes).ravel()

        operator = LinearOperator((found.size, found.size), matvec=curvature, dtype=np.float64)
        change, _ = cg(operator, np.asarray(downhill).ravel(), rtol=1e-2, maxiter=_CONJUGATE_STEPS)
        found = found + change.reshape(found.shape)
        if np.abs(change).max() < _SETTLED_MM:
            break
    return found


_LEAST_STIFFNESS = 1e-4


def _inverse(displacement: NDArray[np.float32], spacing: float) -> NDArray[np.float32]:
    """Return the displacement that undoes another, by fixed-point steps."""
    index = np.indices(displacement.shape[1:], dtype=np.float32)
    undone = np.zeros_like(displacement)
    for _ in range(_INVERSION_STEPS):
        at = index + undone / np.float32(spacing)
        undone = -np.stack(
            [ndimage.map_coordinates(part, at, order=1, mode="nearest") for part in displacement]
        )
    return undone


def _displaced(points: Array, field: NDArray[np.float32], origin: Array, spacing: float) -> Array:
    indices = (points - origin[:, np.newaxis]) / spacing
    moved = [
        p + ndimage.map_coordinates(part, indices, order=1, mode="nearest")
        for p, part in zip(points, field, strict=True)
    ]
    return np.stack(moved)
