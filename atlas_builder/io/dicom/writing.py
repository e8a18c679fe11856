"""Simulated scans out, as a series of DICOM CT images.

What is written names no real patient: the patient is called SIMULATED and every identifier comes
from the text it is derived from, so that the same simulation gives the same files.

References
----------
DICOM PS3.3, A.3 CT Image IOD, C.7.6.2 Image Plane, C.8.2.1 CT Image, C.11.2 VOI LUT (window).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from atlas_builder.core.scan import Scan
from atlas_builder.io.nifti.volumes import volume_affine
from atlas_builder.runtime.files import replacing

_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])
_INTERCEPT = -1024


@dataclass(frozen=True)
class SeriesDescription:
    """What the headers of a simulated series hold besides the geometry.

    Attributes
    ----------
    identifier : str
        The patient's ID, and a part of what every unique identifier is derived from.
    variant : str
        What tells this series from others of the same patient; part of the identifiers as well.
    age : int
        Years.
    sex : str
        ``F`` or ``M``.
    thickness_mm : ndarray, shape (slices,)
        Of each slice.
    kernel : str
        Name of the reconstruction kernel.
    tilt_deg : float
        Of the gantry; positive where rows fall towards the back.
    padding_hu : int or None
        The value outside the reconstruction circle, where there is one.
    resampled : bool
        The slices were interpolated from others.
    """

    identifier: str
    variant: str
    age: int
    sex: str
    thickness_mm: NDArray[np.float64]
    kernel: str
    tilt_deg: float = 0.0
    padding_hu: int | None = None
    resampled: bool = False


def write_dicom_series(folder: Path, scan: Scan, description: SeriesDescription) -> list[Path]:
    """Write a scan as one DICOM file a slice.

    Parameters
    ----------
    folder : Path
        Made if need be. Files are named ``0001.dcm`` and on, in the scan's order.
    scan : Scan
        Whole HU.
    description : SeriesDescription
        What else the headers hold.

    Returns
    -------
    list of Path
        The files in the scan's order.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    common = _common(scan, description)
    paths = []
    for index in range(len(scan)):
        path = folder / f"{index + 1:04d}.dcm"
        dataset = _slice(common, scan, description, index)
        with replacing(path) as partial:
            dataset.save_as(partial, enforce_file_format=True)
        paths.append(path)
    return paths


def _uid(description: SeriesDescription, part: str) -> UID:
    return generate_uid(
        entropy_srcs=["aspects-atlas", description.identifier, description.variant, part]
    )


def _common(scan: Scan, description: SeriesDescription) -> pydicom.Dataset:
    """Return the attributes that all slices of the series share."""
    columns, rows = scan.data.shape[:2]
    spacing = scan[0].spacing
    dataset = pydicom.Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.ImageType = (
        ["DERIVED", "PRIMARY", "AXIAL"]
        if description.resampled
        else ["ORIGINAL", "PRIMARY", "AXIAL"]
    )
    dataset.SOPClassUID = CTImageStorage
    dataset.StudyDate = dataset.StudyTime = dataset.ContentDate = dataset.ContentTime = ""
    dataset.AccessionNumber = dataset.ReferringPhysicianName = dataset.StudyID = ""
    dataset.Modality = "CT"
    dataset.Manufacturer = "aspects-atlas"
    dataset.ManufacturerModelName = "simulated scanner"
    dataset.StudyDescription = "SIMULATED HEAD"
    dataset.SeriesDescription = "SIMULATED NCCT"
    dataset.PatientName = "SIMULATED"
    dataset.PatientID = description.identifier
    dataset.PatientBirthDate = ""
    dataset.PatientSex = description.sex
    dataset.PatientAge = f"{description.age:03d}Y"
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "Simulated: there is no patient"
    dataset.BodyPartExamined = "HEAD"
    dataset.KVP = "120"
    dataset.ReconstructionDiameter = _decimal(spacing[0] * columns)
    dataset.GantryDetectorTilt = _decimal(description.tilt_deg)
    dataset.ConvolutionKernel = description.kernel
    dataset.PatientPosition = "HFS"
    dataset.StudyInstanceUID = _uid(description, "study")
    dataset.SeriesInstanceUID = _uid(description, "series")
    dataset.FrameOfReferenceUID = _uid(description, "frame of reference")
    dataset.PositionReferenceIndicator = ""
    dataset.SeriesNumber = "2"
    dataset.AcquisitionNumber = "1"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = rows, columns
    # Rows first: the distance from one row to the next.
    dataset.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[0])]
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.RescaleIntercept, dataset.RescaleSlope = str(_INTERCEPT), "1"
    dataset.RescaleType = "HU"
    dataset.WindowCenter, dataset.WindowWidth = "40", "80"
    if description.padding_hu is not None:
        dataset.PixelPaddingValue = description.padding_hu - _INTERCEPT
    if volume_affine(scan.affines) is not None:
        distance = (scan.affines[1] - scan.affines[0])[:3, 3] @ scan.affines[0, :3, 2]
        dataset.SpacingBetweenSlices = _decimal(abs(distance))
    cosines = (scan.affines[0, :3, :2] / np.array(spacing)).T * _RAS_TO_LPS
    dataset.ImageOrientationPatient = [_decimal(number) for number in cosines.ravel()]
    return dataset


def _slice(
    common: pydicom.Dataset, scan: Scan, description: SeriesDescription, index: int
) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = _uid(description, f"slice {index}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", common, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.InstanceNumber = str(index + 1)
    position = scan.affines[index, :3, 3]
    dataset.ImagePositionPatient = [_decimal(number) for number in position * _RAS_TO_LPS]
    dataset.SliceLocation = _decimal(position[2])
    dataset.SliceThickness = _decimal(float(description.thickness_mm[index]))
    stored = scan.data[:, :, index].T.astype(np.int32) - _INTERCEPT
    dataset.PixelData = np.ascontiguousarray(stored.astype("<i2")).tobytes()
    return dataset


def _decimal(number: float) -> str:
    """Write a number as a DICOM decimal string, which holds 16 characters."""
    text = f"{number:.10f}".rstrip("0").rstrip(".")
    if len(text) > 16:
        text = text[:16]
    return "0" if text in ("-0", "") else text
