"""A stroke planted in a real brain: another shape, a simulated skull, real lesions.

The brain's own density stays; where the infarct is, it falls by the net water uptake of its hours.
Swelling is left out. Skull, scalp and the fluid around the brain are the standard head's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.catalogue.tissues import Tissue
from head_phantom.head.coarse_head import CoarseHead
from head_phantom.head.deformation import flow_back, smooth_noise
from head_phantom.head.resampling import sample_label_volume, sample_volume
from head_phantom.infarct.infarct import (
    GREY_UPTAKE,
    WHITE_UPTAKE,
    lesion_extent,
    net_water_uptake,
)
from head_phantom.infarct.patients import Findings
from head_phantom.person.attenuation import person_hu
from head_phantom.person.head_shape import shape_velocity
from head_phantom.person.person import Person
from head_phantom.person.unevenness import density_offsets
from head_phantom.person.volumes import Anatomy
from head_phantom.real_brain.alignment import RealBrain

_BRAIN = (Tissue.GREY, Tissue.WHITE, Tissue.CSF)
_CAVITY = 0.85
_FLUID_TO_TISSUE_HU = (14.0, 24.0)
_WHITE_TO_GREY_HU = (27.0, 38.0)
_SIZES = (0.85, 1.05)
_MARGIN_MM = 4.0


def plant(
    head: Head,
    coarse: CoarseHead,
    brain: RealBrain,
    person: Person,
    findings: Findings,
    rng: np.random.Generator,
) -> Anatomy:
    """Make a head from a real brain, with what is found in it.

    Parameters
    ----------
    head : Head
        The standard head, which gives skull and regions.
    coarse : CoarseHead
        Its brain.
    brain : RealBrain
        The real one.
    person : Person
        Decides the size, the asymmetry and the density of what is not real.
    findings : Findings
        The infarct, cavities of old ones and the unevenness; clots are not planted.
    rng : numpy.random.Generator
        Draws the deformation and the infarct's texture.

    Returns
    -------
    Anatomy
        On a grid of 1 mm, upright.
    """
    size = float(np.clip((person.intracranial_ml / brain.volume_ml) ** (1 / 3), *_SIZES))
    points, affine = _subject_grid(head, size)
    own = flow_back(*shape_velocity(head, coarse, person, rng)).origins(points / np.float32(size))
    mni = brain.in_mni(own)
    own_voxels = own - head.affine[:3, 3].reshape(3, 1, 1, 1).astype(np.float32)
    mni_voxels = mni - head.affine[:3, 3].reshape(3, 1, 1, 1).astype(np.float32)
    inside = sample_volume(brain.inside, own_voxels)
    real = sample_volume(brain.hu, own_voxels)

    cavity = np.zeros(real.shape, np.float32)
    for old in findings.old_infarcts:
        extent = lesion_extent(coarse, head, old.place, np.random.default_rng(old.seed))
        np.maximum(cavity, coarse.lattice.sample(extent, mni), out=cavity)
    fluid_hu = person_hu(person)[Tissue.CSF]
    tissue = np.clip(_ramp(real, _FLUID_TO_TISSUE_HU), 0, 1)
    if findings.unevenness is not None:
        real += tissue * coarse.lattice.sample(density_offsets(coarse, findings.unevenness), mni)
    real += _CAVITY * cavity * tissue * (fluid_hu - real)
    tissue *= 1 - _CAVITY * cavity
    grey = np.clip(_ramp(real, _WHITE_TO_GREY_HU), 0, 1)
    extent = np.zeros(real.shape, np.float32)
    if findings.infarct is not None:
        infarct = findings.infarct
        lesion_rng = np.random.default_rng(infarct.seed)
        extent = coarse.lattice.sample(lesion_extent(coarse, head, infarct.place, lesion_rng), mni)
        texture = np.clip(1 + 0.15 * smooth_noise(coarse.lattice, 6.0, rng), 0.5, 1.5)
        uptake = net_water_uptake(infarct.hours) * extent * coarse.lattice.sample(texture, mni)
        real *= 1 - tissue * uptake * (WHITE_UPTAKE + (GREY_UPTAKE - WHITE_UPTAKE) * grey)
    solid = sample_volume(_around_brain(head, person), mni_voxels, outside=-1000.0)
    in_brain = inside * tissue
    return Anatomy(
        hu=(inside * real + (1 - inside) * solid).astype(np.float32),
        grey=_bytes(in_brain * grey),
        white=_bytes(in_brain * (1 - grey)),
        csf=_bytes(inside * (1 - tissue)),
        regions=np.where(inside >= 0.5, sample_label_volume(head.regions, mni_voxels), 0).astype(
            np.uint8
        ),
        lesion=(extent >= 0.5) & (in_brain >= 0.5),
        cavity=(cavity >= 0.5) & (inside >= 0.5),
        affine=affine,
        bgl_point=_place_of(head.bgl_point, mni, affine),
    )


def _subject_grid(head: Head, size: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the subject's voxels of 1 mm in mm, and their affine."""
    first = head.affine[:3, 3]
    last = first + np.array(head.regions.shape) - 1
    low, high = np.floor(first * size - _MARGIN_MM), np.ceil(last * size + _MARGIN_MM)
    low[2] = np.ceil(first[2] * size)  # the standard head ends there, below the skull
    x, y, z = (int(n) + 1 for n in high - low)
    affine = np.eye(4)
    affine[:3, 3] = low
    points = np.indices((x, y, z), np.float32) + low.reshape(3, 1, 1, 1).astype(np.float32)
    return points, affine


def _around_brain(head: Head, person: Person) -> NDArray[np.float32]:
    """Return the standard head in HU, with fluid in the place of the brain."""
    densities = person_hu(person)
    volume = np.zeros(head.regions.shape, np.float32)
    for tissue, share in head.tissues.items():
        hu = densities[Tissue.CSF] if tissue in (*_BRAIN, Tissue.CALCIFICATION) else None
        volume += np.float32((densities[tissue] if hu is None else hu) / 255) * share
    return volume


def _ramp(values: NDArray[np.float32], ends: tuple[float, float]) -> NDArray[np.float32]:
    return np.asarray((values - ends[0]) / (ends[1] - ends[0]), dtype=np.float32)


def _place_of(
    point: NDArray[np.float64], mni: NDArray[np.float32], affine: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the subject's voxel, in mm, that lies nearest to a point of MNI space."""
    distance = ((mni - point.reshape(3, 1, 1, 1).astype(np.float32)) ** 2).sum(axis=0)
    nearest = np.array(np.unravel_index(int(np.argmin(distance)), distance.shape))
    return np.asarray(affine[:3, 3] + nearest)


def _bytes(share: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(255 * np.clip(share, 0, 1)).astype(np.uint8)
