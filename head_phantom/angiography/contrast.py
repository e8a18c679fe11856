"""Contrast medium: the phase of the scan, and what arteries, veins and tissue gain by it.

Contrast medium of 350 to 400 mg iodine/mL brings the arteries of the head to 250 to 450 HU [1]_.
How far veins are filled tells the phase [2]_: in the early arterial phase hardly, at the peak by a
third, in equilibrium as far as the arteries. Tissue enhances with its blood volume, 4 to 5 mL in
100 g of grey matter and about half of it in white matter [3]_: by 4 to 6 and by 2 to 3 HU.

References
----------
.. [1] Bae KT. Intravenous contrast medium administration and scan timing at CT: considerations and
   approaches. Radiology 256:32-61 (2010). doi:10.1148/radiol.10090908
.. [2] Rodriguez-Luna D, Dowlatshahi D, Aviv RI, et al. Venous phase of computed tomography
   angiography increases spot sign detection, but intracerebral hemorrhage expansion is greater in
   spot signs detected in arterial phase. Stroke 45:734-739 (2014).
   doi:10.1161/STROKEAHA.113.003007
.. [3] Pulli B, Schaefer PW, Hakimelahi R, et al. Acute ischemic stroke: infarct core estimation on
   CT angiography source images depends on CT angiography protocol. Radiology 262:593-604 (2012).
   doi:10.1148/radiol.11110896
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from head_phantom.angiography.occlusion import Occlusion


class Phase(Enum):
    """When the head is scanned after the injection."""

    EARLY_ARTERIAL = "early arterial"
    PEAK_ARTERIAL = "peak arterial"
    EQUILIBRIUM = "equilibrium"


_SHARES = {Phase.EARLY_ARTERIAL: 0.3, Phase.PEAK_ARTERIAL: 0.5, Phase.EQUILIBRIUM: 0.2}
_ARTERIAL_HU = {
    Phase.EARLY_ARTERIAL: (270.0, 400.0),
    Phase.PEAK_ARTERIAL: (320.0, 450.0),
    Phase.EQUILIBRIUM: (250.0, 320.0),
}
_VENOUS_HU = {
    Phase.EARLY_ARTERIAL: (60.0, 110.0),
    Phase.PEAK_ARTERIAL: (110.0, 210.0),
    Phase.EQUILIBRIUM: (210.0, 290.0),
}
_GREY_HU, _WHITE_HU = (4.0, 6.0), (2.0, 3.0)


@dataclass(frozen=True)
class Contrast:
    """What a subject's head gains by contrast medium.

    Attributes
    ----------
    phase : Phase
        When it is scanned.
    arterial_hu, venous_hu : float
        Density of blood in arteries, in veins and sinuses.
    grey_gain, white_gain : float
        What tissue with all its supply gains, HU.
    seed : int
        Decides how the vessels of this subject depart from the usual courses and calibres.
    occlusion : Occlusion or None
        The occluded artery, where there is one.
    """

    phase: Phase
    arterial_hu: float
    venous_hu: float
    grey_gain: float
    white_gain: float
    seed: int
    occlusion: Occlusion | None = None


def draw_contrast(rng: np.random.Generator, occlusion: Occlusion | None) -> Contrast:
    """Draw phase and enhancement.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of chance.
    occlusion : Occlusion or None
        The occluded artery.

    Returns
    -------
    Contrast
        Half of the scans are of the peak arterial phase, three in ten of the early one.
    """
    phases = list(_SHARES)
    phase = phases[int(rng.choice(len(phases), p=list(_SHARES.values())))]
    return Contrast(
        phase,
        arterial_hu=float(rng.uniform(*_ARTERIAL_HU[phase])),
        venous_hu=float(rng.uniform(*_VENOUS_HU[phase])),
        grey_gain=float(rng.uniform(*_GREY_HU)),
        white_gain=float(rng.uniform(*_WHITE_HU)),
        seed=int(rng.integers(2**32)),
        occlusion=occlusion,
    )
