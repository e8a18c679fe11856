"""Regions, levels, sides and age groups of ASPECTS: the only place that knows the label values.

ASPECTS divides the territory of the middle cerebral artery into ten regions a side. Seven lie at
the basal ganglia level (BGL), three at the supraganglionic level (SGL) about 2 cm above it.
An atlas carries the values 1-10 on both sides.

References
----------
Barber PA, Demchuk AM, Zhang J, Buchan AM. Validity and reliability of a quantitative computed
tomography score in predicting outcome of hyperacute stroke before thrombolytic therapy.
Lancet 355:1670-1674 (2000). doi:10.1016/S0140-6736(00)02237-6
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeAlias

from atlas_builder.core.errors import InputError

Level: TypeAlias = Literal["BGL", "SGL"]
Side: TypeAlias = Literal["left", "right"]

LEVELS: tuple[Level, ...] = ("BGL", "SGL")
SIDES: tuple[Side, ...] = ("left", "right")

SGL_ABOVE_BGL_MM = 20.0
"""How far the supraganglionic level lies above the basal ganglia level, along the normal."""


class Region(IntEnum):
    """The ten ASPECTS regions; the value is the label value."""

    C = 1
    L = 2
    IC = 3
    I = 4  # noqa: E741 - the insula's name in ASPECTS
    M1 = 5
    M2 = 6
    M3 = 7
    M4 = 8
    M5 = 9
    M6 = 10

    @property
    def level(self) -> Level:
        """The level the region is drawn at."""
        return "SGL" if self >= Region.M4 else "BGL"

    @property
    def full_name(self) -> str:
        """The region in words."""
        return _FULL_NAMES[self]


_FULL_NAMES = {
    Region.C: "caudate",
    Region.L: "lentiform nucleus",
    Region.IC: "internal capsule",
    Region.I: "insula",
    Region.M1: "anterior MCA cortex",
    Region.M2: "MCA cortex lateral to the insula",
    Region.M3: "posterior MCA cortex",
    Region.M4: "anterior MCA territory above M1",
    Region.M5: "lateral MCA territory above M2",
    Region.M6: "posterior MCA territory above M3",
}


def regions_of(level: Level) -> tuple[Region, ...]:
    """Return the regions drawn at a level, in label order.

    Parameters
    ----------
    level : {'BGL', 'SGL'}
        Basal ganglia or supraganglionic level.

    Returns
    -------
    tuple of Region
        Seven at the BGL, three at the SGL.
    """
    return tuple(region for region in Region if region.level == level)


def map_value(region: Region, side: Side) -> int:
    """Return the value a region has in a map on a scan: 1-10 on the left, 11-20 on the right.

    Parameters
    ----------
    region : Region
        Which region.
    side : {'left', 'right'}
        Of the patient.

    Returns
    -------
    int
        1-20.
    """
    return int(region) + (len(Region) if side == "right" else 0)


@dataclass(frozen=True, order=True)
class AgeGroup:
    """An inclusive range of ages in whole years.

    Attributes
    ----------
    first, last : int
        The youngest and the oldest age (years) that belong to the group.
    """

    first: int
    last: int

    def __contains__(self, age: float) -> bool:
        """Tell whether the group contains an age (years, may be fractional)."""
        return self.first <= age < self.last + 1

    def __str__(self) -> str:
        """Return the group as users write it, ``50-69``."""
        return f"{self.first}-{self.last}"

    @property
    def stem(self) -> str:
        """The group as file names carry it, ``50_69``."""
        return f"{self.first}_{self.last}"

    @classmethod
    def parse(cls, text: str) -> AgeGroup:
        """Read ``50-69``.

        Parameters
        ----------
        text : str
            The first and the last age in whole years, joined by a hyphen, a dash or an underscore.

        Returns
        -------
        AgeGroup

        Raises
        ------
        InputError
            The text is not two whole numbers of years, the smaller first.
        """
        match = re.fullmatch(r"\s*(\d{1,3})\s*[-_\u2013]\s*(\d{1,3})\s*", text)
        if match is None or int(match[1]) > int(match[2]):
            raise InputError(
                f"age group {text!r}: not a range of years; write it as FIRST-LAST, such as 50-69"
            )
        return cls(int(match[1]), int(match[2]))


def narrowest_containing(groups: Iterable[AgeGroup], age: float) -> AgeGroup | None:
    """Return the age group that contains an age; of several, the narrowest.

    Parameters
    ----------
    groups : iterable of AgeGroup
        Of several as narrow, the first is taken.
    age : float
        In years, may be fractional.

    Returns
    -------
    AgeGroup or None
        None where no group contains the age.
    """
    containing = [group for group in groups if age in group]
    return min(containing, key=lambda group: group.last - group.first, default=None)


def nearest_to(groups: Iterable[AgeGroup], age: float) -> AgeGroup:
    """Return which of some age groups an age that is in none of them is nearest to.

    Parameters
    ----------
    groups : iterable of AgeGroup
        At least one; of several as near, the first is taken.
    age : float
        In years, may be fractional.

    Returns
    -------
    AgeGroup
    """
    return min(groups, key=lambda group: max(group.first - age, age - (group.last + 1)))


AGE_GROUPS: tuple[AgeGroup, ...] = (
    AgeGroup(10, 29),
    AgeGroup(30, 49),
    AgeGroup(50, 69),
    AgeGroup(70, 89),
)
"""The four groups of ASPECTS-281."""
