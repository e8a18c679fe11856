"""The tissues of the phantom."""

from __future__ import annotations

from enum import Enum


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
