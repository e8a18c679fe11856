"""What contrast medium adds to the standard head: filled vessels, and tissue by its supply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.core.anatomy import SIDES, Side
from head_phantom.angiography.contrast import Contrast
from head_phantom.angiography.occlusion import Occlusion
from head_phantom.angiography.vessels import (
    STEP_MM,
    VESSELS,
    Segment,
    Vessel,
    course_of,
    fluid_of,
)
from head_phantom.head.coarse_head import CoarseHead
from head_phantom.infarct.infarct import lesion_extent

Array = NDArray[np.float64]

_CALIBRE_SPREAD = 0.1
_UNFILLED_HU = 45.0  # blood that no contrast medium has reached; clot
_CLOT_HU = 60.0
_CORE_FILLING = 0.2  # capillaries inside an infarct are closed


@dataclass(frozen=True)
class FilledVessels:
    """The vessels in the standard head, on its voxels.

    Attributes
    ----------
    share : ndarray of float32, shape (x, y, z)
        How much of a voxel is vessel, 0 to 1.
    weighted_hu : ndarray of float32, shape (x, y, z)
        That share times the density of the vessel's blood.
    """

    share: NDArray[np.float32]
    weighted_hu: NDArray[np.float32]


def fill_vessels(head: Head, contrast: Contrast) -> FilledVessels:
    """Fill arteries and veins with contrast medium as far as an occlusion lets it pass.

    Parameters
    ----------
    head : Head
        The standard head.
    contrast : Contrast
        Densities, and the occlusion.

    Returns
    -------
    FilledVessels
        Where vessels meet the denser one shows.
    """
    rng = np.random.default_rng(contrast.seed)
    fluid = fluid_of(head)
    share = np.zeros(head.regions.shape, np.float32)
    hu = np.full(share.shape, _UNFILLED_HU, np.float32)
    for vessel in VESSELS:
        for side in SIDES if vessel.paired else SIDES[:1]:
            course = course_of(vessel, side, head, fluid, rng)
            calibre = float(np.exp(rng.normal(0, _CALIBRE_SPREAD)))
            radii = np.linspace(*vessel.diameters_mm, len(course)) / 2 * calibre
            _lay(share, hu, course - head.affine[:3, 3], radii, _blood_hu(vessel, side, contrast))
    return FilledVessels(share, share * hu)


def supply(
    coarse: CoarseHead, head: Head, contrast: Contrast, infarct: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return how much of its enhancement each place of the brain gets.

    Parameters
    ----------
    coarse : CoarseHead
        The standard head's brain.
    head : Head
        The standard head.
    contrast : Contrast
        Its occlusion has a territory, and collaterals that supply it.
    infarct : ndarray of float32, shape (x, y, z)
        On the lattice of `coarse`: 1 in the infarct, which gets a fifth at most.

    Returns
    -------
    ndarray of float32, shape (x, y, z)
        On the lattice of `coarse`: 1 where nothing is wanting.
    """
    core = np.asarray(1 - infarct * np.float32(1 - _CORE_FILLING), np.float32)
    occlusion = contrast.occlusion
    if occlusion is None:
        return core
    rng = np.random.default_rng([contrast.seed, 1])
    behind = lesion_extent(coarse, head, occlusion.territory, rng)
    return np.minimum(core, 1 - behind * np.float32(1 - occlusion.tissue_filling))


def _blood_hu(vessel: Vessel, side: Side, contrast: Contrast) -> tuple[float, float, float, Array]:
    """Return densities before, in and behind a clot, and where along the vessel they change, mm."""
    usual = contrast.venous_hu if vessel.segment is Segment.VEIN else contrast.arterial_hu
    occlusion = contrast.occlusion
    everywhere = (usual, usual, usual, np.array([np.inf, np.inf]))
    if occlusion is None or occlusion.side != side or vessel.segment is Segment.VEIN:
        return everywhere
    behind = _UNFILLED_HU + occlusion.vessel_filling * (usual - _UNFILLED_HU)
    if vessel.segment in occlusion.behind:
        return behind, behind, behind, np.array([np.inf, np.inf])
    if vessel.segment is not occlusion.clotted:
        return everywhere
    if not _is_trunk(vessel, occlusion):
        return behind, behind, behind, np.array([np.inf, np.inf])
    first = occlusion.from_mm
    return usual, _CLOT_HU, behind, np.array([first, first + occlusion.length_mm])


def _is_trunk(vessel: Vessel, occlusion: Occlusion) -> bool:
    """Tell the vessel that a segment is called after from its branches."""
    return vessel.name == occlusion.clotted.value


def _lay(
    share: NDArray[np.float32],
    hu: NDArray[np.float32],
    course: Array,
    radii: Array,
    blood: tuple[float, float, float, Array],
) -> None:
    """Lay a tube with a soft rim along a course in voxels of 1 mm."""
    before, clot, behind, changes = blood
    for number, (middle, radius) in enumerate(zip(course, radii, strict=True)):
        along = number * STEP_MM
        density = before if along < changes[0] else clot if along < changes[1] else behind
        first = np.maximum(np.floor(middle - radius - 1).astype(int), 0)
        last = np.minimum(np.ceil(middle + radius + 1).astype(int) + 1, share.shape)
        if (last <= first).any():
            continue
        box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        axes = [(np.arange(a, b) - m) ** 2 for a, b, m in zip(first, last, middle, strict=True)]
        distance = np.sqrt(axes[0][:, None, None] + axes[1][:, None] + axes[2])
        own = np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32)
        # Of vessels that meet the fuller one shows.
        shown = (own > share[box]) | ((own > 0.5) & (density > hu[box]))
        hu[box][shown] = density
        np.maximum(share[box], own, out=share[box])
