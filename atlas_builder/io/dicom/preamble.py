"""How DICOM files start, told without loading anything that reads them.

References
----------
DICOM PS3.10, 7.1 File Meta Information.
"""

from __future__ import annotations

START = 132
"""Bytes that tell."""

_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00")
_HIGHEST_ELEMENT = 0x18  # of those that objects begin with, up to the SOP instance


def starts_as_dicom(start: bytes) -> bool:
    """Tell whether a file is DICOM, with the preamble of the standard or without.

    Parameters
    ----------
    start : bytes
        The file's first 132 bytes, or more.

    Returns
    -------
    bool
    """
    if start[128:START] == b"DICM":
        return True
    element = int.from_bytes(start[2:4], "little")
    return len(start) >= START and start[:2] in _FIRST_GROUPS and element <= _HIGHEST_ELEMENT
