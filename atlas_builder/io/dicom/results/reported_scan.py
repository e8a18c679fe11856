"""What a structured report says of a scan, before it is written."""

from __future__ import annotations

from dataclasses import dataclass

from atlas_builder.core.anatomy import Region, Side
from atlas_builder.core.flags import Flag
from atlas_builder.io.dicom.codes import Code


@dataclass(frozen=True)
class Quantity:
    """A number measured in a region.

    Attributes
    ----------
    name : Code
        What was measured.
    value : float
        NaN where it could not be; such a quantity is left out of the report.
    unit : Code
        Of UCUM.
    derivation : Code or None
        How the value sums up many, such as their mean.
    """

    name: Code
    value: float
    unit: Code
    derivation: Code | None = None


@dataclass(frozen=True)
class ReportedRegion:
    """What is reported of one region of one side.

    Attributes
    ----------
    region, side
        Which region.
    quantities : tuple of Quantity
        What was measured.
    question : Code
        What was judged.
    answer : bool
        The judgement.
    """

    region: Region
    side: Side
    quantities: tuple[Quantity, ...]
    question: Code
    answer: bool


@dataclass(frozen=True)
class ReportedScan:
    """What is reported of a scan.

    Attributes
    ----------
    method : str
        How the regions were judged, in a word or two.
    regions : tuple of ReportedRegion
        Each of them.
    scores : dict of Side to int, or None
        ASPECTS of each side; None where there is no score.
    flags : tuple of Flag
        What to know before trusting it.
    """

    method: str
    regions: tuple[ReportedRegion, ...]
    scores: dict[Side, int] | None
    flags: tuple[Flag, ...]
