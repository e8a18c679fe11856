"""Region maps of a few pixels over a DICOM series, and what a DICOM SEG holds of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom

from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.io.dicom.scans import DicomSeries


def region_map(series: DicomSeries) -> Any:
    """Twenty regions as pixels: M4-M6 on slice 4, the others on slice 1."""
    labels = np.zeros((*series.slice_shape, len(series.frames)), np.uint8)
    for region in Region:
        for side in SIDES:
            value = map_value(region, side)
            place = np.unravel_index(3 * value, series.slice_shape)
            labels[(*place, 1 if region < Region.M4 else 4)] = value
    return labels


def ras_positions(series: DicomSeries, labels: Any, value: int) -> Any:
    c, r, k = np.argwhere(labels == value).T
    indices = np.stack([c, r, np.zeros_like(c), np.ones_like(c)])
    return np.array([series.affines[z] @ v for z, v in zip(k, indices.T, strict=True)])[:, :3]


def positions_in_file(path: Path) -> dict[str, Any]:
    """RAS positions of each segment's pixels, from the standard's attributes alone."""
    dataset = pydicom.dcmread(path)
    labels = {s.SegmentNumber: s.SegmentLabel for s in dataset.SegmentSequence}
    shared = dataset.SharedFunctionalGroupsSequence[0]
    spacing = np.array(shared.PixelMeasuresSequence[0].PixelSpacing, float)
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    found: dict[str, Any] = {}
    for frame, groups in zip(
        dataset.pixel_array, dataset.PerFrameFunctionalGroupsSequence, strict=True
    ):
        origin = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        for row, column in np.argwhere(frame):
            lps = origin + column * spacing[1] * cosines[:3] + row * spacing[0] * cosines[3:]
            found.setdefault(labels[number], []).append(lps * [-1, -1, 1])
    return {label: np.array(positions) for label, positions in found.items()}
