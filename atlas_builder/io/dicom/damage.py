"""Damaged DICOM files: one line that names the file, and not a word of what is in it."""

from __future__ import annotations

import struct
from contextlib import AbstractContextManager
from pathlib import Path

from pydicom.errors import BytesLengthException, InvalidDicomError

from atlas_builder.io.damage import refusing

DAMAGE = (
    OSError,
    EOFError,
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    BytesLengthException,
    InvalidDicomError,
)
"""What pydicom raises on files cut or damaged anywhere."""


LOGGER = "pydicom"
"""The name of pydicom's logger, whose messages may quote the patient's data."""


def refusing_damage(path: Path) -> AbstractContextManager[None]:
    """Turn what reading a damaged file raises into one `InputError` that names the file.

    The message repeats nothing of pydicom's, which may quote the patient's data.

    Parameters
    ----------
    path : Path
        The file that the block reads, for the message.

    Returns
    -------
    context manager
        See `atlas_builder.io.damage.refusing`.
    """
    return refusing(path, DAMAGE, "damaged or truncated DICOM file; copy it again", LOGGER)
