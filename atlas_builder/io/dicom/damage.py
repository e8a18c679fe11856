"""Damaged DICOM files: one line that names the file, and not a word of what is in it."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from pydicom.errors import BytesLengthException, InvalidDicomError

from atlas_builder.io.damage import in_silence, refusing

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


@contextmanager
def in_dicom_silence() -> Iterator[None]:
    """Keep pydicom and highdicom, which quote the patient's data, from writing to the terminal."""
    library = logging.getLogger("highdicom")
    nowhere, passed_on = logging.NullHandler(), library.propagate
    # Its modules have loggers of their own, which disabling the library's would not reach.
    library.addHandler(nowhere)
    library.propagate = False
    try:
        with in_silence(LOGGER):
            yield
    finally:
        library.propagate = passed_on
        library.removeHandler(nowhere)
