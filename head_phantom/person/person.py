"""A person: the traits that make one head differ from the standard head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from head_phantom.person import norms
from head_phantom.person.norms import Sex

_MNI_INTRACRANIAL_ML = 1880.0
"""What the ICBM 2009a brain mask holds; MNI space is that much larger than heads are."""


@dataclass(frozen=True)
class Person:
    """The traits of one person.

    Attributes
    ----------
    age : float
        Years.
    sex : {'F', 'M'}
        Sex.
    intracranial_ml : float
        Intracranial volume in mL.
    scale : tuple of float
        Size of the head along x (right), y (front) and z (up) against the standard head.
    ventricle_ml : float
        Volume of the lateral and third ventricles in mL.
    sulcal_csf_gain : float
        CSF outside the ventricles beyond the standard head's, a share of the intracranial volume.
    white_matter_lesion_ml : float
        Volume of hypodense white matter (leukoaraiosis) in mL.
    lacunes : int
        Small old cavities in the deep grey and white matter.
    torque : float
        How far the right frontal and the left occipital lobe protrude, in mm; negative if reversed.
    sylvian_asymmetry : float
        How far the left Sylvian fissure reaches back beyond the right, in mm.
    calcified_pineal, calcified_choroid_plexus, calcified_basal_ganglia : bool
        Physiological calcifications.
    brain_hu, contrast_hu, csf_hu : float
        Offsets in HU: of brain tissue, of the difference of grey and white matter, of CSF.
    bone_density : float
        Density of bone against the standard head's.
    seed : int
        Decides what the traits leave open: the shape of the head and of single sulci.
    """

    age: float
    sex: Sex
    intracranial_ml: float
    scale: tuple[float, float, float]
    ventricle_ml: float
    sulcal_csf_gain: float
    white_matter_lesion_ml: float
    lacunes: int
    torque: float
    sylvian_asymmetry: float
    calcified_pineal: bool
    calcified_choroid_plexus: bool
    calcified_basal_ganglia: bool
    brain_hu: float
    contrast_hu: float
    csf_hu: float
    bone_density: float
    seed: int


def draw_person(age: float, sex: Sex, rng: np.random.Generator) -> Person:
    """Draw a healthy person of an age and a sex.

    Sizes scatter about the medians of `norms`: ventricles by a third, white matter lesions by a
    factor of two, the CSF of sulci by 2% of the intracranial volume. Most right frontal and left
    occipital lobes protrude, and most left Sylvian fissures reach further back [1]_.

    Parameters
    ----------
    age : float
        In years; `norms` hold from 10 to 89.
    sex : {'F', 'M'}
        Sex.
    rng : numpy.random.Generator
        The only source of chance; it also draws `Person.seed`.

    Returns
    -------
    Person

    References
    ----------
    .. [1] Toga AW, Thompson PM. Mapping brain asymmetry. Nat Rev Neurosci 4:37-48 (2003).
       doi:10.1038/nrn1009
    """
    mean, deviation = norms.INTRACRANIAL_ML[sex]
    intracranial_ml = _scatter(rng, mean, deviation)
    size = (intracranial_ml / _MNI_INTRACRANIAL_ML) ** (1 / 3)
    # The cephalic index, width over length, varies by about 4.5%.
    breadth, height = np.exp(_scatter(rng, 0, 0.045)), np.exp(_scatter(rng, 0, 0.025))
    in_plane = height ** (-1 / 3)
    x, y, z = in_plane * breadth**0.5, in_plane * breadth**-0.5, height ** (2 / 3)
    # A larger head has larger ventricles at the same age.
    ventricles = (
        norms.ventricle_ml(age, sex) * intracranial_ml / mean * np.exp(_scatter(rng, 0, 0.3))
    )
    sulci = norms.sulcal_csf_gain(age) + _scatter(rng, 0, 0.02)
    lesions = norms.white_matter_lesion_ml(age, sex) * np.exp(_scatter(rng, 0, 0.7))
    chance = rng.random(3)
    return Person(
        age=age,
        sex=sex,
        intracranial_ml=intracranial_ml,
        scale=(size * float(x), size * float(y), size * float(z)),
        ventricle_ml=float(ventricles),
        sulcal_csf_gain=sulci,
        white_matter_lesion_ml=float(lesions),
        lacunes=int(rng.poisson(norms.lacunes(age))),
        torque=_scatter(rng, 1.5, 1.2),
        sylvian_asymmetry=_scatter(rng, 3.0, 3.0),
        calcified_pineal=bool(chance[0] < norms.pineal_calcification(age, sex)),
        calcified_choroid_plexus=bool(chance[1] < norms.choroid_plexus_calcification(age)),
        calcified_basal_ganglia=bool(chance[2] < norms.basal_ganglia_calcification(age)),
        brain_hu=_scatter(rng, 0, 1.0),
        contrast_hu=_scatter(rng, 0, 0.7),
        csf_hu=_scatter(rng, 0, 1.2),
        bone_density=float(np.exp(_scatter(rng, 0, 0.08))),
        seed=int(rng.integers(2**32)),
    )


def _scatter(rng: np.random.Generator, mean: float, deviation: float) -> float:
    """Draw from a normal distribution without its outer 1%."""
    return mean + deviation * float(np.clip(rng.standard_normal(), -2.5, 2.5))
