"""One subject's head, from the standard head.

What ages or swells is worked out in the space of the standard head, on a lattice of 2 mm; the
subject's shape follows. All deformations are composed before anything is resampled, so each volume
is interpolated once and labels stay where their tissue goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from atlas_builder.catalogue.mni_head import Head
from atlas_builder.catalogue.tissues import Tissue
from head_phantom.angiography.contrast import Contrast
from head_phantom.angiography.enhancement import fill_vessels, supply
from head_phantom.head.coarse_head import CoarseHead, coarse_head
from head_phantom.head.deformation import Flow, flow_back, potential_flow
from head_phantom.head.resampling import sample_label_volume, sample_volume
from head_phantom.infarct.dense_vessel import DenseVessel, clot_share
from head_phantom.infarct.infarct import (
    GREY_UPTAKE,
    WHITE_UPTAKE,
    Infarct,
    Ischaemia,
    ischaemia,
    no_ischaemia,
)
from head_phantom.infarct.old_lesions import OldInfarct, cavities
from head_phantom.person.ageing import fluid_gain, tissue_loss
from head_phantom.person.attenuation import person_hu
from head_phantom.person.calcification import calcifications
from head_phantom.person.correspondence import Correspondence, correspondence
from head_phantom.person.head_shape import shape_velocity
from head_phantom.person.leukoaraiosis import DROP_HU, white_matter_lesions
from head_phantom.person.person import Person
from head_phantom.person.unevenness import Unevenness, density_offsets
from head_phantom.person.volumes import Anatomy

Value = TypeVar("Value", bound=np.generic)

_BRAIN = (Tissue.GREY, Tissue.WHITE, Tissue.CSF)
_MOSTLY_CAVITY = 0.4
_RIM_MM = 4.0  # the inner table of the skull stays; flows inside the brain end that far from it


def make_anatomy(
    head: Head,
    person: Person,
    infarct: Infarct | None = None,
    old_infarcts: Sequence[OldInfarct] = (),
    *,
    dense_vessel: DenseVessel | None = None,
    unevenness: Unevenness | None = None,
    contrast: Contrast | None = None,
) -> Anatomy:
    """Make a subject's head.

    The result depends on nothing but the arguments; the same subject without an infarct, or without
    contrast medium, is the same in everything else.

    Parameters
    ----------
    head : Head
        The standard head.
    person : Person
        The traits.
    infarct : Infarct, optional
        An acute infarct.
    old_infarcts : sequence of OldInfarct
        Past infarcts, now cavities.
    dense_vessel : DenseVessel, optional
        A clot that shows.
    unevenness : Unevenness, optional
        Of the brain's density; without it tissue is as dense everywhere as its kind.
    contrast : Contrast, optional
        The subject is given contrast medium, as for a CT angiography.

    Returns
    -------
    Anatomy
        On a grid of 1 mm, upright.
    """
    _, _, white_rng, grain_rng, lacune_rng = _generators(person)
    coarse = coarse_head(head)
    damage = no_ischaemia(coarse) if infarct is None else ischaemia(coarse, head, infarct)
    affected = white_matter_lesions(coarse, person, white_rng)
    lost = cavities(coarse, head, person, old_infarcts, lacune_rng)
    places = places_of(head, coarse, person, damage)
    indices = places.voxel_indices(head)
    box, inside = places.box, places.inside

    tissue_hu = person_hu(person)
    if contrast is not None:
        tissue_hu[Tissue.BLOOD] = contrast.venous_hu
    solid = _solid_hu(head, tissue_hu, calcifications(head, person, grain_rng))
    hu = sample_volume(solid, indices, outside=tissue_hu[Tissue.AIR])
    brain_indices = np.stack([axis[box] for axis in indices])
    cavity = places.in_brain(coarse.lattice, lost)
    grey, white, csf = _fractions(head, brain_indices[:, inside], places.grown(), cavity)
    uptake = places.in_brain(coarse.lattice, damage.uptake)
    grey_hu = tissue_hu[Tissue.GREY] * (1 - GREY_UPTAKE * uptake)
    intact_hu = tissue_hu[Tissue.WHITE] - DROP_HU * places.in_brain(coarse.lattice, affected)
    white_hu = intact_hu * (1 - WHITE_UPTAKE * uptake)
    hu[box][inside] += grey * grey_hu + white * white_hu + csf * tissue_hu[Tissue.CSF]
    if unevenness is not None:
        offsets = places.in_brain(coarse.lattice, density_offsets(coarse, unevenness))
        hu[box][inside] += (grey + white) * offsets
    if contrast is not None:
        filled = places.in_brain(coarse.lattice, supply(coarse, head, contrast, damage.extent))
        gain = grey * contrast.grey_gain + white * contrast.white_gain
        hu[box][inside] += filled * gain
        vessels = fill_vessels(head, contrast)
        own = brain_indices[:, inside]
        hu[box][inside] *= 1 - sample_volume(vessels.share, own)
        hu[box][inside] += sample_volume(vessels.weighted_hu, own)
    if dense_vessel is not None:
        clot = sample_volume(clot_share(head, dense_vessel), brain_indices[:, inside])
        hu[box][inside] += clot * (dense_vessel.hu - hu[box][inside])

    extent = places.in_brain(coarse.lattice, damage.extent)
    regions = np.zeros(hu.shape, np.uint8)
    regions[box] = sample_label_volume(head.regions, brain_indices)
    return Anatomy(
        hu=hu,
        grey=_in_head(_bytes(grey), places, hu.shape),
        white=_in_head(_bytes(white), places, hu.shape),
        csf=_in_head(_bytes(csf), places, hu.shape),
        regions=regions,
        lesion=_in_head((extent >= 0.5) & (grey + white >= 0.5), places, hu.shape),
        cavity=_in_head(cavity >= _MOSTLY_CAVITY, places, hu.shape),
        affine=places.affine,
        bgl_point=places.place_of(head.bgl_point),
    )


def places_of(head: Head, coarse: CoarseHead, person: Person, damage: Ischaemia) -> Correspondence:
    """Return which place of the standard head each voxel of a subject's `Anatomy` shows.

    Parameters
    ----------
    head : Head
        The standard head.
    coarse : CoarseHead
        Its brain.
    person : Person
        The traits.
    damage : Ischaemia
        The swelling of an acute infarct, or `no_ischaemia`.
    """
    shape_rng, ageing_rng, *_ = _generators(person)
    shape = flow_back(*shape_velocity(head, coarse, person, shape_rng))
    interior = _interior_flow(coarse, fluid_gain(coarse, person, ageing_rng), damage)
    return correspondence(head, coarse, person, shape, interior)


def _generators(person: Person) -> list[np.random.Generator]:
    """Return generators of the shape, ageing, white matter, calcifications and lacunes."""
    return [np.random.default_rng(s) for s in np.random.SeedSequence(person.seed).spawn(5)]


def _interior_flow(coarse: CoarseHead, gain: NDArray[np.float32], damage: Ischaemia) -> Flow:
    """Let fluid and swelling push the brain aside within the skull."""
    fluid = gain + damage.fluid_loss
    sources = fluid + tissue_loss(coarse, gain) + damage.tissue_gain
    confined = np.clip(coarse.depth / _RIM_MM, 0, 1)
    return flow_back(coarse.lattice, potential_flow(coarse.lattice, sources) * confined, fluid)


def _fractions(
    head: Head,
    indices: NDArray[np.float32],
    grown: NDArray[np.float32],
    lost: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return grey matter, white matter and fluid at voxels of the brain.

    Parameters
    ----------
    head : Head
        The standard head.
    indices : ndarray, shape (3, n)
        Its voxels.
    grown : ndarray, shape (n,)
        How many times its size each volume is because of fluid added; the tissue in it makes up so
        much less.
    lost : ndarray, shape (n,)
        Share of the tissue that a cavity has replaced.
    """
    grey, white, csf = (sample_volume(head.tissues[t], indices) / 255 for t in _BRAIN)
    tissue = grey + white
    both = tissue + csf
    # Where there is no fluid none can be pressed out, whatever the flow.
    kept = np.clip(tissue / grown, 0, both)
    # A wide sulcus of one head has an edge; the mean of many heads has none.
    power = 1 + np.clip(np.log(grown), 0, 1)
    weight = kept**power
    kept = both * weight / np.maximum(weight + (both - kept) ** power, 1e-6) * (1 - lost)
    ratio = kept / np.maximum(tissue, 1e-3)
    return grey * ratio, white * ratio, both - kept


def _solid_hu(
    head: Head, tissue_hu: Mapping[Tissue, float], grains: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the standard head in HU but for brain and fluid, which are left at 0.

    A calcification replaces brain or fluid; what it adds to their mean is put here. The standard
    head's own calcification shows where glands are: a subject's is in `grains` alone.
    """
    replaced = (tissue_hu[Tissue.GREY] + tissue_hu[Tissue.CSF]) / 2
    volume = np.zeros(head.regions.shape, np.float32)
    for tissue, share in head.tissues.items():
        if tissue not in _BRAIN:
            hu = replaced if tissue is Tissue.CALCIFICATION else tissue_hu[tissue]
            volume += np.float32(hu / 255) * share
    return np.asarray(volume + np.float32(tissue_hu[Tissue.CALCIFICATION] - replaced) * grains)


def _bytes(share: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(255 * share).astype(np.uint8)


def _in_head(
    values: NDArray[Value], places: Correspondence, shape: tuple[int, ...]
) -> NDArray[Value]:
    """Put values at the brain's voxels into a volume of the whole head."""
    volume = np.zeros(shape, values.dtype)
    volume[places.box][places.inside] = values
    return volume
