"""Coloured pictures of slices as a DICOM series, for viewers that show no segmentations.

Each picture is a secondary capture that lies where its slice lies: a viewer scrolls both together.
Like the segmentation it belongs to its patient and repeats the source's Patient and Study modules.

References
----------
DICOM PS3.3, A.8.1 Secondary Capture Image IOD, C.7.6.2 Image Plane, C.8.6 Secondary Capture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from atlas_builder import __version__
from atlas_builder.io.dicom.codes import PRODUCT
from atlas_builder.io.dicom.damage import DAMAGE, in_dicom_silence
from atlas_builder.io.dicom.frames import Frame
from atlas_builder.io.dicom.segmentation_sources import UnusableSourcesError, source_headers
from atlas_builder.runtime.files import replacing

_SERIES_NUMBER = 9520
_REPEATED = (
    "SpecificCharacterSet",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDescription",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
)
"""Attributes of patient, study and frame of reference that each picture repeats of its source."""


def write_captures(
    folder: Path, pictures: Mapping[int, NDArray[np.uint8]], frames: Sequence[Frame]
) -> str | None:
    """Write pictures of some slices as a series of secondary captures in colour.

    Parameters
    ----------
    folder : Path
        Made if need be. Files are named ``0001.dcm`` and on, from the feet to the head.
    pictures : mapping of int to ndarray of uint8, shape (columns, rows, 3)
        Red, green and blue of each slice by its index, in the layout of `Slice`.
    frames : sequence of Frame
        All slices of the scan.

    Returns
    -------
    str or None
        Why nothing was written: the source images cannot be referred to, see `source_headers`.
    """
    indices = sorted(pictures)
    try:
        with in_dicom_silence():
            headers = source_headers(frames, indices)
            places = list(_places(headers, [frames[index] for index in indices]))
            series = generate_uid()
            folder.mkdir(exist_ok=True)
            for number, (index, place) in enumerate(zip(indices, places, strict=True), start=1):
                stored = frames[index].in_plane.undo(pictures[index]).swapaxes(0, 1)
                capture = _capture(headers[0], place, np.ascontiguousarray(stored), number)
                capture.SeriesInstanceUID = series
                with replacing(folder / f"{number:04d}.dcm") as partial:
                    capture.save_as(partial, enforce_file_format=True)
    except UnusableSourcesError as reason:
        return f"no DICOM overlay: {reason}"
    except DAMAGE as error:
        if isinstance(error, OSError):
            raise
        return f"no DICOM overlay: the source's headers do not allow it ({type(error).__name__})"
    return None


def _places(headers: Sequence[Any], frames: Sequence[Frame]) -> Any:
    """Yield what each picture states of its slice's place, and which image it was made from."""
    for place, frame in enumerate(frames):
        several = "NumberOfFrames" in headers[0]
        header = headers[0] if several else headers[place]
        plane = pydicom.Dataset()
        source = pydicom.Dataset()
        source.ReferencedSOPClassUID = header.SOPClassUID
        source.ReferencedSOPInstanceUID = header.SOPInstanceUID
        held = [header]
        if several:
            source.ReferencedFrameNumber = frame.index + 1
            shared = header.SharedFunctionalGroupsSequence[0]
            groups = header.PerFrameFunctionalGroupsSequence[frame.index]
            held = [
                shared.PlaneOrientationSequence[0],
                shared.PixelMeasuresSequence[0],
                groups.PlanePositionSequence[0],
            ]
        for keyword in (
            "ImageOrientationPatient",
            "ImagePositionPatient",
            "PixelSpacing",
            "SliceThickness",
        ):
            (value,) = [holder[keyword].value for holder in held if keyword in holder]
            setattr(plane, keyword, value)
        plane.SourceImageSequence = [source]
        yield plane


def _capture(
    header: Any, place: pydicom.Dataset, stored: NDArray[np.uint8], number: int
) -> FileDataset:
    """Return a picture of a slice; `stored` has shape (rows, columns, 3)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    capture = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    for keyword in _REPEATED:
        if keyword in header:
            capture[keyword] = header[keyword]
    capture.update(place)
    capture.SOPClassUID = SecondaryCaptureImageStorage
    capture.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    capture.Modality = "CT"
    capture.BodyPartExamined = "HEAD"
    capture.ConversionType = "WSD"
    capture.ImageType = ["DERIVED", "SECONDARY"]
    capture.DerivationDescription = "ASPECTS regions drawn on the slice; not for diagnosis"
    capture.SeriesNumber = str(_SERIES_NUMBER)
    capture.SeriesDescription = "ASPECTS regions, drawn"
    capture.InstanceNumber = str(number)
    capture.PatientOrientation = ""
    capture.BurnedInAnnotation = "NO"  # nothing in it tells who the patient is
    capture.Manufacturer = capture.ManufacturerModelName = PRODUCT
    capture.SecondaryCaptureDeviceManufacturer = PRODUCT
    capture.SoftwareVersions = __version__
    capture.SamplesPerPixel = 3
    capture.PhotometricInterpretation = "RGB"
    capture.PlanarConfiguration = 0
    capture.Rows, capture.Columns = stored.shape[:2]
    capture.BitsAllocated = capture.BitsStored = 8
    capture.HighBit = 7
    capture.PixelRepresentation = 0
    capture.PixelData = stored.tobytes() + b"\0" * (stored.size % 2)
    return capture
