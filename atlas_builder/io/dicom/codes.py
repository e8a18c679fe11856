"""The codes that results name things by, and the private ones where no terminology has any.

What SNOMED CT, DICOM's own terminology or UCUM know is coded there; the rest in the private scheme
99ASPECTS, which every object that uses it declares. The codes of regions are their names.

References
----------
DICOM PS3.16, CID 7151 and CID 7710 (brain structures), CID 244 (laterality), CID 7551 and TID 1419
(measurements); PS3.3, C.12.1 (coding scheme identification).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atlas_builder.core.anatomy import Region, Side

PRODUCT = "ASPECTS Atlas"
PRIVATE_SCHEME = "99ASPECTS"


@dataclass(frozen=True)
class Code:
    """A concept of a terminology.

    Attributes
    ----------
    value : str
        Its code.
    scheme : str
        The terminology: ``SCT``, ``DCM``, ``UCUM``, ``LN`` or the private one.
    meaning : str
        What it means, at most 64 letters.
    """

    value: str
    scheme: str
    meaning: str


BRAIN = Code("12738006", "SCT", "Brain")
SIDE_CODES: Mapping[Side, Code] = {
    "left": Code("7771000", "SCT", "Left"),
    "right": Code("24028007", "SCT", "Right"),
}
ASPECTS = Code("1290002002", "SCT", "Alberta Stroke Program Early CT score")
CT_OF_HEAD = Code("24725-4", "LN", "CT Head")
DENSITY = Code("112031", "DCM", "Attenuation Coefficient")
VOLUME = Code("118565006", "SCT", "Volume")
AREA = Code("42798000", "SCT", "Area")
MEAN = Code("373098007", "SCT", "Mean")
YES, NO = Code("373066001", "SCT", "Yes"), Code("373067005", "SCT", "No")
DIFFERENCE = Code("DIFFERENCE", PRIVATE_SCHEME, "Mean density less that of the other side")
PROBABILITY = Code("PROBABILITY", PRIVATE_SCHEME, "Probability of early ischaemic change")
CONFIDENCE = Code("CONFIDENCE", PRIVATE_SCHEME, "Confidence in the place of the region")
LOST_POINT = Code("LOST_POINT", PRIVATE_SCHEME, "Lost its point of ASPECTS")
DARKER = Code("DARKER", PRIVATE_SCHEME, "Darker than the other side beyond normal differences")
FLAG = Code("FLAG", PRIVATE_SCHEME, "Reason to doubt the result")
HOUNSFIELD = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
MILLILITRE = Code("ml", "UCUM", "Milliliter")
SQUARE_MILLIMETRE = Code("mm2", "UCUM", "Square millimeter")
FRACTION = Code("1", "UCUM", "no units")
POINTS_OF_SCORE = Code("{score}", "UCUM", "score")

_SNOMED = {
    Region.C: Code("11000004", "SCT", "Caudate Nucleus"),
    Region.IC: Code("85637007", "SCT", "Internal capsule"),
    Region.I: Code("36169008", "SCT", "Insula"),
}


def name_of(region: Region) -> str:
    """Return a region's name as viewers show it, such as ``M1 (anterior MCA cortex)``.

    Parameters
    ----------
    region : Region
        Any.
    """
    if region.name.startswith("M"):
        return f"{region.name} ({region.full_name})"
    return region.full_name.capitalize()


def region_code(region: Region) -> Code:
    """Return a region's code: of SNOMED CT where that has one.

    Parameters
    ----------
    region : Region
        Any.
    """
    return _SNOMED.get(region) or Code(region.name, PRIVATE_SCHEME, name_of(region))


def coded(code: Code) -> Any:
    """Return a code as DICOM objects hold it.

    Parameters
    ----------
    code : Code
        Any.

    Returns
    -------
    highdicom.sr.CodedConcept
    """
    import highdicom as hd  # noqa: PLC0415 - slow to load, and DICOM scans alone need it

    return hd.sr.CodedConcept(code.value, code.scheme, code.meaning)


def private_scheme() -> Any:
    """Return the Dataset that declares the private codes to who reads an object."""
    import pydicom  # noqa: PLC0415 - codes are named where no DICOM is read

    scheme = pydicom.Dataset()
    scheme.CodingSchemeDesignator = PRIVATE_SCHEME
    scheme.CodingSchemeName = "Regions of the Alberta Stroke Program Early CT Score"
    scheme.CodingSchemeResponsibleOrganization = PRODUCT
    return scheme
