"""The frames of DICOM CT files: where each lies in the patient and how its values are rescaled.

A classic CT file holds one frame; an enhanced one holds many, described by functional groups.
DICOM positions are LPS, those given here RAS+ millimetres.

References
----------
DICOM PS3.3, C.7.6.2 Image Plane, C.7.6.16 Multi-frame Functional Groups, C.8.2.1 and C.8.15 CT and
Enhanced CT Image, C.11.1 Modality LUT (rescale).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError
from atlas_builder.io.dicom import acquisition, attributes
from atlas_builder.io.dicom.acquisition import Acquisition, acquisition_of
from atlas_builder.io.dicom.attributes import (
    age_of,
    has_contrast,
    is_head,
    is_sharp,
    is_spectral,
    patient_key,
)
from atlas_builder.io.dicom.damage import refusing_damage
from atlas_builder.io.dicom.datasets import is_named_dicom, numbers, read_dataset
from atlas_builder.io.dicom.preamble import START, starts_as_dicom
from atlas_builder.io.orientation import InPlane

_CT_IMAGES = {
    "1.2.840.10008.5.1.4.1.1.2",  # CT Image Storage
    "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT Image Storage
    "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT Image Storage
}
_MOST_PIXELS = 4096
_MOST_FRAMES = 20_000
_LOCALIZERS = {"LOCALIZER", "SCOUT"}
_DIRECTORY = "1.2.840.10008.1.3.10"  # Media Storage Directory Storage, DICOMDIR
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"  # Secondary Capture Image Storage

SECONDARY_CAPTURE = "a secondary capture"
"""Why a picture of a scan is passed over."""

_HEADER = [
    *attributes.ATTRIBUTES,
    *acquisition.ATTRIBUTES,
    "SOPClassUID",
    "Modality",
    "ImageType",
    "SeriesInstanceUID",
    "SeriesNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "RescaleSlope",
    "RescaleIntercept",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "BitsAllocated",
    "NumberOfFrames",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]


@dataclass(frozen=True)
class Frame:
    """One CT slice in a DICOM file.

    Attributes
    ----------
    path : Path
        The file.
    index : int
        The frame's place in the file, zero-based.
    image_type : tuple of str
        DICOM's Image Type or Frame Type, such as ``('ORIGINAL', 'PRIMARY', 'AXIAL')``.
    shape : tuple of int
        Stored columns and rows.
    affine : ndarray, shape (4, 4)
        As in `Slice`.
    in_plane : InPlane
        The turn from stored (column, row) to the layout of `Slice`.
    rescale : tuple of float, or None
        Slope and intercept from stored values to HU.
    """

    path: Path
    index: int
    image_type: tuple[str, ...]
    shape: tuple[int, int]
    affine: NDArray[np.float64]
    in_plane: InPlane
    rescale: tuple[float, float] | None


@dataclass(frozen=True)
class CtFile:
    """A DICOM file of CT frames.

    Attributes
    ----------
    path : Path
        The file.
    series_uid : str
        The Series Instance UID.
    series_number : str
        The Series Number.
    patient : str
        See `patient_key`; empty where the file holds neither ID nor name.
    age : float or None
        The patient's age in years as the file states it.
    contrast, head, sharp, spectral : bool
        Whether it was taken with a contrast agent, is of the head, is made for bone, and is
        computed from several energies; see `has_contrast`, `is_head`, `is_sharp` and `is_spectral`.
    acquisition : Acquisition
        Where, when and how it was taken.
    frames : tuple of Frame
        Its frames in file order, localizers left out.
    unplaced : bool
        Whether the position of one of its frames in the patient is missing.
    """

    path: Path
    series_uid: str
    series_number: str
    patient: str
    age: float | None
    contrast: bool
    head: bool
    sharp: bool
    spectral: bool
    acquisition: Acquisition
    frames: tuple[Frame, ...]
    unplaced: bool


@dataclass(frozen=True)
class PassedOver:
    """A file that is no CT slice, though it looks as if it were meant to be one.

    Attributes
    ----------
    path : Path
        The file.
    reason : str
        Why, in a word or two.
    """

    path: Path
    reason: str


def examine_file(path: Path) -> CtFile | PassedOver | None:
    """Read the header of a DICOM CT file; None for a localizer and for any other file.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    CtFile, PassedOver or None
        Its frames without localizers; pixels are not read.

    Raises
    ------
    InputError
        The file is DICOM but damaged or truncated; it cannot be read; or it has more pixels or
        frames than a head CT.
    """
    try:
        with path.open("rb") as file:
            dicom = starts_as_dicom(file.read(START))
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check access") from error
    if size == 0:
        return None if path.name.startswith(".") else PassedOver(path, "empty")
    if not dicom and is_named_dicom(path):
        raise InputError(
            f"{path}: named as DICOM but is not, or damaged; copy it again or take it out"
        )
    if not dicom:
        return None
    with refusing_damage(path):
        with path.open("rb") as file:
            header = read_dataset(file, stop_before_pixels=True, specific_tags=_HEADER)
            pixels_at = file.tell()
        if header.get("SOPClassUID") == _CAPTURE and header.get("Modality", "CT") == "CT":
            return PassedOver(path, SECONDARY_CAPTURE)
        if not _is_ct(header):
            return None
        _check_size(path, header)
        _check_length(path, header, pixels_at)
        indices = [
            index
            for index in range(int(header.get("NumberOfFrames") or 1))
            if _LOCALIZERS.isdisjoint(_image_type(header, index))
        ]
        if not indices:
            return None
        frames = [_frame(path, header, index) for index in indices]
        return CtFile(
            path=path,
            # Files without one are one series where they lie in one folder.
            series_uid=str(header.get("SeriesInstanceUID") or path.parent),
            series_number=str(header.get("SeriesNumber") or "without number"),
            patient=patient_key(header),
            age=age_of(header),
            contrast=has_contrast(header),
            head=is_head(header),
            sharp=is_sharp(header),
            spectral=is_spectral(header),
            acquisition=acquisition_of(header),
            frames=tuple(frame for frame in frames if frame is not None),
            unplaced=None in frames,
        )


def _is_ct(header: Any) -> bool:
    """Tell whether a file holds CT values, by what it states and whatever it leaves out."""
    sop_class, modality = header.get("SOPClassUID"), header.get("Modality")
    if header.file_meta.get("MediaStorageSOPClassUID") == _DIRECTORY:
        return False
    if header.preamble is not None and not ("SeriesInstanceUID" in header or "Rows" in header):
        raise AttributeError("cut off: every object states one of them")
    if (modality or "CT") != "CT" or (sop_class is None and modality is None):
        return False
    grey = int(header.get("SamplesPerPixel") or 1) == 1  # colour: a report or a map
    return grey and (sop_class is None or sop_class in _CT_IMAGES)


def _check_size(path: Path, header: Any) -> None:
    """Refuse what no scanner makes: a compressed file can claim any size."""
    frames = int(header.get("NumberOfFrames") or 1)
    if max(header.Rows, header.Columns) > _MOST_PIXELS or frames > _MOST_FRAMES:
        raise InputError(
            f"{path}: {frames} frames of {header.Columns} x {header.Rows} pixels are no head CT; "
            "export it again"
        )


def _check_length(path: Path, header: Any, pixels_at: int) -> None:
    """Notice a file cut inside its pixels without reading them, where they are not compressed."""
    syntax = header.file_meta.TransferSyntaxUID
    if syntax.is_compressed or syntax.is_deflated:
        return
    values = header.Rows * header.Columns * int(header.get("NumberOfFrames") or 1)
    if path.stat().st_size - pixels_at < values * header.BitsAllocated // 8:
        raise InputError(f"{path}: damaged or truncated DICOM file; copy it again")


def _frame(path: Path, header: Any, index: int) -> Frame | None:
    """Describe a frame; None where its geometry is absent or impossible."""
    shape = (int(header.Columns), int(header.Rows))
    position = _numbers(header, index, "PlanePositionSequence", "ImagePositionPatient", 3)
    cosines = _numbers(header, index, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    spacing = _numbers(header, index, "PixelMeasuresSequence", "PixelSpacing", 2)
    if not (position and cosines and spacing and min(spacing) > 0):
        return None
    along_columns, along_rows = np.reshape(cosines, (2, 3))
    gram = [along_columns @ along_columns, along_rows @ along_rows, along_columns @ along_rows]
    if not np.allclose(gram, [1, 1, 0], atol=0.01):
        return None
    lps_to_ras = np.array([-1.0, -1.0, 1.0])
    # Pixel Spacing is the distance between rows first: the step from one row to the next.
    to_next_column = lps_to_ras * along_columns * spacing[1]
    to_next_row = lps_to_ras * along_rows * spacing[0]
    in_plane = InPlane.of(to_next_column, to_next_row)
    slope, intercept = (
        _numbers(header, index, "PixelValueTransformationSequence", keyword, 1)
        for keyword in ("RescaleSlope", "RescaleIntercept")
    )
    return Frame(
        path=path,
        index=index,
        image_type=_image_type(header, index),
        shape=shape,
        affine=in_plane.affine(lps_to_ras * position, to_next_column, to_next_row, shape),
        in_plane=in_plane,
        rescale=(slope[0], intercept[0]) if slope and intercept and slope[0] else None,
    )


def _image_type(header: Any, index: int) -> tuple[str, ...]:
    holder = _holder(header, index, "CTImageFrameTypeSequence", "FrameType")
    kind = (holder.get("FrameType") if holder is not None else None) or header.get("ImageType")
    return tuple(str(value).upper() for value in ([kind] if isinstance(kind, str) else kind or ()))


def _numbers(header: Any, index: int, sequence: str, keyword: str, count: int) -> list[float]:
    holder = _holder(header, index, sequence, keyword)
    return [] if holder is None else numbers(holder, keyword, count)


def _holder(header: Any, index: int, sequence: str, keyword: str) -> Any:
    """Return the item that holds a frame's attribute: of its functional groups where it has any."""
    if "PerFrameFunctionalGroupsSequence" not in header:
        several = int(header.get("NumberOfFrames") or 1) > 1
        return None if several and sequence == "PlanePositionSequence" else header
    shared = header.get("SharedFunctionalGroupsSequence") or []
    for groups in (header.PerFrameFunctionalGroupsSequence[index], *shared):
        for item in groups.get(sequence) or []:
            if keyword in item:
                return item
    return None
