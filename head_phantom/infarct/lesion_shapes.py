"""Shapes of real infarcts in MNI space, and which of them may be seen in training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from atlas_builder.core.errors import InputError
from head_phantom.infarct.infarct import LesionMask

_TEST, _VALIDATION = 0.12, 0.08  # shares of the participants


class Part(Enum):
    """What a participant's lesion is used for."""

    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"


def part_of(participant: str) -> Part:
    """Return what a participant's lesion is used for.

    A property of the identifier alone, through its SHA-256 checksum: a lesion held out once stays
    held out, whichever other lesions lie beside it.

    Parameters
    ----------
    participant : str
        The identifier, as `participant_of` reads it.

    Returns
    -------
    Part
    """
    digest = hashlib.sha256(participant.encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < _TEST:
        return Part.TEST
    return Part.VALIDATION if place < _TEST + _VALIDATION else Part.TRAINING


def lesion_files(folder: Path, part: Part) -> list[Path]:
    """List the lesion masks of a part, sorted by name.

    Parameters
    ----------
    folder : Path
        Holds one NIfTI mask a participant; names begin with the participant's identifier and an
        underscore, such as ``sub-12_space-MNI152_lesion_mask.nii.gz``.
    part : Part
        Which of them.

    Raises
    ------
    InputError
        The folder holds none.
    """
    files = [f for f in sorted(Path(folder).glob("*.nii*")) if part_of(participant_of(f)) is part]
    if not files:
        raise InputError(
            f"{folder}: no lesion masks for {part.value}; give a folder of NIfTI masks in MNI space"
        )
    return files


def describe_lesions(folder: Path, part: Part) -> dict[str, object]:
    """Return what tells the lesions of a part from others, wherever the folder lies.

    Parameters
    ----------
    folder : Path
        See `lesion_files`.
    part : Part
        Which of them.

    Returns
    -------
    dict
        The part, how many masks it has, and a checksum of their names and bytes.

    Raises
    ------
    InputError
        The folder holds none.
    """
    files = lesion_files(folder, part)
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return {"part": part.value, "masks": len(files), "sha256": digest.hexdigest()}


def participant_of(file: Path) -> str:
    """Return the identifier that a mask's file name begins with.

    Parameters
    ----------
    file : Path
        What precedes the first full stop or underscore counts.

    Returns
    -------
    str
    """
    return file.name.split(".")[0].split("_")[0]


def participants_of(files: Sequence[Path]) -> list[str]:
    """Return the identifiers of masks, sorted.

    Parameters
    ----------
    files : sequence of Path
        See `participant_of`.

    Returns
    -------
    list of str
        One for each file.
    """
    return sorted(participant_of(file) for file in files)


def read_shape(file: Path) -> LesionMask:
    """Read a lesion mask in MNI space.

    Parameters
    ----------
    file : Path
        A NIfTI image.

    Returns
    -------
    LesionMask
        1 where the image is above 0.

    Raises
    ------
    InputError
        The file is no 3-D NIfTI image, or nothing is marked in it.
    """
    try:
        image: Any = nib.load(file)
        data = np.asarray(image.dataobj) > 0
    except (OSError, EOFError, nib.filebasedimages.ImageFileError) as error:
        raise InputError(f"{file}: cannot be read as NIfTI ({error})") from None
    if data.ndim != 3 or not data.any():
        raise InputError(f"{file}: not a 3-D mask with voxels above 0; leave it out of the folder")
    return LesionMask(data.astype(np.uint8), np.asarray(image.affine, np.float64))


def mirrored(lesion: LesionMask) -> LesionMask:
    """Return a lesion on the other side of the head.

    Parameters
    ----------
    lesion : LesionMask
        In MNI space, whose midline is x = 0.

    Returns
    -------
    LesionMask
        With the same voxels and a mirrored affine.
    """
    return LesionMask(lesion.data, np.diag([-1.0, 1.0, 1.0, 1.0]) @ lesion.affine)
