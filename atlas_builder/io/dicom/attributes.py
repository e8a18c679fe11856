"""Attributes in a CT file's header: contrast, kernel, body part, age and patient of its series.

Names and descriptions are read to be compared, and never leave this module as text: they may hold
the patient's name.

References
----------
DICOM PS3.3, C.7.1.1 Patient, C.7.2.2 Patient Study, C.7.3.1 General Series, C.8.2.1 CT Image.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import MutableSequence
from typing import Any

ATTRIBUTES = [
    "BodyPartExamined",
    "ContrastBolusAgent",
    "ConvolutionKernel",
    "ImageType",
    "PatientAge",
    "PatientID",
    "PatientName",
    "SeriesDescription",
    "WindowWidth",
]
"""The attributes that the functions here look at."""

_YEARS_PER_UNIT = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
_CONTRAST = re.compile(r"\bCTA\b|\bCTP\b|ANGIO|CONTRAST|PERFUSION|ARTERIAL|VENOUS|C\+|\+C\b|\bKM\b")
_NO_CONTRAST = re.compile(r"\bNON|W/?O\b|WITHOUT|UNENHANCED|NATIV|PLAIN|OHNE|SANS|\bSIN\b|NCCT|C-")
# What is entered where no agent was given; "NON-IONIC" is a kind of agent.
_NO_AGENT = re.compile(
    r"^([\W0]*|N/?A|NIL|NULL|NON|PLAIN)$|^NO(NE)?\b|\bNON\W*CON|\bW/?O\b|WITHOUT|UNENHANCED|NATIV"
    r"|\bKEIN|\bOHNE\b|\bSANS\b|\bSIN\b"
)
# Virtual non-contrast images, those of one energy, and maps of iodine, density or atomic number.
_SPECTRAL = re.compile(
    r"\bVNC\b|\bVUE\b|VIRTUAL|MONO\s?E|MONOE|\bMONO\b|IODINE|\bZ.?EFF|\bRHO\b|WATER\s?\(|DECT\b"
)
_HEAD = re.compile(r"HEAD|BRAIN|SKULL|CRAN|CEREB|NEURO|KOPF|SCH(AE|Ä)DEL")
_BONE = re.compile(r"BONE|KNOCHEN|OSSEU|HUESO|PETROUS|SHARP")
_BONE_WINDOW = 1000.0
_SHARP_NAMES = {"BONE", "BONEPLUS", "EDGE", "LUNG", "ULTRA", "D", "E", "L", "YC", "YD", "YE"}
# Siemens: a letter for the body part and a number that grows with sharpness, such as H31s, Hr64h.
_SIEMENS = re.compile(r"[HJBTUQ][A-Z]{0,2}(\d\d)[A-Z]*")
_SIEMENS_SHARP = 50
# Toshiba and Canon: the tens tell what the kernel is for.
_TOSHIBA = re.compile(r"FC(\d)\d.*")
_TOSHIBA_SHARP = {"3", "5", "8"}


def age_of(header: Any) -> float | None:
    """Return the Patient's Age in years; None where it is absent, malformed or zero years.

    Zero years is what some anonymizers leave; an infant's age comes in days, weeks or months.

    Parameters
    ----------
    header : pydicom.Dataset
        With the elements in `ATTRIBUTES`, where the file has them.

    Returns
    -------
    float or None
        Years; a fraction where the header states days, weeks or months.
    """
    match = re.fullmatch(r"(\d{1,3})([DWMY])", _text(header, "PatientAge"))
    if match is None or (int(match[1]) == 0 and match[2] == "Y"):
        return None
    return int(match[1]) * _YEARS_PER_UNIT[match[2]]


def patient_key(header: Any) -> str:
    """Return a digest of the patient's ID, else of the name, which tells patients apart.

    Parameters
    ----------
    header : pydicom.Dataset
        See `age_of`.

    Returns
    -------
    str
        The first 16 hexadecimal digits of a SHA-256; empty where the header has neither.
    """
    identity = _text(header, "PatientID") or _text(header, "PatientName").rstrip("^ ")
    return hashlib.sha256(identity.encode()).hexdigest()[:16] if identity else ""


def has_contrast(header: Any) -> bool:
    """Tell whether the header names a contrast agent, or a contrast scan in its description.

    Parameters
    ----------
    header : pydicom.Dataset
        See `age_of`.

    Returns
    -------
    bool
    """
    if not _NO_AGENT.search(_text(header, "ContrastBolusAgent")):
        return True
    description = _text(header, "SeriesDescription")
    return bool(_CONTRAST.search(description)) and not _NO_CONTRAST.search(description)


def is_head(header: Any) -> bool:
    """Tell whether the body part or the description is the head.

    Parameters
    ----------
    header : pydicom.Dataset
        See `age_of`.

    Returns
    -------
    bool
    """
    return any(
        _HEAD.search(_text(header, keyword))
        for keyword in ("BodyPartExamined", "SeriesDescription")
    )


def is_sharp(header: Any) -> bool:
    """Tell whether the series was reconstructed, or is meant to be displayed, for bone.

    Parameters
    ----------
    header : pydicom.Dataset
        See `age_of`. The kernel, the description and the first display window (from 1000 HU wide)
        count.

    Returns
    -------
    bool
    """
    kernel = next(iter(_texts(header, "ConvolutionKernel")), "")
    siemens, toshiba = _SIEMENS.fullmatch(kernel), _TOSHIBA.fullmatch(kernel)
    return bool(
        kernel in _SHARP_NAMES
        or (siemens and int(siemens[1]) >= _SIEMENS_SHARP)
        or (toshiba and toshiba[1] in _TOSHIBA_SHARP)
        or _BONE.search(_text(header, "SeriesDescription"))
        or _first_window(header) >= _BONE_WINDOW
    )


def is_spectral(header: Any) -> bool:
    """Tell whether an image was computed from several energies, such as virtual non-contrast.

    Parameters
    ----------
    header : pydicom.Dataset
        See `age_of`.

    Returns
    -------
    bool
    """
    return any(
        _SPECTRAL.search(_text(header, keyword)) for keyword in ("ImageType", "SeriesDescription")
    )


def _first_window(header: Any) -> float:
    """Return the width of the window shown first; others are offered with any kernel."""
    try:
        return float(next(iter(_texts(header, "WindowWidth")), 0.0))
    except ValueError:
        return 0.0


def _text(header: Any, keyword: str) -> str:
    return " ".join(_texts(header, keyword))


def _texts(header: Any, keyword: str) -> list[str]:
    value = header.get(keyword)
    parts = value if isinstance(value, MutableSequence) else [value]
    return [str(part).strip().upper() for part in parts if part]
