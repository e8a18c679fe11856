"""DICOM files as datasets, also those that leave out what the standard demands.

References
----------
DICOM PS3.5, 6.2 Value Representation.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

_DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}


def is_named_dicom(path: Path) -> bool:
    """Tell whether a file's name says that it is DICOM.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    bool
    """
    return path.suffix.lower() in _DICOM_SUFFIXES and not path.name.startswith(".")


def read_dataset(file: Path | BinaryIO, **options: Any) -> pydicom.FileDataset:
    """Read a DICOM file; one that does not name its transfer syntax gets the one it was read in.

    Parameters
    ----------
    file : Path or file
        With or without preamble.
    **options
        As ``pydicom.dcmread`` takes them.

    Returns
    -------
    pydicom.FileDataset
    """
    dataset = pydicom.dcmread(file, force=True, **options)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def numbers(dataset: Any, keyword: str, count: int) -> list[float]:
    """Return an attribute's numbers, whatever value representation they were stored in.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Or an item of a sequence.
    keyword : str
        Of the attribute. Decimal commas are read as points.
    count : int
        How many numbers there must be.

    Returns
    -------
    list of float
        Empty where the attribute is absent or does not hold so many finite numbers.
    """
    try:
        value = dataset.get(keyword)
    except (ValueError, TypeError, OverflowError):
        value = dataset.get_item(keyword).value  # as stored
    if value is None:
        return []
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if isinstance(value, str):
        value = value.rstrip("\0 ").split("\\")
    parts = value if isinstance(value, (MutableSequence, tuple)) else [value]
    try:
        found = [float(str(part).replace(",", ".")) for part in parts]
    except ValueError:
        return []
    return found if len(found) == count and all(map(math.isfinite, found)) else []
