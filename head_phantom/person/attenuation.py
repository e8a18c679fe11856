"""What the tissues measure on CT in one subject."""

from __future__ import annotations

from atlas_builder.catalogue.tissues import Tissue, mean_hu
from head_phantom.person.person import Person


def person_hu(person: Person) -> dict[Tissue, float]:
    """Return the HU of every tissue in a subject.

    Parameters
    ----------
    person : Person
        The age decides the means, the traits how far they are off.

    Returns
    -------
    dict of Tissue to float
        In HU.
    """
    hu = {tissue: mean_hu(tissue, person.age) for tissue in Tissue}
    hu[Tissue.GREY] += person.brain_hu + person.contrast_hu / 2
    hu[Tissue.WHITE] += person.brain_hu - person.contrast_hu / 2
    hu[Tissue.CSF] += person.csf_hu
    for bone in (Tissue.CORTICAL_BONE, Tissue.DIPLOE):
        hu[bone] *= person.bone_density
    return hu
