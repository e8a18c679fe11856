"""Files that are either whole or absent, and their checksums."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file so that its final name only ever holds a complete one.

    The block writes to the path it is given, which lies in the same folder and ends in the same
    suffixes, so that a library picks the format it would pick for the final name. When the block
    ends the file is flushed to the disk and renamed in one step; when it raises, what was written
    is removed and a file that already had the final name stays as it was.

    Parameters
    ----------
    path : Path
        The final name. Its folder must exist.

    Yields
    ------
    Path
        Where to write.
    """
    path = Path(path)
    # Not tempfile: it creates files that only their owner may read, whatever the umask says.
    partial = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        yield partial
        _flush(partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Fill a folder so that its final name only ever holds a complete one.

    The block fills the folder it is given, which lies beside the final one and then takes its
    place; when the block raises, what was written is removed and an earlier folder stays as it was.

    Parameters
    ----------
    folder : Path
        The final name; the folders above it are made. One that is there is replaced.

    Yields
    ------
    Path
        An empty folder.
    """
    folder = Path(os.path.realpath(folder))  # what a link leads to is replaced, not the link
    token = secrets.token_hex(4)
    partial, old = (folder.with_name(f".{token}.{kind}.{folder.name}") for kind in ("new", "old"))
    partial.mkdir(parents=True)
    try:
        yield partial
        try:
            if folder.exists():
                folder.rename(old)
            partial.rename(folder)
        except BaseException:
            if old.exists() and not folder.exists():
                old.rename(folder)
            raise
    finally:
        for leftover in (partial, old):
            shutil.rmtree(leftover, ignore_errors=True)


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write an indented JSON file, whole or not at all.

    Parameters
    ----------
    path : Path
        The file; one that is there is replaced. Its folder must exist.
    content : mapping
        Plain numbers, text, lists and mappings.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    text = json.dumps(content, indent=2) + "\n"
    with replacing(path) as partial:
        partial.write_text(text, "utf-8")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 checksum of a file as 64 hexadecimal digits.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        In small letters.

    Raises
    ------
    OSError
        The file is missing or cannot be read.
    """
    with Path(path).open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
