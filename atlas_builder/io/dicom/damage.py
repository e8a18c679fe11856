"""Damaged DICOM files: one line that names the file, and not a word of what is in it."""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom.errors import BytesLengthException, InvalidDicomError

from atlas_builder.core.errors import InputError

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


@contextmanager
def in_silence() -> Iterator[None]:
    """Keep pydicom from warning and logging about values, which may be the patient's."""
    logger = logging.getLogger("pydicom")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was_disabled


@contextmanager
def refusing_damage(path: Path) -> Iterator[None]:
    """Turn what reading a damaged file raises into one `InputError` that names the file.

    The message repeats nothing of pydicom's, which may quote the patient's data.
    """
    try:
        with in_silence():
            yield
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(f"{path}: damaged or truncated DICOM file; copy it again") from error
