"""One participant registered to the template: the unit of work of a build."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.transform import FloatArray, PlaneGrid, Transform, halve, sample
from atlas_builder.registration.slices import Metric, Schedule, register
from atlas_builder.runtime.files import replacing

TISSUE_HU = (0.0, 80.0)
"""From fluid to clotted blood; calcification and noise beyond do not steer the registration."""


@dataclass(frozen=True)
class FitTask:
    """A participant's key slice and the template it is registered to.

    Attributes
    ----------
    template, image : ndarray of float32, shape (nx, ny)
        HU on `grid`, 0 outside the brain.
    grid : PlaneGrid
        Of both; registration runs at twice its spacing.
    metric, schedule, initial_affine
        As `atlas_builder.registration.slices.register` takes them.
    """

    template: NDArray[np.float32]
    image: NDArray[np.float32]
    grid: PlaneGrid
    metric: Metric
    schedule: Schedule
    initial_affine: NDArray[np.float64] | None


@dataclass(frozen=True)
class Fit:
    """A participant carried onto the template.

    Attributes
    ----------
    transform : Transform
        Template to participant.
    warped : ndarray of float32, shape (nx, ny)
        The participant's image on the template, HU; fades to 0 across the rim of the brain.
    brain : ndarray of float32, shape (nx, ny)
        The participant's brain on the template, 0 to 1: what `warped` fades by.
    correlation : float
        Pearson correlation of `warped` with the template over the pixels where either has brain.
    """

    transform: Transform
    warped: NDArray[np.float32]
    brain: NDArray[np.float32]
    correlation: float


def fit(task: FitTask) -> Fit:
    """Register a participant to the template and carry its image there.

    Parameters
    ----------
    task : FitTask
        Both images in HU, and how to register them.

    Returns
    -------
    Fit

    Raises
    ------
    RegistrationError
        ANTs found no transform.
    """
    transform = register_slices(
        task.template,
        task.image,
        task.grid,
        metric=task.metric,
        schedule=task.schedule,
        initial_affine=task.initial_affine,
    )
    points = transform.to_participant(task.grid.points())
    warped = sample(task.image, task.grid, points)
    brain = sample((task.image != 0).astype(np.float32), task.grid, points)
    return Fit(transform, warped, brain, correlation(task.template, warped))


def register_slices(
    fixed: FloatArray,
    moving: FloatArray,
    grid: PlaneGrid,
    *,
    metric: Metric,
    schedule: Schedule,
    initial_affine: NDArray[np.float64] | None = None,
) -> Transform:
    """Register two key slices at twice their pixel size.

    ANTs' own SyN schedule ends one level above the full resolution as well; with images of half the
    size every stage is faster and the overlap of regions is the same.

    Parameters
    ----------
    fixed, moving : ndarray, shape (nx, ny)
        HU on `grid`, 0 outside the brain; nx and ny even.
    grid : PlaneGrid
        Of both images.
    metric, schedule
        As `atlas_builder.registration.slices.register` takes them.
    initial_affine : ndarray, shape (3, 3), optional
        Where the affine stage starts; by default `extent_affine`.
    """
    if initial_affine is None:
        initial_affine = extent_affine(fixed, moving, grid)
    return register(
        halve(np.clip(fixed, *TISSUE_HU)),
        halve(np.clip(moving, *TISSUE_HU)),
        grid.halved(),
        metric=metric,
        schedule=schedule,
        initial_affine=initial_affine,
    )


def extent_affine(fixed: FloatArray, moving: FloatArray, grid: PlaneGrid) -> NDArray[np.float64]:
    """Return the shift and the scale along each axis that give two brains the same extent.

    Key slices are upright, so this is close: it spares the affine stage the local optima in which a
    large brain is fitted to a small one by its centre only.

    Parameters
    ----------
    fixed, moving : ndarray, shape (nx, ny)
        HU on `grid`, 0 outside the brain.
    grid : PlaneGrid
        Of both images.

    Returns
    -------
    ndarray, shape (3, 3)
        Fixed to moving, on points in mm.
    """
    points = grid.points()
    centres, extents = [], []
    for image in (fixed, moving):
        brain = points[:, image != 0]
        centres.append(brain.mean(axis=1))
        extents.append(brain.std(axis=1))
    scale = extents[1] / extents[0]
    affine = np.diag([*scale, 1.0])
    affine[:2, 2] = centres[1] - scale * centres[0]
    return affine


def correlation(first: FloatArray, second: FloatArray) -> float:
    """Return the Pearson correlation of two brains over the pixels where either has brain.

    Parameters
    ----------
    first, second : ndarray, shape (nx, ny)
        HU on the same grid; 0 outside the brain.

    Returns
    -------
    float
        -1 to 1; NaN where one of them is constant there.
    """
    brain = (first != 0) | (second != 0)
    return float(np.corrcoef(first[brain], second[brain])[0, 1])


def save_fit(path: Path, result: Fit) -> None:
    """Write a fit as one ``.npz`` file without pickles.

    Parameters
    ----------
    path : Path
        The file; one that is there is replaced. Its folder must exist.
    result : Fit
        What to write.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    transform = result.transform
    with replacing(path) as partial:
        np.savez(
            partial,
            affine=transform.affine,
            displacement=transform.displacement,
            inverse_displacement=transform.inverse_displacement,
            field_spacing=transform.grid.spacing,
            field_origin=transform.grid.origin,
            warped=result.warped,
            brain=result.brain,
            correlation=result.correlation,
        )


def load_fit(path: Path) -> Fit:
    """Read back a fit.

    Parameters
    ----------
    path : Path
        A file that `save_fit` wrote.

    Returns
    -------
    Fit
    """
    with np.load(path, allow_pickle=False) as arrays:
        x, y = (float(value) for value in arrays["field_origin"])
        nx, ny = arrays["displacement"].shape[1:]
        grid = PlaneGrid((nx, ny), float(arrays["field_spacing"]), (x, y))
        return Fit(
            Transform(
                arrays["affine"], arrays["displacement"], arrays["inverse_displacement"], grid
            ),
            arrays["warped"],
            arrays["brain"],
            float(arrays["correlation"]),
        )
