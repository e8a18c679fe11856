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

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.transform import FloatArray, PlaneGrid, Transform
from atlas_builder.registration.ants_library import (
    Image,
    read_affine,
    read_field,
    run_registration,
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


FIRST = Schedule((200, 50), (15, 0, 0))
"""For the first iteration of a template: what it leaves out the others make up for."""

COARSE = Schedule((0, 10), (15, 0, 0))
"""For those after it, whose affine starts near its end."""

LAST = Schedule((0, 10), (20, 25, 6))
"""For the last iteration of a template, whose average hides what more would add."""

ONLY = Schedule(FIRST.affine_iterations, LAST.syn_iterations)
"""For a template of one iteration."""

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
    with tempfile.TemporaryDirectory(prefix="aspects-atlas-") as folder:
        start, affine, deformation = (Path(folder) / n for n in ("start.mat", "affine", "syn"))
        write_affine(initial_affine, start)
        images = [
            Image(np.asarray(image, np.float32), grid.origin, grid.spacing)
            for image in (fixed, moving)
        ]
        run_registration(
            *images,
            dimension=2,
            metric=f"mattes[{{}},1,32,regular,{_AFFINE_SAMPLING}]",
            transform="Affine[0.25]",
            convergence="x".join(map(str, schedule.affine_iterations)),
            smoothing=(2, 1),
            shrinking=(4, 2),
            start=start,
            prefix=str(affine),
        )
        found = Path(f"{affine}0GenericAffine.mat")
        name, sampling = _SYN_METRIC[metric]
        levels = range(len(schedule.syn_iterations) - 1, -1, -1)
        run_registration(
            *images,
            dimension=2,
            metric=f"{name}[{{}},1,{sampling}]",
            transform=f"SyN[{_GRADIENT_STEP},3,0]",
            convergence=f"[{'x'.join(map(str, schedule.syn_iterations))},1e-7,8]",
            smoothing=levels,
            shrinking=[2**level for level in levels],
            start=found,
            prefix=str(deformation),
            # Without it the other metrics see a scan's tube voltage as a deformation.
            match_histograms=metric is not Metric.MI,
        )
        return Transform(
            affine=read_affine(found),
            displacement=read_field(Path(f"{deformation}1Warp.nii.gz"), 2),
            inverse_displacement=read_field(Path(f"{deformation}1InverseWarp.nii.gz"), 2),
            grid=grid,
        )
