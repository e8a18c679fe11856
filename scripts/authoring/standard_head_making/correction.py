"""How the standard head's correction is fitted: the level's shift for an alignment's residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from atlas_builder.core.scan import Scan
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.runtime.workers import open_workers
from slice_localizer.alignment.coarse_scan import AIR_HU, coarsen
from slice_localizer.alignment.correction import fit_correction, residuals_of
from slice_localizer.alignment.gauss_newton import Array
from slice_localizer.alignment.level import LEAST_CORRELATION, align_closely
from slice_localizer.alignment.standard_head import BRAIN_SIGMA_MM, BRAIN_WINDOW, StandardHead
from slice_localizer.training.subjects import SubjectVolume, read_subject
from standard_head_making.head import place_head

_SCANS = 3  # a subject
_NOISE_HU = 3.0
_SPACINGS_MM = (2.5, 4.0, 5.0, 5.0, 5.0, 7.0)
_TURNS_DEG = (8.0, 4.0, 6.0)  # standard deviations: fall, roll, yaw
_PIXELS, _PIXEL_MM = 96, 2.5
_MIDDLE_MM = -18.0  # of the field of view, behind the BGL point
_BELOW_MM, _ABOVE_MM = 65.0, 90.0
_SAMPLE_MM = 1.25  # through a slice's thickness


def learn_correction(
    head: StandardHead,
    persons: Sequence[Path],
    *,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> StandardHead:
    """Return a standard head with a correction that is fitted to simulated subjects.

    Parameters
    ----------
    head : StandardHead
        As read from its file; its own correction does not matter.
    persons : sequence of Path
        Files from `keep_subjects`, of none of the subjects that `head` was made from: their
        residuals are smaller than others'.
    jobs : int
        Processes at once; the result is the same for any number.
    progress : callable
        Told the stage, how many subjects are done and how many there are.

    Returns
    -------
    StandardHead
    """
    residuals: list[Array] = []
    shifts: list[Array] = []
    tasks = [(head, path, index) for index, path in enumerate(persons)]
    with open_workers(min(jobs, len(tasks))) as workers:
        for done, found in enumerate(workers.in_order(_align_subject, tasks), start=1):
            residuals += [one for one, _ in found]
            shifts += [shift for _, shift in found]
            progress("Learning from people", done, len(tasks))
    return replace(head, correction=fit_correction(np.stack(residuals), np.stack(shifts)))


def _align_subject(task: tuple[StandardHead, Path, int]) -> list[tuple[Array, Array]]:
    """Align scans of a subject; return the residuals of each, and how far off the level is."""
    head, path, index = task
    person = read_subject(path)
    rng = np.random.default_rng(index)
    found = []
    for _ in range(_SCANS):
        scan = coarsen(_scan(person, rng))
        start = place_head(head, scan, person.bgl_point)
        image = scan.windowed(BRAIN_WINDOW, BRAIN_SIGMA_MM)
        aligned = align_closely(head, scan, image, start)
        if aligned.correlation < LEAST_CORRELATION:
            continue
        truth = np.linalg.inv(aligned.affine) @ np.append(person.bgl_point, 1.0)
        shift = truth[:3] - head.bgl_of(aligned.coefficients[2:])
        found.append((residuals_of(head.correction_pattern, scan, image, aligned), shift))
    return found


def _scan(person: SubjectVolume, rng: np.random.Generator) -> Scan:
    """Scan a subject as hospitals do: thick slices at some angle, with noise."""
    turn = Rotation.from_euler("xyz", rng.normal(0.0, _TURNS_DEG), degrees=True).as_matrix()
    columns, rows, normal = (turn @ np.diag([-1.0, -1.0, 1.0])).T
    spacing = float(rng.choice(_SPACINGS_MM))
    heights = np.arange(rng.uniform(-_BELOW_MM - spacing, -_BELOW_MM), _ABOVE_MM, spacing)
    affines = np.repeat(np.eye(4)[np.newaxis], len(heights), axis=0)
    affines[:, :3, 0], affines[:, :3, 1] = columns * _PIXEL_MM, rows * _PIXEL_MM
    affines[:, :3, 2] = normal
    corner = person.bgl_point - rows * _MIDDLE_MM
    corner = corner - (columns + rows) * _PIXEL_MM * (_PIXELS - 1) / 2
    affines[:, :3, 3] = corner + heights[:, np.newaxis] * normal
    slices = [_thick_slice(person, affine, spacing) for affine in affines]
    hu = np.stack(slices, axis=2)
    hu += rng.normal(0.0, _NOISE_HU, hu.shape).astype(np.float32)
    return Scan(hu, affines)


def _thick_slice(person: SubjectVolume, affine: Array, thickness: float) -> NDArray[np.float32]:
    """Average a subject over a slice's thickness, shape (columns, rows)."""
    count = max(1, round(thickness / _SAMPLE_MM))
    offsets = ((np.arange(count) + 0.5) / count - 0.5) * thickness
    pixels = np.indices((_PIXELS, _PIXELS), np.float64).reshape(2, -1)
    points = affine[:3, :2] @ pixels + affine[:3, 3:]
    points = points[:, np.newaxis] + affine[:3, 2, np.newaxis, np.newaxis] * offsets[:, np.newaxis]
    to_voxels = np.linalg.inv(person.affine)
    voxels = np.tensordot(to_voxels[:3, :3], points, axes=1) + to_voxels[:3, 3].reshape(3, 1, 1)
    sampled = ndimage.map_coordinates(
        person.hu, voxels, np.float32, order=1, mode="constant", cval=AIR_HU
    )
    return np.asarray(sampled.mean(axis=0).reshape(_PIXELS, _PIXELS))
