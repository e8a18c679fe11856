"""Damaged, odd and unsuitable DICOM for ``fuzz_map.py``; see ``fuzz_inputs.py``."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from fuzz_head import BGL, SHAPE, SPACING, head
from fuzz_inputs import EITHER, MAPPED, REFUSED, Given, kind
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

PRIVATE = ("Doe^Jane", "Doe Jane", "Doe, Jane", "SECRET-42", "19500102")
"""What must appear in no message and in no output but the patient's own DICOM."""

_UID = "1.2.826.0.1.3680043.8.498.1"


def series(rng: np.random.Generator, number: int = 2, tilt: float = 0.0) -> list[Dataset]:
    """Return the drawn head as CT images."""
    volume = head(rng)
    slope = np.radians(tilt)
    cosines = [1, 0, 0, 0, np.cos(slope), -np.sin(slope)]
    datasets = []
    for k in range(SHAPE[2]):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(number), str(k)])
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = f"{_UID}.1", f"{_UID}.2"
        dataset.SeriesInstanceUID, dataset.SeriesNumber = f"{_UID}.3.{number}", number
        dataset.PatientName, dataset.PatientID = "Doe^Jane", "SECRET-42"
        dataset.PatientBirthDate, dataset.PatientAge = "19500102", "063Y"
        dataset.SeriesDescription = "Doe Jane"
        dataset.Modality = "CT"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.ImagePositionPatient = [-SPACING[0] * SHAPE[0] / 2, -114.0, k * SPACING[2]]
        dataset.ImageOrientationPatient = [round(float(c), 6) for c in cosines]
        dataset.PixelSpacing = list(SPACING[:2])
        dataset.SliceThickness = SPACING[2]
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit, dataset.PixelRepresentation = 15, 1
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.Columns, dataset.Rows = SHAPE[:2]
        dataset.PixelData = np.rint(volume[:, :, k].T + 1024).astype("<i2").tobytes()
        datasets.append(dataset)
    return datasets


def save_series(folder: Path, datasets: list[Dataset], prefix: str = "IM") -> Path:
    """Write CT images into a folder."""
    folder.mkdir(exist_ok=True)
    for place, dataset in enumerate(datasets):
        pydicom.dcmwrite(folder / f"{prefix}{place:03d}.dcm", dataset, enforce_file_format=True)
    return folder


@kind
def dicom_to_be_mapped(folder: Path, rng: np.random.Generator) -> Given:
    """Give a DICOM folder that must be mapped."""
    images = series(rng, tilt=float(rng.choice([0, 0, 18.5, -25])))
    change = rng.integers(7)
    if change == 0:
        for image in images:
            image.compress((RLELossless, JPEGLSLossless)[rng.integers(2)])
    elif change == 1:
        for image in images[6:]:
            image.ImagePositionPatient[2] += 3
    elif change == 2:
        del images[1]
        options = {"--bgl-slice": "2", "--sgl-slice": "6"}
        return Given(save_series(folder / "dicom", images), MAPPED, options)
    elif change == 3:
        save_series(folder / "dicom", images, "again")
    elif change == 4:
        save_series(folder / "dicom", series(rng, 3), "other")
        return Given(save_series(folder / "dicom", images), MAPPED, {"--series": "2"})
    elif change == 5:
        for image in images:
            del image.PatientAge, image.PatientName, image.FrameOfReferenceUID
    path = save_series(folder / "dicom", images)
    (path / "notes.txt").write_text("Doe, Jane")
    return Given(path, MAPPED)


def _without(keyword: str) -> Callable[[Dataset], None]:
    return lambda image: delattr(image, keyword)


def _with(**values: Any) -> Callable[[Dataset], None]:
    return lambda image: [setattr(image, k, v) for k, v in values.items()] and None


