"""Damaged NIfTI files: one line that names the file, and not a word of what is in it."""

from __future__ import annotations

import zlib
from contextlib import AbstractContextManager
from pathlib import Path

from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from atlas_builder.io.damage import refusing

_DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    ImageFileError,
    HeaderDataError,
    WrapStructError,
    ValueError,
    OverflowError,
    KeyError,
    IndexError,
)
"""What nibabel and the decompressors raise on files cut or damaged anywhere."""


def refusing_damage(path: Path) -> AbstractContextManager[None]:
    """Turn what reading a damaged file raises, logs or warns about into one `InputError`.

    Parameters
    ----------
    path : Path
        The file that the block reads, for the message.

    Returns
    -------
    context manager
        See `atlas_builder.io.damage.refusing`.
    """
    reason = "not a NIfTI image, or damaged or truncated; copy or convert it again"
    return refusing(path, _DAMAGE, reason, "nibabel.global")
