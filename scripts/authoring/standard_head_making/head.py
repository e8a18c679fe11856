"""How the standard head that ships is made: the phantom's head, and a mean of simulated subjects.

Subjects are aligned with the mean so far, as scans will be aligned with it, and averaged anew. What
remains between them and their mean is described by its principal components, and the place of each
subject's BGL point by those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from atlas_builder import __version__
from atlas_builder.catalogue.mni_head import load_head
from atlas_builder.catalogue.tissues import Tissue, mean_hu
from atlas_builder.core.scan import Scan
from atlas_builder.runtime.progress import Progress, no_progress
from slice_localizer.alignment.coarse_scan import AIR_HU, CoarseScan, coarsen
from slice_localizer.alignment.correction import Correction
from slice_localizer.alignment.gauss_newton import Array, align
from slice_localizer.alignment.level import align_brain
from slice_localizer.alignment.standard_head import (
    BRAIN_SIGMA_MM,
    BRAIN_WINDOW,
    DECIMALS,
    HEAD_SIGMA_MM,
    HEAD_WINDOW,
    Grid,
    StandardHead,
)
from slice_localizer.training.subjects import SubjectVolume, read_subject

_AGE = 40.0  # years: of the densities of the phantom's own head
_SPACING_MM, _MIDDLE_SPACING_MM = 4, 2
_DEPTH_MM = 6.0  # below the brain's surface, which differs too much between subjects
_MIDDLE_MM = ((-56.0, 56.0), (-62.0, 52.0), (-44.0, 50.0))  # along x, y and z
_USUAL_SIZE = 0.94
_ROUNDS = 3
_MODES = 10
_REACH_MM = 25.0  # standard deviation of the weights by which components are found


def make_standard_head(persons: Sequence[Path], progress: Progress = no_progress) -> StandardHead:
    """Make the standard head.

    Parameters
    ----------
    persons : sequence of Path
        From `slice_localizer.training.subjects.keep_subjects`; at least twenty.
    progress : callable
        Told the stage, how many steps are done and how many there are.

    Returns
    -------
    StandardHead
        With a correction of nothing, see `standard_head_making.correction`.
    """
    head = _phantom_head()
    scans, affines, points = [], [], []
    for path in persons:
        person = read_subject(path)
        scan = coarsen(_as_scan(person))
        scans.append(scan)
        points.append(person.bgl_point)
        affines.append(place_head(head, scan, person.bgl_point))
        progress("Placing people", len(scans), len(persons))
    for turn in range(_ROUNDS):
        images, places = [], []
        for number, (scan, point) in enumerate(zip(scans, points, strict=True)):
            image = scan.windowed(BRAIN_WINDOW, BRAIN_SIGMA_MM)
            affine = align_brain(head, scan, image, affines[number]).affine
            affines[number] = affine
            images.append(_seen_by(head, scan, image, affine))
            places.append((np.linalg.inv(affine) @ np.append(point, 1.0))[:3])
            progress("Averaging people", turn * len(scans) + number + 1, _ROUNDS * len(scans))
        head = _described(head, np.stack(images), np.stack(places))
    head = replace(head, bgl_point=head.bgl_point.round(DECIMALS))  # as it is stored
    head = replace(head, correction=head.no_correction())
    provenance = {"version": __version__, "persons": len(persons), "rounds": _ROUNDS}
    return replace(head, provenance=provenance)


def _phantom_head() -> StandardHead:
    """Return the phantom's own head, without modes."""
    phantom = load_head()
    hu = np.zeros(phantom.regions.shape, np.float32)
    for tissue, share in phantom.tissues.items():
        hu += np.float32(mean_hu(tissue, _AGE) / 255) * share
    brain = np.zeros(hu.shape, bool)
    for tissue in (Tissue.GREY, Tissue.WHITE, Tissue.CSF):
        brain |= phantom.tissues[tissue] > 127
    brain = ndimage.binary_closing(brain, iterations=4)
    stripped = np.where(brain & (hu < 90.0), hu, np.float32(AIR_HU))
    origin = phantom.affine[:3, 3]
    grid = Grid(_coarse_shape(hu), float(_SPACING_MM), origin + (_SPACING_MM - 1) / 2)
    first, last = np.array(_MIDDLE_MM).T
    shape = tuple(int(n) + 1 for n in (last - first) // _MIDDLE_SPACING_MM)
    middle = Grid((shape[0], shape[1], shape[2]), float(_MIDDLE_SPACING_MM), first)
    voxels = middle.points() - origin.reshape(3, 1, 1, 1)
    blurred = ndimage.gaussian_filter(np.clip(hu, *BRAIN_WINDOW), BRAIN_SIGMA_MM)
    mean = ndimage.map_coordinates(blurred, voxels, order=1)
    depth = ndimage.distance_transform_edt(brain)
    deep = ndimage.map_coordinates(depth.astype(np.float32), voxels, order=1) > _DEPTH_MM
    return StandardHead(
        grid=grid,
        hu=_block_means(hu),
        stripped_hu=_block_means(stripped),
        middle=middle,
        mean=np.where(deep, mean, np.nan).astype(np.float32),
        modes=np.zeros((0, *middle.shape), np.float32),
        bgl_point=phantom.bgl_point.astype(np.float64),
        bgl_shift=np.zeros((3, 0)),
        correction=Correction(np.zeros((3, 0)), np.zeros(3)),
        provenance={},
    )


def _coarse_shape(volume: NDArray[np.float32]) -> tuple[int, int, int]:
    x, y, z = (size // _SPACING_MM for size in volume.shape)
    return x, y, z


def _block_means(volume: NDArray[np.float32]) -> NDArray[np.float32]:
    x, y, z = _coarse_shape(volume)
    n = _SPACING_MM
    blocks = volume[: n * x, : n * y, : n * z].reshape(x, n, y, n, z, n)
    return np.asarray(blocks.mean(axis=(1, 3, 5)))


def _as_scan(person: SubjectVolume) -> Scan:
    """Return a subject's volume as a scan of 1 mm."""
    count = person.hu.shape[2]
    affines = np.repeat(person.affine[np.newaxis], count, axis=0)
    affines[:, :3, 3] += person.affine[:3, 2] * np.arange(count)[:, np.newaxis]
    affines[:, :3, 2] /= np.linalg.norm(person.affine[:3, 2])
    return Scan(person.hu, affines)


def place_head(head: StandardHead, scan: CoarseScan, bgl_point: Array) -> Array:
    """Align the whole head with a subject's scan, from where the BGL points coincide.

    Parameters
    ----------
    head : StandardHead
        What to align.
    scan : CoarseScan
        Of the subject.
    bgl_point : ndarray, shape (3,)
        The subject's, in the scan's RAS+ mm.

    Returns
    -------
    ndarray, shape (4, 4)
        From the standard head's mm to the scan's.
    """
    start = np.diag([_USUAL_SIZE, _USUAL_SIZE, _USUAL_SIZE, 1.0])
    start[:3, 3] = bgl_point - _USUAL_SIZE * head.bgl_point
    image = scan.windowed(HEAD_WINDOW, HEAD_SIGMA_MM)
    return align(
        head.whole,
        scan,
        image,
        start,
        "affine",
        steps=30,
        tolerance_mm=0.05,
        tolerance_hu=50.0,
    ).affine


def _seen_by(
    head: StandardHead, scan: CoarseScan, image: NDArray[np.float32], affine: Array
) -> NDArray[np.float32]:
    """Return a subject's brain at the points of the head's middle."""
    points = affine[:3, :3] @ head.middle.points().reshape(3, -1) + affine[:3, 3:]
    indices, _ = scan.indices(points)
    seen = ndimage.map_coordinates(image, indices, np.float32, order=1, mode="nearest")
    return np.asarray(seen.reshape(head.middle.shape))


def _described(
    head: StandardHead, images: NDArray[np.float32], places: NDArray[np.float64]
) -> StandardHead:
    """Return the head with the subjects' mean, their modes, and their BGL points."""
    mean = images.mean(axis=0)
    differences = images - mean
    distance = head.middle.points() - head.bgl_point.reshape(3, 1, 1, 1)
    weights = np.exp(-(distance**2).sum(axis=0) / (2 * _REACH_MM**2)) * np.isfinite(head.mean)
    scaled = (differences * np.sqrt(weights)).reshape(len(images), -1).astype(np.float64)
    variances, vectors = np.linalg.eigh(scaled @ scaled.T)
    strongest = np.argsort(variances)[::-1][:_MODES]
    scores = vectors[:, strongest] * np.sqrt(len(images))
    scores *= np.where(scores[np.abs(scores).argmax(axis=0), range(scores.shape[1])] < 0, -1, 1)
    modes = np.tensordot(scores.T, differences, axes=1) / len(images)
    shift = scores.T @ (places - places.mean(axis=0)) / len(images)
    return replace(
        head,
        mean=np.where(np.isfinite(head.mean), mean, np.nan).astype(np.float32),
        modes=modes.astype(np.float32),
        bgl_point=places.mean(axis=0),
        bgl_shift=shift.T.copy(),
    )
