"""What the tissues measure on CT in one person."""

from __future__ import annotations

from atlas_builder.phantom.person import Person
from atlas_builder.phantom.tissues import Tissue, mean_hu


def person_hu(person: Person) -> dict[Tissue, float]:
    """Return the HU of every tissue in a person."""
    hu = {tissue: mean_hu(tissue, person.age) for tissue in Tissue}
    hu[Tissue.GREY] += person.brain_hu + person.contrast_hu / 2
    hu[Tissue.WHITE] += person.brain_hu - person.contrast_hu / 2
    hu[Tissue.CSF] += person.csf_hu
    for bone in (Tissue.CORTICAL_BONE, Tissue.DIPLOE):
        hu[bone] *= person.bone_density
    return hu
