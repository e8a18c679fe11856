"""NIfTI files opened by what is in them: their names may say otherwise.

Files change their endings on the way, and a browser or a mail program unpacks what it sends. A
plain file named ``.nii.gz``, a compressed one named ``.nii`` and a NIfTI file of any other name are
read as what they are.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any, BinaryIO

import nibabel as nib
from nibabel.fileholders import FileHolder
from nibabel.openers import ImageOpener

from atlas_builder.core.errors import InputError

_GZIP = b"\x1f\x8b"
_HEADER_BYTES = 352
_OTHER_FORMATS = {
    "AFNIImage": "an AFNI",
    "AnalyzeImage": "an Analyze",
    "Cifti2Image": "a CIFTI-2",
    "GiftiImage": "a GIFTI",
    "MGHImage": "a FreeSurfer MGH",
    "Minc1Image": "a MINC",
    "Minc2Image": "a MINC",
    "PARRECImage": "a Philips PAR/REC",
    "Spm2AnalyzeImage": "an SPM Analyze",
    "Spm99AnalyzeImage": "an SPM Analyze",
}
_NIFTI_CLASSES = {"Nifti1Image", "Nifti1Pair", "Nifti2Image", "Nifti2Pair"}


def open_image(path: Path) -> Any:
    """Open a NIfTI file and parse its header, whatever its ending.

    Parameters
    ----------
    path : Path
        Of a file that is there.

    Returns
    -------
    nibabel.Nifti1Pair
        Its voxels are not read yet.

    Raises
    ------
    InputError
        It is of another format that nibabel knows.
    Exception
        Whatever nibabel and the decompressors raise on damaged files.
    """
    compressed = _is_gzip(path)
    nifti = _single_nifti(path, compressed)
    named = path.name.lower()
    if nifti is not None and not named.endswith(".nii.gz" if compressed else ".nii"):
        content = io.BytesIO(path.read_bytes())  # no file stays open for voxels to be read later
        file = gzip.GzipFile(fileobj=content) if compressed else content
        return nifti.from_file_map({"image": FileHolder(fileobj=file)}, mmap=False)
    for kind in nib.imageclasses.all_image_classes:
        fits, _ = kind.path_maybe_image(path)
        if fits:
            if kind.__name__ not in _NIFTI_CLASSES:
                raise InputError(_not_nifti(path, kind))
            break
    # Left open, a compressed file is not read again from its start for each slice.
    image = nib.load(path, keep_file_open=True)
    if not isinstance(image, nib.Nifti1Pair):
        raise InputError(_not_nifti(path, type(image)))
    return image


def open_voxels(image: Any, path: Path) -> Any:
    """Open the file that holds an image's voxels, unpacked, to be read from its start.

    Parameters
    ----------
    image : nibabel.Nifti1Pair
        From `open_image`.
    path : Path
        What it was opened from.

    Returns
    -------
    context manager
        Of a binary file.
    """
    name = image.file_map["image"].filename
    holder = path if name is None else Path(name)
    if _is_gzip(holder):
        return gzip.open(holder)
    return holder.open("rb") if name is None else ImageOpener(name)


def _not_nifti(path: Path, kind: type) -> str:
    what = _OTHER_FORMATS.get(kind.__name__, kind.__name__)
    return f"{path}: {what} file, not a NIfTI volume; convert it to NIfTI (.nii.gz)"


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_GZIP)) == _GZIP


def _single_nifti(path: Path, compressed: bool) -> Any:
    """Return the class of a file that holds a NIfTI header and its voxels; None for others."""
    with path.open("rb") as file:
        start = _start(file, compressed)
    if len(start) < _HEADER_BYTES:
        return None
    if start[344:348] == b"n+1\0":
        return nib.Nifti1Image
    return nib.Nifti2Image if start[4:8] == b"n+2\0" else None


def _start(file: BinaryIO, compressed: bool) -> bytes:
    if not compressed:
        return file.read(_HEADER_BYTES)
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            return unpacked.read(_HEADER_BYTES)
    except (OSError, EOFError, ValueError):
        return b""  # damaged: left to the reader of the whole to say so
