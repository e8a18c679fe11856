"""Affine and SyN registration of two slices through ANTs.

References
----------
Avants BB, Epstein CL, Grossman M, Gee JC. Symmetric diffeomorphic image registration with
cross-correlation. Med Image Anal 12:26-41 (2008). doi:10.1016/j.media.2007.06.004
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.transform import FloatArray, PlaneGrid, Transform
from atlas_builder.registration.ants_transforms import (
    RegistrationError,
    load_ants,
    read_affine,
    read_field,
    write_affine,
)


class Metric(str, Enum):
    """What SyN compares: neighbourhood cross-correlation, mutual information, mean squares."""

    CC = "cc"
    MI = "mi"
    MSQ = "msq"


# Half of ANTs' default: with 0.2, about one slice in a hundred ends in a fold, far from its fit.
_GRADIENT_STEP = 0.1

# Of the pixels. With ANTs' 0.2 the coarse level compares a few hundred, and about one affine in ten
# ends more than 1 mm off.
_AFFINE_SAMPLING = 0.5

# The name ANTs gives the metric, and its radius (pixels) or number of histogram bins.
_SYN_METRIC = {Metric.CC: ("CC", 4), Metric.MI: ("mattes", 32), Metric.MSQ: ("meansquares", 0)}


@dataclass(frozen=True)
class Schedule:
    """How far each stage is optimised, coarse levels first.

    Attributes
    ----------
    affine_iterations : tuple of int
        Iterations at shrink factors 4 and 2; the affine of a whole brain needs no finer pixels.
    syn_iterations : tuple of int
        Iterations at shrink factors 2**(n-1) ... 1.
    """

    affine_iterations: tuple[int, int]
    syn_iterations: tuple[int, ...]


COARSE = Schedule((200, 50), (40, 0, 0))
"""For the first iterations of a template: what they leave out the last one makes up for."""

MEDIUM = Schedule((200, 50), (40, 40, 10))
"""For the last iteration of a template, whose average hides what more would add."""

FINE = Schedule((200, 50), (40, 40, 8))
"""For a new scan."""


def register(
    fixed: FloatArray,
    moving: FloatArray,
    grid: PlaneGrid,
    *,
    metric: Metric,
    schedule: Schedule,
    initial_affine: NDArray[np.float64],
) -> Transform:
    """Register a participant's slice to a template: affine, then SyN.

    Parameters
    ----------
    fixed, moving : ndarray, shape (nx, ny)
        Template and participant in HU, 0 outside the brain, both on `grid`.
    grid : PlaneGrid
        The grid of both images and of the returned fields.
    metric : Metric
        Of the SyN stage; the affine stage uses mutual information.
    schedule : Schedule
        Iterations of both stages.
    initial_affine : ndarray, shape (3, 3)
        Where the affine stage starts, template to participant in mm.

    Returns
    -------
    Transform

    Raises
    ------
    RegistrationError
        ANTs gives up, as it does where the images have nothing in common.
    """
    try:
        transform = _register(fixed, moving, grid, metric, schedule, initial_affine)
    except (RuntimeError, ValueError, OSError) as error:
        raise RegistrationError.of(error) from error
    if not (np.isfinite(transform.affine).all() and np.isfinite(transform.displacement).all()):
        raise RegistrationError.not_finite()
    return transform


def _register(
    fixed: FloatArray,
    moving: FloatArray,
    grid: PlaneGrid,
    metric: Metric,
    schedule: Schedule,
    initial_affine: NDArray[np.float64],
) -> Transform:
    ants = load_ants()
    with tempfile.TemporaryDirectory(prefix="aspects-atlas-") as folder:
        prefix = f"{folder}/"
        fixed_image, moving_image = _to_ants(fixed, grid), _to_ants(moving, grid)
        start = f"{prefix}start.mat"
        write_affine(initial_affine, Path(start))
        affine = ants.registration(
            fixed_image,
            moving_image,
            type_of_transform="Affine",
            initial_transform=start,
            outprefix=f"{prefix}affine",
            aff_metric="mattes",
            aff_iterations=schedule.affine_iterations,
            aff_shrink_factors=(4, 2),
            aff_smoothing_sigmas=(2, 1),
            aff_random_sampling_rate=_AFFINE_SAMPLING,
        )["fwdtransforms"]
        name, sampling = _SYN_METRIC[metric]
        ants.registration(
            fixed_image,
            moving_image,
            type_of_transform="SyNOnly",
            initial_transform=affine[0],
            outprefix=f"{prefix}syn",
            syn_metric=name,
            syn_sampling=sampling,
            # Without it the other metrics see a scan's tube voltage as a deformation.
            use_legacy_histogram_matching=metric is not Metric.MI,
            grad_step=_GRADIENT_STEP,
            reg_iterations=schedule.syn_iterations,
        )
        return Transform(
            affine=read_affine(Path(affine[0])),
            displacement=read_field(Path(f"{prefix}syn1Warp.nii.gz")),
            inverse_displacement=read_field(Path(f"{prefix}syn1InverseWarp.nii.gz")),
            grid=grid,
        )


def _to_ants(image: FloatArray, grid: PlaneGrid) -> Any:
    return load_ants().from_numpy(
        np.asarray(image, np.float32), origin=grid.origin, spacing=(grid.spacing, grid.spacing)
    )
