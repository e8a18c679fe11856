"""Damaged files: what a library raises, logs or warns about becomes one line that names the file.

The line repeats nothing of the library's, which may quote the patient's data.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atlas_builder.core.errors import InputError


@contextmanager
def in_silence(logger: str) -> Iterator[None]:
    """Keep a library from warning and logging while the block runs.

    Parameters
    ----------
    logger : str
        The name of the library's logger.
    """
    found = logging.getLogger(logger)
    was_disabled, found.disabled = found.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        found.disabled = was_disabled


@contextmanager
def refusing(
    path: Path, damage: tuple[type[Exception], ...], reason: str, logger: str
) -> Iterator[None]:
    """Turn what reading a damaged file raises into one `InputError`, and read it in silence.

    Parameters
    ----------
    path : Path
        The file that the block reads, for the message.
    damage : tuple of type
        What the library raises on damaged files. An `InputError` of the block stays as it is.
    reason : str
        What the message says of the file.
    logger : str
        The name of the library's logger.

    Raises
    ------
    InputError
        The block raised any of `damage`.
    """
    try:
        with in_silence(logger):
            yield
    except InputError:
        raise
    except damage as error:
        raise InputError(f"{path}: {reason}") from error
