"""Copies of DICOM headers that any writer accepts, whatever the source's are like.

Headers met in practice are encoded in any of DICOM's character sets, hold words where numbers or
dates belong, and leave empty what may be empty. The copy is encoded as UTF-8 and holds only
attributes whose values are what their value representation demands. The source stays as it is.

References
----------
DICOM PS3.5, 6.2 Value Representation; PS3.3, C.12.1.1.2 Specific Character Set.
"""

from __future__ import annotations

import math
import re
from collections.abc import MutableSequence
from typing import Any

import pydicom
from pydicom import config
from pydicom.datadict import dictionary_VM
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.valuerep import DA, DS, TM, validate_value

from atlas_builder.io.dicom.damage import DAMAGE

UTF_8 = "ISO_IR 192"
_LEFT_OUT_GROUPS = {0x0002, 0x5200, 0x7FE0}  # file meta, functional groups, pixels
_TEXT = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
_FORMED = {"AE", "AS", "CS", "DA", "DT", "TM"}
_UNDECODED = {"\ufffd", "\x1b"}
_UID = re.compile(r"[0-9.]{1,64}")  # components with leading zeros are wrong, but identify
_SEXES = {"F", "M", "O"}


def portable_copy(header: pydicom.Dataset) -> pydicom.Dataset:
    """Copy a header's attributes, without private ones, functional groups and pixels.

    Parameters
    ----------
    header : pydicom.Dataset
        Of a file, or an item of a sequence in it.

    Returns
    -------
    pydicom.Dataset
        Text is encoded as UTF-8. An attribute whose value cannot be decoded, or is not what its
        value representation demands, is absent; a Patient's Sex that DICOM does not know as well.
    """
    copied = pydicom.Dataset()
    for tag in list(header.keys()):
        if not tag.is_private and tag.element and tag.group not in _LEFT_OUT_GROUPS:
            element = _portable(header, tag)
            if element is not None:
                copied.add(element)
    copied.SpecificCharacterSet = UTF_8
    return copied


def _portable(header: pydicom.Dataset, tag: Any) -> pydicom.DataElement | None:
    """Return an element that can be written; None where there is none to be had."""
    try:
        element = header[tag]
        if element.VR == "SQ":
            value: Any = [portable_copy(item) for item in element.value]
            for item in value:
                del item.SpecificCharacterSet  # that of the whole holds
        else:
            stored = element.value
            several = isinstance(stored, MutableSequence)
            parts = [_part(element.VR, part) for part in (stored if several else [stored])]
            value = _one(parts) if dictionary_VM(tag) == "1" else parts if several else parts[0]
            if element.keyword == "PatientSex" and value not in _SEXES:
                return None
        copied = pydicom.DataElement(element.tag, element.VR, value)
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        write_data_element(buffer, copied, "utf8")
    except DAMAGE:
        return None
    return copied


def _one(parts: list[Any]) -> Any:
    """Return the value of an attribute that has one, though separators stand around it.

    Raises
    ------
    ValueError
        There are several.
    """
    held = [part for part in parts if part is not None]
    if len(held) > 1:
        raise ValueError("several values")
    return held[0] if held else None


def _part(kind: str, value: Any) -> Any:
    """Return one of an element's values in its proper form.

    Raises
    ------
    ValueError
        It is not what the value representation demands.
    """
    if value is None or (isinstance(value, str) and not value.strip("\0 ")):
        return None
    if kind in _TEXT:
        text = str(value).rstrip("\0 ")
        if not _UNDECODED.isdisjoint(text):
            raise ValueError("cannot be decoded")
        return text
    if kind == "UI":
        uid = str(value).strip("\0 ")
        if not _UID.fullmatch(uid):
            raise ValueError("not a UID")
        return uid
    if kind == "DS":
        if not math.isfinite(value):
            raise ValueError("not a number")
        return DS(float(value), auto_format=True)
    return _formed(kind, str(value).strip("\0 ")) if kind in _FORMED else value


def _formed(kind: str, text: str) -> str:
    if kind == "DA":
        text = re.sub(r"(\d{4})\.(\d\d)\.(\d\d)", r"\1\2\3", text)  # as ACR-NEMA wrote dates
        DA(text)
    elif kind == "TM":
        text = text.replace(":", "")
        TM(text)
    elif kind == "CS":
        text = text.upper()
    validate_value(kind, text, config.RAISE)
    return text
