"""Measurements as DICOM SR, read back by highdicom, and checked against the standard."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from segmentations import region_map

from atlas_builder.core.anatomy import SIDES, Region
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.codes import (
    ASPECTS,
    DENSITY,
    HOUNSFIELD,
    LOST_POINT,
    MEAN,
    PRIVATE_SCHEME,
    PROBABILITY,
    Code,
    coded,
    region_code,
)
from atlas_builder.io.dicom.results.reported_scan import Quantity, ReportedRegion, ReportedScan
from atlas_builder.io.dicom.results.structured_report import write_structured_report
from atlas_builder.io.dicom.scans import DicomSeries, examine_dicom
from atlas_builder.io.dicom.segmentation import write_segmentation
from atlas_builder.io.dicom.writing import SeriesDescription, write_dicom_series

VALIDATOR = shutil.which("dciodvfy")


def density(region: Region, side: str) -> float:
    return 30.0 + region + (0.25 if side == "left" else 0.5)


def reported(scores: dict | None) -> ReportedScan:
    regions = tuple(
        ReportedRegion(
            region,
            side,
            (
                Quantity(DENSITY, density(region, side), HOUNSFIELD, MEAN),
                Quantity(PROBABILITY, float("nan") if region == Region.C else 0.125, _ONE),
            ),
            LOST_POINT,
            region == Region.M2 and side == "left",
        )
        for side in SIDES
        for region in Region
    )
    return ReportedScan("asymmetry", regions, scores, (Flag("poor-fit", "0.4 only: look"),))


_ONE = Code("1", "UCUM", "no units")


@pytest.fixture
def series(tmp_path: Path) -> DicomSeries:
    """A small simulated series, whose headers are complete."""
    affines = np.tile(np.diag([1.0, 1.0, 1.0, 1.0]), (6, 1, 1))
    affines[:, 2, 3] = 5.0 * np.arange(6)
    scan = Scan(np.full((16, 12, 6), 30, np.int16), affines)
    description = SeriesDescription("sub-01", "a", 60, "F", np.full(6, 5.0), "H30s")
    write_dicom_series(tmp_path / "dicom", scan, description)
    return examine_dicom(tmp_path / "dicom")


@pytest.fixture
def written(series: DicomSeries, tmp_path: Path) -> Path:
    labels = region_map(series)
    labels[labels == 20] = 0  # right M6 has no segment
    assert write_segmentation(tmp_path / "regions.seg.dcm", labels, series.frames) is None
    path = tmp_path / "aspects.sr.dcm"
    report = reported({"left": 9, "right": 10})
    segmentation = tmp_path / "regions.seg.dcm"
    assert write_structured_report(path, report, series.frames, [1, 4], segmentation) is None
    return path


def test_highdicom_reads_each_region_with_its_segment(written: Path, series: DicomSeries) -> None:
    document = hd.sr.srread(written)
    assert isinstance(document, hd.sr.ComprehensiveSR)
    groups = document.content.get_volumetric_roi_measurement_groups()
    assert len(groups) == 19
    segmentation = hd.seg.segread(written.with_name("regions.seg.dcm"))
    for group in groups:
        region, side = group.tracking_identifier.split(", ")
        assert group.finding_type == coded(region_code(Region[region]))
        (site,) = group.finding_sites
        assert site.laterality.meaning == side.capitalize()
        (mean,) = group.get_measurements(name=coded(DENSITY))
        assert mean.value == density(Region[region], side)
        assert mean.unit.value == "[hnsf'U]"
        assert mean.derivation.meaning == "Mean"
        probabilities = group.get_measurements(name=coded(PROBABILITY))
        assert [one.value for one in probabilities] == ([] if region == "C" else [0.125])
        (lost,) = group.get_qualitative_evaluations(name=coded(LOST_POINT))
        affected = group.tracking_identifier == "M2, left"
        assert lost.value.meaning == ("Yes" if affected else "No")
        segment = group.referenced_segment
        assert segment.referenced_sop_instance_uid == segmentation.SOPInstanceUID
        number = segment.referenced_segment_numbers[0]
        description = segmentation.get_segment_description(number)
        assert description.tracking_id == group.tracking_identifier
        assert description.tracking_uid == group.tracking_uid


def test_scores_and_doubts_are_of_the_patient_and_of_each_side(written: Path) -> None:
    groups = hd.sr.srread(written).content.get_image_measurement_groups()
    scores = {
        group.tracking_identifier: one.value
        for group in groups
        for one in group.get_measurements(name=coded(ASPECTS))
    }
    assert scores == {"ASPECTS": 9, "ASPECTS, left": 9, "ASPECTS, right": 10}
    names = [group.tracking_identifier for group in groups]
    assert "M6, right" in names  # without a segment
    items = [item for item in pydicom.dcmread(written).iterall() if item.keyword == "TextValue"]
    assert "poor-fit: 0.4 only: look" in [item.value for item in items]


def test_it_belongs_to_the_study_and_names_its_sources(written: Path, series: DicomSeries) -> None:
    document = pydicom.dcmread(written)
    sources = [pydicom.dcmread(series.frames[k].path) for k in (1, 4)]
    assert document.StudyInstanceUID == sources[0].StudyInstanceUID
    assert document.PatientID == sources[0].PatientID
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    named = {
        item.ReferencedSOPInstanceUID
        for one in study.ReferencedSeriesSequence
        for item in one.ReferencedSOPSequence
    }
    segmentation = pydicom.dcmread(written.with_name("regions.seg.dcm"))
    assert named == {source.SOPInstanceUID for source in (*sources, segmentation)}
    (scheme,) = document.CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == PRIVATE_SCHEME


def test_a_map_has_no_score(series: DicomSeries, tmp_path: Path) -> None:
    write_segmentation(tmp_path / "s.dcm", region_map(series), series.frames)
    path = tmp_path / "r.dcm"
    args = (path, reported(None), series.frames, [1, 4], tmp_path / "s.dcm")
    assert write_structured_report(*args) is None
    content = hd.sr.srread(path).content
    assert not any(
        group.get_measurements(name=coded(ASPECTS))
        for group in content.get_image_measurement_groups()
    )
    assert len(content.get_volumetric_roi_measurement_groups()) == 20


@pytest.mark.skipif(VALIDATOR is None, reason="dciodvfy is not here: apt-get install dicom3tools")
def test_the_standard_s_checker_finds_no_error(written: Path) -> None:
    assert VALIDATOR is not None
    for path in (written, written.with_name("regions.seg.dcm")):
        ended = subprocess.run([VALIDATOR, path], capture_output=True, text=True, check=False)
        assert "Error" not in ended.stderr + ended.stdout
        assert re.search("ComprehensiveSR|Segmentation", ended.stderr + ended.stdout)
