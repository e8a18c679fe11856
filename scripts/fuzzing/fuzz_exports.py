"""DICOM as archives export it, for ``fuzz_map.py``: what is odd about it must not move a region.

Each input but the ambiguous ones has a clean twin, the same head without the oddity; its map must
be that of the twin, and a remark must say what was odd.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
from fuzz_dicom import save_series, series
from fuzz_head import SPACING
from fuzz_inputs import MAPPED, REFUSED, Given, kind
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid


@kind
def two_passes(folder: Path, rng: np.random.Generator) -> Given:
    """Give two passes over a head under one series, which nothing tells to be better."""
    first, second = series(rng), series(rng)
    offset = float(rng.choice([SPACING[2] / 2, SPACING[2] / 4, 0.0]))
    told_by = rng.integers(4)
    for pass_number, images in enumerate((first, second)):
        for place, image in enumerate(images):
            image.ImagePositionPatient[2] += offset * pass_number
            image.SOPInstanceUID = generate_uid()
            image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
            image.InstanceNumber = place + 1
            if told_by == 0:
                image.AcquisitionNumber = pass_number + 1
            elif told_by == 1:
                image.AcquisitionDate = "20240105"
                image.AcquisitionTime = f"10{pass_number}5{place:02d}"
            elif told_by == 2:
                image.InstanceNumber = place + 1 + 100 * pass_number
            else:
                image.FrameOfReferenceUID = f"1.2.3.{pass_number}"
    both = [*first, *second]
    rng.shuffle(both)  # type: ignore[arg-type]
    return Given(save_series(folder / "dicom", both), REFUSED)


@kind
def odd_exports(folder: Path, rng: np.random.Generator) -> Given:
    """Give a series with something beside it, or with files that leave something out."""
    images = series(rng)
    twin = save_series(folder / "twin", images)
    remark = ""
    change = rng.integers(7)
    if change == 0:  # a pass with contrast medium beside it
        added = _copies(images)
        for image in added:
            image.ImagePositionPatient[2] += SPACING[2] / 2
            image.ContrastBolusAgent = "Iomeron"
        images, remark = [*images, *added], "acquisition-chosen"
    elif change == 1:  # a view of another orientation
        (odd,) = _copies(images[3:4])
        odd.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        images, remark = [*images, odd], "slices-set-aside"
    elif change == 2:  # a page without a position
        (odd,) = _copies(images[3:4])
        del odd.ImagePositionPatient
        images, remark = [*images, odd], "slices-set-aside"
    elif change == 3:  # numbers that name nothing
        for image in images:
            image.FrameOfReferenceUID = generate_uid()
    elif change == 4:  # rounding between slices
        for image in images:
            noise = rng.normal(0, 1e-5, 6)
            cosines = np.add([float(c) for c in image.ImageOrientationPatient], noise)
            image.ImageOrientationPatient = [f"{cosine:.7f}" for cosine in cosines]
    path = save_series(folder / "dicom", images)
    files = sorted(path.iterdir())
    if change == 5:  # no preamble
        for file in files:
            content = file.read_bytes()
            file.with_suffix("").write_bytes(content[content.index(b"\x08\x00\x08\x00") :])
            file.unlink()
    elif change == 6:  # the top of the head lost
        for file in files[-int(rng.integers(1, 3)) :]:
            file.write_bytes(b"")
        remark = "files-not-read"
    return Given(path, MAPPED, twin=twin, remark=remark)


def _copies(images: list[Dataset]) -> list[Dataset]:
    copies = copy.deepcopy(images)
    for image in copies:
        image.SOPInstanceUID = generate_uid()
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return copies
