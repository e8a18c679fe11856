"""Zipped DICOM: unpacked into a folder of its own, whatever the archive claims.

Nothing of an archive's names becomes a path, so none can lead out of the folder; what is unpacked
is counted as it comes, so no archive fills the disk, whatever sizes it states.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

from atlas_builder.core.errors import InputError
from atlas_builder.io.dicom.preamble import starts_as_dicom

ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
"""How zip archives start, an empty one in the second way."""

_MOST_FILES = 50_000
_MOST_BYTES = 4 << 30
_BLOCK = 1 << 20


@contextmanager
def unpacked_dicom(
    path: Path, *, most_files: int = _MOST_FILES, most_bytes: int = _MOST_BYTES
) -> Iterator[Path]:
    """Unpack the DICOM files of a zip archive for the length of the block.

    Parameters
    ----------
    path : Path
        The archive. Members that are not DICOM are passed over.
    most_files, most_bytes : int
        An archive of more is refused.

    Yields
    ------
    Path
        A temporary folder that holds them under numbers. An `InputError` that leaves the block
        names the archive's member in place of the number.

    Raises
    ------
    InputError
        The archive is damaged, encrypted, holds no DICOM, or would unpack to more than that.
    """
    with TemporaryDirectory(prefix="aspects-atlas-") as temporary:
        folder = Path(temporary)
        members = _unpack(path, folder, most_files, most_bytes)
        if not members:
            raise InputError(
                f"{path}: holds no DICOM files; give an archive of a head CT, or the NIfTI file "
                "unpacked"
            )
        try:
            yield folder
        except InputError as error:
            raise InputError(_renamed(str(error), folder, path, members)) from error


def _unpack(path: Path, folder: Path, most_files: int, most_bytes: int) -> dict[str, str]:
    """Unpack DICOM members and return the last part of each one's own name by its number."""
    members: dict[str, str] = {}
    left = most_bytes
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not _is_passed_over(entry)]
            if len(entries) > most_files:
                raise InputError(
                    f"{path}: holds more than {most_files} files; give the scan's own archive"
                )
            if any(entry.flag_bits & 1 for entry in entries):
                raise InputError(f"{path}: encrypted; unpack it and give the folder")
            for place, entry in enumerate(entries):
                number = f"{place:05d}"
                with archive.open(entry) as member:
                    size = _copy_dicom(member, folder / number, left)
                if size is not None:
                    members[number] = PurePosixPath(entry.filename.replace("\\", "/")).name
                    left -= size
                if left < 0:
                    raise InputError(
                        f"{path}: unpacks to more than {most_bytes >> 30} GiB; unpack it and "
                        "give the folder of the scan"
                    )
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        NotImplementedError,
        ValueError,
    ) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: damaged or truncated archive; copy it again") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be unpacked ({error.strerror or error})") from None
    return members


def _is_passed_over(entry: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(entry.filename).parts
    return entry.is_dir() or not parts or parts[0] == "__MACOSX" or parts[-1].startswith(".")


def _copy_dicom(member: IO[bytes], target: Path, most: int) -> int | None:
    """Copy a member that is DICOM, or empty, and return its size; None of anything else.

    More than `most` is returned where it was cut off.
    """
    block = member.read(_BLOCK)
    if block and not starts_as_dicom(block):
        return None
    size = 0
    with target.open("wb") as file:
        while block and size <= most:
            file.write(block)
            size += len(block)
            block = member.read(_BLOCK)
    return size


def _renamed(message: str, folder: Path, archive: Path, members: dict[str, str]) -> str:
    for number, name in members.items():
        message = message.replace(str(folder / number), f"{archive}: {name}")
    message = message.replace(str(folder), str(archive))
    return message.replace(f"{archive}: {archive}: ", f"{archive}: ")
