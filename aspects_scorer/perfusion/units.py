"""Whether a map holds cerebral blood flow, and in which unit, told by what healthy tissue has.

Grey matter has 40-80 mL/100 g/min and white matter 15-30, two to three times less. Times (MTT, TTP,
Tmax) hardly differ between the two; blood volume (CBV) differs as flow does, but is 2-6 mL/100 g.
The core is a ratio, so that a factor changes no result; it is named all the same. Flow in mL/100 mL
is 5% higher than in mL/100 g, which nothing here can tell apart.

References
----------
.. [1] Wintermark M, Thiran JP, Maeder P, Schnyder P, Meuli R. Simultaneous measurement of regional
   cerebral blood flow by perfusion CT and stable xenon CT: a validation study. AJNR Am J
   Neuroradiol 22:905-914 (2001).
"""

from __future__ import annotations

from dataclasses import dataclass

from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag

UNIT = "mL/100 g/min"

_PLAUSIBLE = (20.0, 120.0)  # of grey matter: workstations differ by a factor of two and more
_USUAL = (30.0, 90.0)
_FACTORS = (1.0, 10.0, 100.0, 0.01)  # the last one is flow in mL/g/min
_BLOOD_VOLUME = (1.5, 12.0)  # of grey matter, mL/100 g
_LEAST_CONTRAST, _USUAL_CONTRAST = 1.35, 1.5


@dataclass(frozen=True)
class MapUnit:
    """What a map's values are.

    Attributes
    ----------
    factor : float
        By which they are divided to be in mL/100 g/min.
    grey, white : float
        Medians of the better side's grey and white matter, mL/100 g/min.
    flags : tuple of Flag
        Reservations.
    """

    factor: float
    grey: float
    white: float
    flags: tuple[Flag, ...] = ()

    @property
    def contrast(self) -> float:
        """Grey over white matter."""
        return self.grey / self.white


def check_unit(grey: float, white: float) -> MapUnit:
    """Find the unit of a map, or refuse one that is no map of flow.

    Parameters
    ----------
    grey, white : float
        Medians of the better side's grey and white matter, in the map's own unit.

    Returns
    -------
    MapUnit

    Raises
    ------
    InputError
        The values are not those of flow.
    """
    if not (grey > 0 and white > 0):
        raise InputError(
            "covers no grey and white matter of the regions with any flow; give a CBF map that "
            "reaches the basal ganglia or the slices above them"
        )
    seen = f"grey matter {grey:.3g}, white matter {white:.3g}"
    if grey / white < _LEAST_CONTRAST:
        raise InputError(
            f"no map of flow: {seen} on the better side, a ratio of {grey / white:.2f} where flow "
            "has 2 to 3 (a time map such as MTT, TTP or Tmax?); give the CBF map"
        )
    factor = next((f for f in _FACTORS if _PLAUSIBLE[0] <= grey / f <= _PLAUSIBLE[1]), None)
    if factor is None:
        volume = _BLOOD_VOLUME[0] <= grey <= _BLOOD_VOLUME[1]
        guess = " (blood volume, CBV?)" if volume else ""
        raise InputError(
            f"no plausible flow: {seen} on the better side{guess}, where CBF has 40-80 and 15-30 "
            f"{UNIT}; give the CBF map in that unit"
        )
    flags = []
    if factor != 1:
        flags.append(
            Flag(
                "flow-scaled",
                f"the map's values ({seen}) are {factor:g} times {UNIT}: they were divided by "
                f"{factor:g}; the core is a ratio and does not depend on it",
            )
        )
    level = grey / factor
    if not _USUAL[0] <= level <= _USUAL[1]:
        flags.append(
            Flag(
                "flow-unusual",
                f"grey matter of the better side has {level:.0f} {UNIT}, where 40-80 is usual: low "
                "flow on both sides, or another unit; the core is measured against that side",
            )
        )
    if grey / white < _USUAL_CONTRAST:
        flags.append(
            Flag(
                "flow-contrast",
                f"grey matter has {grey / white:.2f} times the flow of white matter, where 2 to 3 "
                "is usual: a blurred map, or another quantity; look at the overlay",
            )
        )
    return MapUnit(factor, level, white / factor, tuple(flags))
