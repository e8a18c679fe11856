"""Images of the head in other formats than NIfTI, recognised, with the way to convert them."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from atlas_builder.core.errors import InputError
from atlas_builder.io.archive import ZIP_STARTS
from atlas_builder.io.dicom.preamble import starts_as_dicom

_MARKS = (
    ("a zip archive", slice(0, 4), ZIP_STARTS),
    ("a tar archive", slice(257, 262), (b"ustar",)),
)
_SERIES = "DICOM series to NIfTI, for example with dcm2niix"
_GZIP_START = b"\x1f\x8b"
_FREESURFER = (".mgz", ".mgh", ".mgh.gz")
_READ = 512  # bytes: the header of a tar archive's first member


def refuse_other_formats(path: Path) -> None:
    """Refuse a folder, an archive or a file of another format, and say how to convert it.

    Files are told by their first bytes; those of FreeSurfer, which have no mark, by their name.

    Parameters
    ----------
    path : Path
        What is to be read as NIfTI. What cannot be read at all is left to the reader.

    Raises
    ------
    InputError
        It is a folder, a zip or tar archive, a DICOM file or a FreeSurfer volume.
    """
    found = _format_of(Path(path))
    if found is not None:
        kind, remedy = found
        raise InputError(f"{path}: {kind}, not a NIfTI file; {remedy}, and give that file")


def _format_of(path: Path) -> tuple[str, str] | None:
    """Return what a path is and how to convert it, in words; None where it may be NIfTI."""
    try:
        if path.is_dir():
            return "a folder", f"convert the {_SERIES}"
        if not path.is_file():
            return None
        start = _start_of(path)
    except (OSError, EOFError, zlib.error):
        return None
    if path.name.lower().endswith(_FREESURFER):
        return "a FreeSurfer volume", "convert it to NIfTI, for example with mri_convert"
    if starts_as_dicom(start):
        return "a DICOM file", f"convert the {_SERIES}"
    archive = next((kind for kind, mark, signs in _MARKS if start[mark].startswith(signs)), None)
    return None if archive is None else (archive, f"unpack it, and convert a {_SERIES}")


def _start_of(path: Path) -> bytes:
    """Return the first bytes of a file, or of what is compressed in it."""
    with path.open("rb") as file:
        start = file.read(_READ)
    if start.startswith(_GZIP_START):
        with gzip.open(path) as packed:
            return packed.read(_READ)
    return start
