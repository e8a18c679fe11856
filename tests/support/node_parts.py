"""Small studies of a patient whose name must appear nowhere, and a scorer that takes no time."""

from __future__ import annotations

import hashlib
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import SecondaryCaptureImageStorage, generate_uid
from segmentations import region_map

from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.codes import LOST_POINT
from atlas_builder.io.dicom.results.reported_scan import ReportedRegion, ReportedScan
from atlas_builder.io.dicom.scans import examine_dicom
from atlas_builder.io.dicom.writing import SeriesDescription, write_dicom_series
from atlas_builder.io.source import DicomSource, open_scan
from atlas_builder.node.scoring import Ended
from atlas_builder.workflows.dicom_results import write_dicom_results

NAME, IDENTIFIER, BIRTH_DATE = "MUSTERMANN^ERIKA", "SECRET-4711", "19410203"
SECRETS = (b"MUSTERMANN", b"ERIKA", b"SECRET-4711", b"19410203")


class Log(logging.Logger):
    """A log that keeps its lines."""

    def __init__(self) -> None:
        super().__init__("test")
        self.lines: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: self.lines.append(record.getMessage())  # type: ignore[method-assign]
        self.addHandler(handler)


def make_study(folder: Path, identifier: str, slices: int = 4) -> list[pydicom.FileDataset]:
    """Write a small study, and return its images."""
    affines = np.tile(np.eye(4), (slices, 1, 1))
    affines[:, 2, 3] = 5.0 * np.arange(slices)
    scan = Scan(np.full((8, 8, slices), 30, np.int16), affines)
    description = SeriesDescription(identifier, "a", 60, "F", np.full(slices, 5.0), "H30s")
    images = []
    for path in write_dicom_series(folder, scan, description):
        dataset = pydicom.dcmread(path)
        name_patient(dataset)
        dataset.save_as(path)
        images.append(dataset)
    return images


def name_patient(dataset: pydicom.Dataset) -> None:
    """Give an image a patient."""
    dataset.PatientName = NAME
    dataset.PatientID = IDENTIFIER
    dataset.PatientBirthDate = BIRTH_DATE
    dataset.PatientIdentityRemoved = "NO"


def fake_score(scan: Path, out: Path, known: str, stop: Callable[[], bool]) -> Ended:
    """Write one DICOM object as a result, in the study of the images; see `Scorer`."""
    files = sorted(path for path in scan.rglob("*.dcm"))
    if not files:
        return Ended("refused", "no images")
    images = hashlib.sha256("".join(path.name for path in files).encode()).hexdigest()
    if images == known:
        return Ended("unchanged", images=images)
    source = pydicom.dcmread(files[0])
    source.SOPClassUID = source.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    source.SOPInstanceUID = source.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    source.InstanceNumber = len(files)
    out.mkdir()
    source.save_as(out / "aspects.sr.dcm")
    (out / "aspects.json").write_text("{}")
    return Ended("scored", images=images)


def free_port() -> int:
    """Return a TCP port that nothing listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so, and fail where it is not in time."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.05)


def holding_secrets(folder: Path) -> set[str]:
    """Names of the files that tell who the patient is, and of those whose name does."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        for secret in SECRETS
        if secret in path.name.encode() or (path.is_file() and secret in path.read_bytes())
    }


def write_result(scan: Path, out: Path, known: str, stop: Callable[[], bool]) -> Ended:
    """Write a segmentation, a report and drawn slices of regions of a pixel; see `Scorer`."""
    series = examine_dicom(scan)
    images = "+".join(sorted(frame.path.name for frame in series.frames))
    if images == known:
        return Ended("unchanged", images=images)
    labels = region_map(series)
    regions = tuple(
        ReportedRegion(region, side, (), LOST_POINT, False) for side in SIDES for region in Region
    )
    report = ReportedScan("test", regions, {"left": 10, "right": 10}, ())
    out.mkdir()
    with open_scan(scan) as source:
        assert isinstance(source, DicomSource)
        assert write_dicom_results(out, "aspects.sr.dcm", source, labels, report, set()) == []
    (out / "aspects.json").write_text("{}")
    return Ended("scored", images=images)
