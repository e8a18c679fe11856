"""The tissues of the phantom and their densities on CT in Hounsfield units (HU).

The values are those of the pure tissue at 120 kV. What a scanner shows is less extreme: with slices
of 5 mm hardly a voxel of cortex is free of white matter and fluid, so the grey matter's peak in
the histogram of such a slice lies 2-3 HU below the value here.

References
----------
.. [1] Cala LA, et al. AJNR 2:41-47 (1981): white matter 30.0 (SD 3.4), deep grey matter 33.1 (SD
   3.0) in volunteers aged 15-40.
.. [2] Prokop M, Galanski M. Spiral and Multislice Computed Tomography of the Body. Thieme (2003):
   grey matter 37-45, white matter 20-30, fat -100 to -50, blood 45-65.
.. [3] Lee SY, et al. Yonsei Med J 54:28-33 (2013), doi:10.3349/ymj.2013.54.1.28: dural sinuses
   25-54, by haematocrit; Buyck PJ, et al. Neuroradiology 58:657-663 (2016),
   doi:10.1007/s00234-016-1681-2: 52 (95 % CI 51-54).
.. [4] Schneider W, Bortfeld T, Schlegel W. Phys Med Biol 45:459-478 (2000),
   doi:10.1088/0031-9155/45/2/314: soft tissues and bone from their elements and densities.
.. [5] Schwartz M, et al. Ann Neurol 17:146-157 (1985), doi:10.1002/ana.410170208: no significant
   change of grey and white matter in healthy men from 21 to 81.
.. [6] Zatz LM, Jernigan TL, Ahumada AJ. J Comput Assist Tomogr 6:19-23 (1982): white matter
   declines with age.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Tissue(str, Enum):
    """What a voxel of the phantom may be made of."""

    AIR = "air"
    GREY = "grey"
    WHITE = "white"
    CSF = "csf"
    DURA = "dura"
    BLOOD = "blood"
    CALCIFICATION = "calcification"
    CORTICAL_BONE = "cortical_bone"
    DIPLOE = "diploe"
    FAT = "fat"
    MUSCLE = "muscle"
    SKIN = "skin"
    VITREOUS = "vitreous"
    LENS = "lens"


@dataclass(frozen=True)
class Density:
    """How dense a tissue is on CT.

    Attributes
    ----------
    mean : float
        HU of the pure tissue at 40 years.
    low, high : float
        HU between which published means of healthy people lie.
    """

    mean: float
    low: float
    high: float


DENSITIES = MappingProxyType(
    {
        Tissue.AIR: Density(-1000, -1000, -980),
        Tissue.GREY: Density(39.0, 32, 45),  # [1]_, [2]_
        Tissue.WHITE: Density(28.5, 20, 33),  # [1]_, [2]_
        Tissue.CSF: Density(9.0, 0, 15),  # [2]_; water, 0.3 g/L of protein and its salts
        Tissue.DURA: Density(55.0, 40, 70),  # a sheet thinner than a pixel; collagen as in [4]_
        Tissue.BLOOD: Density(52.0, 40, 65),  # [2]_, [3]_
        Tissue.CALCIFICATION: Density(350.0, 100, 800),  # physiological, seen from about 100 up
        Tissue.CORTICAL_BONE: Density(1600.0, 800, 1900),  # [4]_
        Tissue.DIPLOE: Density(550.0, 300, 700),  # trabeculae with red and fatty marrow, [4]_
        Tissue.FAT: Density(-98.0, -120, -50),  # [2]_, [4]_
        Tissue.MUSCLE: Density(54.0, 35, 65),  # [4]_
        Tissue.SKIN: Density(55.0, 30, 80),  # [4]_
        Tissue.VITREOUS: Density(8.0, 0, 15),  # water with 1 % of salts and collagen
        Tissue.LENS: Density(75.0, 55, 120),  # a third of its mass is protein
    }
)
"""The density of every tissue."""

_REFERENCE_AGE = 40.0
# Between none [5]_ and a clear decline [6]_; 1 HU from 40 to 90 years.
_HU_PER_YEAR = MappingProxyType({Tissue.WHITE: -0.02, Tissue.GREY: -0.01})
_ADULT_AGE = 20.0


def mean_hu(tissue: Tissue, age: float) -> float:
    """Return a tissue's mean density at an age.

    White and, half as much, grey matter lose density from 20 years on; the other tissues' change
    is small against their spread between subjects. Lesions of the white matter, calcification and
    the loss of bone mineral vary by subject and are not in here.

    Parameters
    ----------
    tissue : Tissue
        Which.
    age : float
        Years.

    Returns
    -------
    float
        HU of the pure tissue.
    """
    slope = _HU_PER_YEAR.get(tissue, 0.0)
    return DENSITIES[tissue].mean + slope * (max(age, _ADULT_AGE) - _REFERENCE_AGE)
