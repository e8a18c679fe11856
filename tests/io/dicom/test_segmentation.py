"""Region maps as DICOM SEG, read back by other software at the positions of the source."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid
from segmentations import positions_in_file, ras_positions, region_map

from atlas_builder.core.anatomy import SIDES, Region, map_value
from atlas_builder.io.dicom.scans import examine_dicom
from atlas_builder.io.dicom.segmentation import PRIVATE_SCHEME, write_segmentation

STUDY, FRAME_OF_REFERENCE = generate_uid(), generate_uid()
IDENTIFIED = {"StudyInstanceUID": STUDY, "FrameOfReferenceUID": FRAME_OF_REFERENCE}


@pytest.mark.parametrize(("tilt", "turn"), [(18.5, 0), (0, 90), (-12, 180)])
def test_every_region_lies_where_it_was_drawn(
    made: ModuleType, ct_folder: Callable[..., Path], tmp_path: Path, tilt: float, turn: float
) -> None:
    series = examine_dicom(ct_folder(made.Geometry(tilt, turn), **IDENTIFIED))
    labels = region_map(series)
    path = tmp_path / "regions.seg.dcm"
    assert write_segmentation(path, labels, series.frames) is None
    found = positions_in_file(path)
    assert len(found) == 20
    for region in Region:
        for side in SIDES:
            starts = (f"{region.name} (", region.full_name.capitalize())
            (name,) = [n for n in found if n.startswith(starts) and n.endswith(f", {side}")]
            np.testing.assert_allclose(
                found[name], ras_positions(series, labels, map_value(region, side)), atol=1e-4
            )


def test_highdicom_finds_the_source_slices_and_the_codes(
    ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    series = examine_dicom(ct_folder(**IDENTIFIED))
    labels = region_map(series)
    path = tmp_path / "regions.seg.dcm"
    write_segmentation(path, labels, series.frames)
    segmentation = hd.seg.segread(path)
    assert segmentation.segmentation_type == hd.seg.SegmentationTypeValues.BINARY
    sources = [pydicom.dcmread(series.frames[k].path) for k in (1, 4)]
    pixels = segmentation.get_pixels_by_source_instance(
        [source.SOPInstanceUID for source in sources],
        combine_segments=True,
        ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )
    for place, k in enumerate((1, 4)):
        stored = series.frames[k].in_plane.undo(labels[:, :, k]).T
        np.testing.assert_array_equal(pixels[place], stored)  # segment numbers are map values

    caudate, lentiform, *_ = (segmentation.get_segment_description(n) for n in range(1, 21))
    assert caudate.segment_label == "Caudate, left"
    assert caudate.segmented_property_type == hd.sr.CodedConcept("11000004", "SCT", "Caudate")
    kind = lentiform.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("L", PRIVATE_SCHEME)
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    right_m6 = segmentation.get_segment_description(20)
    kind = right_m6.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("M6", PRIVATE_SCHEME)
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeValue == "24028007"
    assert right_m6.algorithm_identification.name == "ASPECTS Atlas"

    assert segmentation.StudyInstanceUID == STUDY
    assert segmentation.FrameOfReferenceUID == FRAME_OF_REFERENCE
    assert segmentation.PatientID == "SECRET-42"
    (referenced,) = segmentation.ReferencedSeriesSequence
    assert referenced.SeriesInstanceUID == sources[0].SeriesInstanceUID
    assert {item.ReferencedSOPInstanceUID for item in referenced.ReferencedInstanceSequence} == {
        source.SOPInstanceUID for source in sources
    }


def test_classic_images_that_count_their_one_frame(
    ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    series = examine_dicom(ct_folder(**IDENTIFIED, NumberOfFrames=1))
    assert write_segmentation(tmp_path / "a.dcm", region_map(series), series.frames) is None
    assert len(positions_in_file(tmp_path / "a.dcm")) == 20


def test_regions_that_are_not_there_have_no_segment(
    ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    series = examine_dicom(ct_folder(**IDENTIFIED))
    labels = region_map(series)
    labels[labels > 10] = 0
    labels[labels == 2] = 0
    path = tmp_path / "regions.seg.dcm"
    write_segmentation(path, labels, series.frames)
    assert hd.seg.segread(path).number_of_segments == 9
    assert "Lentiform nucleus, left" not in positions_in_file(path)


def test_a_multiframe_source_is_referred_to_by_frame(made: ModuleType, tmp_path: Path) -> None:
    dataset = made.enhanced(shared=True)
    dataset.update(IDENTIFIED_DATASET)
    made.save_dicom(dataset, tmp_path / "dicom" / "enhanced.dcm")
    series = examine_dicom(tmp_path / "dicom")
    labels = region_map(series)
    path = tmp_path / "regions.seg.dcm"
    assert write_segmentation(path, labels, series.frames) is None
    found = positions_in_file(path)
    expected = ras_positions(series, labels, map_value(Region.C, "left"))
    np.testing.assert_allclose(found["Caudate, left"], expected, atol=1e-4)


IDENTIFIED_DATASET = pydicom.Dataset()
IDENTIFIED_DATASET.StudyInstanceUID = STUDY
IDENTIFIED_DATASET.FrameOfReferenceUID = FRAME_OF_REFERENCE


def test_sources_that_allow_none_get_none_and_a_reason(
    ct_folder: Callable[..., Path], tmp_path: Path
) -> None:
    series = examine_dicom(ct_folder(StudyInstanceUID=STUDY))
    path = tmp_path / "regions.seg.dcm"
    reason = write_segmentation(path, region_map(series), series.frames)
    assert reason == "no DICOM SEG: the source lacks FrameOfReferenceUID"
    empty = np.zeros((*series.slice_shape, len(series.frames)), np.uint8)
    assert write_segmentation(path, empty, series.frames) == (
        "no DICOM SEG: the map has no regions"
    )
    assert not path.exists()
