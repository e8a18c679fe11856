"""An infarct as DICOM SEG, read back on the images of the source."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid
from segmentations import region_map

from atlas_builder.io.dicom.results.infarct_segmentation import write_infarct
from atlas_builder.io.dicom.scans import examine_dicom

IDENTIFIED = {"StudyInstanceUID": generate_uid(), "FrameOfReferenceUID": generate_uid()}


@pytest.mark.parametrize(("tilt", "turn"), [(18.5, 0), (0, 90)])
def test_the_infarct_lies_where_it_was_drawn_and_is_coded(
    made: ModuleType, ct_folder: Callable[..., Path], tmp_path: Path, tilt: float, turn: float
) -> None:
    series = examine_dicom(ct_folder(made.Geometry(tilt, turn), **IDENTIFIED))
    mask = (region_map(series) == 4).astype(np.uint8)
    path = tmp_path / "infarct.seg.dcm"
    assert write_infarct(path, mask, series.frames) is None
    segmentation = hd.seg.segread(path)
    slices = np.flatnonzero(mask.any(axis=(0, 1)))
    sources = [pydicom.dcmread(series.frames[k].path).SOPInstanceUID for k in slices]
    pixels = segmentation.get_pixels_by_source_instance(sources, ignore_spatial_locations=True)
    for place, k in enumerate(slices):
        stored = series.frames[k].in_plane.undo(mask[:, :, k]).T
        np.testing.assert_array_equal(pixels[place, :, :, 0], stored)
    segment = segmentation.SegmentSequence[0]
    kind = segment.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("55641003", "SCT")
    assert segment.SegmentAlgorithmType == "AUTOMATIC"