@kind
def dicom_attributes(folder: Path, rng: np.random.Generator) -> Given:
    """Give images, one or all, with an attribute that is missing or cannot be."""
    changes: list[Callable[[Dataset], None]] = [
        *map(
            _without, ("ImagePositionPatient", "PixelSpacing", "RescaleSlope", "Rows", "PixelData")
        ),
        _with(Rows=65535, Columns=65535),
        _with(PixelSpacing=[0, 0]),
        _with(PixelSpacing=[-1, 1]),
        _with(PixelSpacing=[1e-9, 1e9]),
        _with(ImageOrientationPatient=[1, 0, 0, 1, 0, 0]),
        _with(ImageOrientationPatient=[1, 0, 0, 0, 0, -1]),
        _with(ImagePositionPatient=[0, 0, 1e12]),
        _with(NumberOfFrames=1_000_000_000),
        _with(BitsAllocated=32),
        _with(BitsAllocated=8, BitsStored=8, HighBit=7),
        _with(SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0),
        _with(Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4"),
        _with(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
        _with(RescaleSlope=0),
        _with(RescaleIntercept=1e30),
        _with(PatientID="OTHER", SeriesInstanceUID=f"{_UID}.9"),
        _with(PatientAge="63"),
    ]
    change = changes[rng.integers(len(changes))]
    images = series(rng)
    for image in images if rng.random() < 0.5 else images[:1]:
        change(image)
    for image in images:
        image.PixelData = image.get("PixelData") or b""
    return Given(save_series(folder / "dicom", images), EITHER)


@kind
def dicom_damage(folder: Path, rng: np.random.Generator) -> Given:
    """Give files cut, altered, not DICOM, or in conflict with each other."""
    images = series(rng)
    path = save_series(folder / "dicom", images)
    victim = path / f"IM{rng.integers(SHAPE[2]):03d}.dcm"
    content = bytearray(victim.read_bytes())
    change = rng.integers(7)
    may_end = REFUSED
    if change == 0:
        victim.write_bytes(content[: rng.integers(len(content) - 1)])
    elif change == 1:
        for offset in rng.integers(132, 1200, rng.integers(1, 9)):
            content[offset] = rng.integers(256)
        victim.write_bytes(content)
        may_end = EITHER
    elif change == 2:
        (path / "notes.dcm").write_text("not DICOM")
    elif change == 3:
        images[BGL].RescaleIntercept = -1000
        save_series(path, [images[BGL]], "conflict")
    elif change == 4:
        save_series(path, series(rng, 3), "other")
    elif change == 5:
        return Given(victim)
    else:
        images[BGL].compress(RLELossless)
        images[BGL].PixelData = images[BGL].PixelData[:400]
        save_series(path, [images[BGL]], "IM")
    return Given(path, may_end)


@kind
def archives(folder: Path, rng: np.random.Generator) -> Given:
    """Give zip archives: good, damaged, without a scan, or with names that lead elsewhere."""
    members = sorted(save_series(folder / "dicom", series(rng)).iterdir())
    path = folder / "scan.zip"
    change = rng.integers(8)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        if change == 0:
            file.writestr("big", bytes(128) + b"DICM" + bytes(5000))
        elif change == 1:
            file.writestr("notes.txt", "Doe, Jane")
        elif change == 2:
            file.write(members[0], "inside/one.dcm")
        else:
            elsewhere = ("", "../../", "/", "C:\\")[rng.integers(4)]
            for member in members:
                file.write(member, elsewhere + member.name)
    for member in members:
        member.unlink()
    content = bytearray(path.read_bytes())
    if change == 3:
        path.write_bytes(content[: rng.integers(5, len(content) - 1)])
        return Given(path)
    if change == 4:
        for offset in rng.integers(4, len(content), 20):
            content[offset] = rng.integers(256)
        path.write_bytes(content)
        return Given(path, EITHER)
    return Given(path, MAPPED if change > 4 else REFUSED)


@kind
def folders_without_a_scan(folder: Path, rng: np.random.Generator) -> Given:
    """Give folders with nothing in them, or with everything but a scan."""
    path = folder / "folder"
    path.mkdir()
    for place in range(rng.integers(3)):
        (path / f"notes{place}.txt").write_bytes(rng.bytes(300))
    if rng.random() < 0.5:
        (path / "deeper" / "still").mkdir(parents=True)
        (path / "loop").symlink_to(path)
    return Given(path)
