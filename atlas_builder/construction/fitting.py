"""One participant registered to the template: the unit of work of a build."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas_builder.io.files import replacing
from atlas_builder.registration import Metric, Schedule, register
from atlas_builder.transform import FloatArray, PlaneGrid, Transform, halve, sample

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
        As `atlas_builder.registration.register` takes them.
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
        The participant's image on the template, HU.
    correlation : float
        Pearson correlation of `warped` with the template over the pixels where either has brain.
    """

    transform: Transform
    warped: NDArray[np.float32]
    correlation: float


def fit(task: FitTask) -> Fit:
    """Register a participant to the template and carry its image there."""
    transform = register_slices(
        task.template,
        task.image,
        task.grid,
        metric=task.metric,
        schedule=task.schedule,
        initial_affine=task.initial_affine,
    )
    points = transform.to_participant(task.grid.points())
    warped = np.asarray(sample(task.image, task.grid, points), dtype=np.float32)
    return Fit(transform, warped, correlation(task.template, warped))


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
    metric, schedule, initial_affine
        As `atlas_builder.registration.register` takes them.
    """
    return register(
        halve(np.clip(fixed, *TISSUE_HU)),
        halve(np.clip(moving, *TISSUE_HU)),
        grid.halved(),
        metric=metric,
        schedule=schedule,
        initial_affine=initial_affine,
    )


def correlation(first: FloatArray, second: FloatArray) -> float:
    """Return the Pearson correlation of two brains over the pixels where either has brain."""
    brain = (first != 0) | (second != 0)
    return float(np.corrcoef(first[brain], second[brain])[0, 1])


def save_fit(path: Path, result: Fit) -> None:
    """Write a fit as one ``.npz`` file without pickles."""
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
            correlation=result.correlation,
        )


def load_fit(path: Path) -> Fit:
    """Read back a fit."""
    with np.load(path, allow_pickle=False) as arrays:
        x, y = (float(value) for value in arrays["field_origin"])
        nx, ny = arrays["displacement"].shape[1:]
        grid = PlaneGrid((nx, ny), float(arrays["field_spacing"]), (x, y))
        return Fit(
            Transform(
                arrays["affine"], arrays["displacement"], arrays["inverse_displacement"], grid
            ),
            arrays["warped"],
            float(arrays["correlation"]),
        )
