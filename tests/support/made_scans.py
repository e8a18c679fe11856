"""Images of a field that is known at every position, written as scanners and converters do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

Array = NDArray[Any]
CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"


def field_at(positions: Array) -> Array:
    """HU at RAS mm positions, shape (..., 3): no two directions look alike."""
    x, y, z = np.moveaxis(positions, -1, 0)
    return 40.0 + 3.0 * x - 5.0 * y + 7.0 * z + 0.1 * x * y


def positions_of(affine: Array, shape: tuple[int, ...]) -> Array:
    """RAS mm positions of every voxel of an array, shape (*shape, 3)."""
    indices = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return indices @ affine[:3, : len(shape)].T + affine[:3, 3]


def field_on(scan: Any) -> Array:
    """What the field holds where a scan says its pixels lie."""
    columns, rows, _ = scan.data.shape
    slices = [field_at(positions_of(affine, (columns, rows))) for affine in scan.affines]
    return np.stack(slices, axis=2)


def save_nifti(path: Path, data: Array, affine: Array, slope: float = 1, inter: float = 0) -> Path:
    """Write stored values with a slope and intercept, qform where it can be had and sform."""
    image = nib.Nifti1Image(data, affine, dtype=data.dtype)
    image.header.set_slope_inter(slope, inter)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    nib.save(image, path)
    return path


def ct_dataset(sop_class: str = CT, series: str = "1.2.3", number: int = 2) -> Dataset:
    """A CT object without geometry or pixels; its patient's data must appear in no message."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "SECRET-42"
    dataset.PatientBirthDate = "19500102"
    dataset.Modality = "CT"
    dataset.SeriesInstanceUID, dataset.SeriesNumber = series, number
    dataset.SeriesDescription = "Doe Jane head"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.SamplesPerPixel = 1
    dataset.PixelRepresentation = 1
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    return dataset


class Geometry:
    """Slices of 7 columns and 9 rows, tilted like a gantry and unevenly spaced (LPS mm)."""

    columns, rows = 7, 9
    column_spacing, row_spacing = 11.0, 13.0
    heights = (0.0, 4.2, 8.4, 9.6, 17.0, 24.4)

    def __init__(self, tilt_degrees: float = 18.5, turn_degrees: float = 0.0) -> None:
        tilt, turn = np.radians([tilt_degrees, turn_degrees])
        self.along_columns = np.array([np.cos(turn), np.sin(turn), 0.0])
        back = np.array([-np.sin(turn), np.cos(turn), 0.0])
        self.along_rows = np.cos(tilt) * back - np.sin(tilt) * np.array([0.0, 0.0, 1.0])

    def origin(self, height: float) -> Array:
        """LPS position of the first pixel: the table moves along z, not along the normal."""
        return np.array([-33.0, -52.0, height])

    def hu(self, height: float) -> Array:
        """The field, shape (rows, columns)."""
        c, r = np.meshgrid(np.arange(self.columns), np.arange(self.rows))
        lps = (
            self.origin(height)
            + c[..., np.newaxis] * self.column_spacing * self.along_columns
            + r[..., np.newaxis] * self.row_spacing * self.along_rows
        )
        return field_at(lps * [-1, -1, 1])

    def place(self, dataset: Dataset, height: float) -> None:
        """Set the plane of a classic CT image."""
        dataset.ImagePositionPatient = [round(float(v), 6) for v in self.origin(height)]
        cosines = [*self.along_columns, *self.along_rows]
        dataset.ImageOrientationPatient = [round(float(v), 8) for v in cosines]
        dataset.PixelSpacing = [self.row_spacing, self.column_spacing]


def set_pixels(dataset: Dataset, stored: Array) -> None:
    """Set int16 or uint16 pixels of shape (rows, columns) or (frames, rows, columns)."""
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.PixelData = stored.astype(stored.dtype.newbyteorder("<")).tobytes()


def ct_slice(geometry: Geometry, height: float, **attributes: Any) -> Dataset:
    """A classic CT image of the field."""
    dataset = ct_dataset(
        series=attributes.pop("series", "1.2.3"), number=attributes.pop("number", 2)
    )
    geometry.place(dataset, height)
    stored = np.rint(geometry.hu(height) + 1024).astype(np.int16)
    set_pixels(dataset, stored)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def enhanced(shared: bool) -> Dataset:
    """A multi-frame CT of the field, frames shuffled, as new scanners write them."""
    geometry = Geometry()
    heights = [geometry.heights[place] for place in (3, 0, 5, 2, 4, 1)]
    dataset = ct_dataset(sop_class=ENHANCED_CT)
    del dataset.RescaleSlope, dataset.RescaleIntercept
    stored = [np.rint((geometry.hu(height) + 2048) / 0.5) for height in heights]
    set_pixels(dataset, np.stack(stored).astype(np.int16))
    dataset.NumberOfFrames = len(heights)

    measures, orientation, values = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [geometry.row_spacing, geometry.column_spacing]
    classic = ct_slice(geometry, 0.0)
    orientation.ImageOrientationPatient = classic.ImageOrientationPatient
    values.RescaleSlope, values.RescaleIntercept = 0.5, -2048

    def describe(groups: Dataset) -> None:
        groups.PixelMeasuresSequence = Sequence([measures])
        groups.PlaneOrientationSequence = Sequence([orientation])
        groups.PixelValueTransformationSequence = Sequence([values])

    common, frames = Dataset(), []
    for height in heights:
        position, groups = Dataset(), Dataset()
        position.ImagePositionPatient = [round(float(v), 6) for v in geometry.origin(height)]
        groups.PlanePositionSequence = Sequence([position])
        if not shared:
            describe(groups)
        frames.append(groups)
    if shared:
        describe(common)
    dataset.SharedFunctionalGroupsSequence = Sequence([common])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return dataset


def save_dicom(dataset: Dataset, path: Path) -> Path:
    """Write a DICOM file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


@pytest.fixture(scope="session")
def made() -> ModuleType:
    """The functions above, for tests to call."""
    return sys.modules[__name__]


@pytest.fixture
def ct_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a series in shuffled order under names that say nothing."""

    def write(geometry: Geometry | None = None, **attributes: Any) -> Path:
        geometry = geometry or Geometry()
        heights = np.random.default_rng(3).permutation(geometry.heights)
        for place, height in enumerate(heights):
            name = f"{attributes.get('number', 2)}/{place:03d}"
            save_dicom(
                ct_slice(geometry, float(height), **attributes), tmp_path / "dicom" / f"{name}.dcm"
            )
        return tmp_path / "dicom"

    return write
