"""Results as a DICOM structured report: what was measured in each region, and the score.

The report follows TID 1500. Each region of each side is a group of measurements that refers to its
segment in the DICOM SEG written beside it; each side's score, and the patient's, is a group of its
own. Like the segmentation it belongs to its patient and repeats the source's Patient and Study
modules.

References
----------
DICOM PS3.3, A.35.3 Comprehensive SR IOD; PS3.16, TID 1500 Measurement Report, TID 1411 Volumetric
ROI Measurements, TID 1501 Measurement and Qualitative Evaluation Group.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydicom.uid import generate_uid

from atlas_builder import __version__
from atlas_builder.core.anatomy import SIDES, Side
from atlas_builder.io.dicom.codes import (
    ASPECTS,
    BRAIN,
    CT_OF_HEAD,
    FLAG,
    NO,
    POINTS_OF_SCORE,
    PRODUCT,
    SIDE_CODES,
    YES,
    coded,
    private_scheme,
    region_code,
)
from atlas_builder.io.dicom.damage import DAMAGE, in_dicom_silence
from atlas_builder.io.dicom.datasets import read_dataset
from atlas_builder.io.dicom.frames import Frame
from atlas_builder.io.dicom.portable import UTF_8
from atlas_builder.io.dicom.results.reported_scan import Quantity, ReportedRegion, ReportedScan
from atlas_builder.io.dicom.segmentation_sources import UnusableSourcesError, source_headers
from atlas_builder.runtime.files import replacing

_SERIES_NUMBER = 9510
_DECIMALS = 4
_DEVICE = generate_uid(entropy_srcs=["aspects-atlas", "device observer"])


def write_structured_report(
    path: Path,
    report: ReportedScan,
    frames: Sequence[Frame],
    referred: Sequence[int],
    segmentation: Path,
) -> str | None:
    """Write a result as a Comprehensive SR of template TID 1500.

    Parameters
    ----------
    path : Path
        Such as ``aspects.sr.dcm``; written whole or not at all.
    report : ReportedScan
        What to write.
    frames : sequence of Frame
        All slices of the scan.
    referred : sequence of int
        Indices of the slices that were measured, those of the segmentation.
    segmentation : Path
        The DICOM SEG of the regions, see `write_segmentation`. Regions that it lacks are reported
        without one.

    Returns
    -------
    str or None
        Why nothing was written.
    """
    try:
        with in_dicom_silence():
            sources = source_headers(frames, referred)
            segments = read_dataset(segmentation, stop_before_pixels=True)
            document = _document(report, sources, segments)
            with replacing(path) as partial:
                document.save_as(partial)
    except UnusableSourcesError as reason:
        return f"no DICOM SR: {reason}"
    except DAMAGE as error:
        if isinstance(error, OSError):
            raise
        return f"no DICOM SR: the source's headers do not allow it ({type(error).__name__})"
    return None


def _document(report: ReportedScan, sources: Sequence[Any], segments: Any) -> Any:
    import highdicom as hd  # noqa: PLC0415 - slow to load, and DICOM scans alone need it

    content = hd.sr.MeasurementReport(
        observation_context=_observer(),
        procedure_reported=coded(CT_OF_HEAD),
        imaging_measurements=[
            *_scores(report),
            *(_region(one, report.method, sources, segments) for one in report.regions),
        ],
        title=hd.sr.CodedConcept("126000", "DCM", "Imaging Measurement Report"),
        referenced_images=sources,
    )
    document = hd.sr.ComprehensiveSR(
        evidence=[*sources, segments],
        content=content[0],
        series_instance_uid=hd.UID(),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=PRODUCT,
        is_complete=True,
        specific_character_set=UTF_8,
        series_description="ASPECTS measurements",
        manufacturer_model_name=PRODUCT,
        software_versions=__version__,
        device_serial_number="none",
    )
    document.CodingSchemeIdentificationSequence = [private_scheme()]
    return document


def _observer() -> Any:
    import highdicom as hd  # noqa: PLC0415

    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=_DEVICE, name=PRODUCT, manufacturer_name=PRODUCT, model_name=PRODUCT
    )
    return hd.sr.ObservationContext(
        observer_device_context=hd.sr.ObserverContext(
            observer_type=hd.sr.CodedConcept("121007", "DCM", "Device"),
            observer_identifying_attributes=device,
        )
    )


def _scores(report: ReportedScan) -> Iterator[Any]:
    """Yield a group for the patient, with what makes the result doubtful, and one for each side."""
    import highdicom as hd  # noqa: PLC0415

    scores = report.scores
    if scores is not None:
        yield _scored("ASPECTS", min(scores.values()), None, report)
        for side in SIDES:
            yield _scored(f"ASPECTS, {side}", scores[side], side, report)
    if report.flags:
        doubts = hd.sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=hd.sr.TrackingIdentifier(hd.UID(), "Reasons to doubt the result"),
            finding_sites=[_site(None)],
            algorithm_id=_algorithm(report.method),
        )
        # TID 1501 allows text, for which highdicom has no argument.
        doubts[0].ContentSequence.extend(
            hd.sr.TextContentItem(
                name=coded(FLAG),
                value=f"{flag.code}: {flag.reason}",
                relationship_type=hd.sr.RelationshipTypeValues.CONTAINS,
            )
            for flag in report.flags
        )
        yield doubts


def _scored(name: str, points: int, side: Side | None, report: ReportedScan) -> Any:
    import highdicom as hd  # noqa: PLC0415

    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(hd.UID(), name),
        finding_sites=[_site(side)],
        algorithm_id=_algorithm(report.method),
        measurements=[_measurement(Quantity(ASPECTS, points, POINTS_OF_SCORE))],
    )


def _region(one: ReportedRegion, method: str, sources: Sequence[Any], segments: Any) -> Any:
    import highdicom as hd  # noqa: PLC0415

    known = [quantity for quantity in one.quantities if math.isfinite(quantity.value)]
    name = f"{one.region.name}, {one.side}"
    described = {
        "finding_type": coded(region_code(one.region)),
        "finding_sites": [_site(one.side)],
        "algorithm_id": _algorithm(method),
        "measurements": [_measurement(quantity) for quantity in known],
        "qualitative_evaluations": [
            hd.sr.QualitativeEvaluation(coded(one.question), coded(YES if one.answer else NO))
        ],
    }
    found = [item for item in segments.SegmentSequence if item.TrackingID == name]
    if not found:
        return hd.sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=hd.sr.TrackingIdentifier(hd.UID(), name), **described
        )
    (segment,) = found
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(segment.TrackingUID, name),
        referenced_segment=hd.sr.ReferencedSegment(
            sop_class_uid=segments.SOPClassUID,
            sop_instance_uid=segments.SOPInstanceUID,
            segment_number=segment.SegmentNumber,
            source_series=hd.sr.SourceSeriesForSegmentation(sources[0].SeriesInstanceUID),
        ),
        **described,
    )


def _measurement(quantity: Quantity) -> Any:
    import highdicom as hd  # noqa: PLC0415

    return hd.sr.Measurement(
        name=coded(quantity.name),
        value=round(quantity.value, _DECIMALS),
        unit=coded(quantity.unit),
        derivation=None if quantity.derivation is None else coded(quantity.derivation),
    )


def _site(side: Side | None) -> Any:
    import highdicom as hd  # noqa: PLC0415

    return hd.sr.FindingSite(
        coded(BRAIN), laterality=None if side is None else coded(SIDE_CODES[side])
    )


def _algorithm(method: str) -> Any:
    import highdicom as hd  # noqa: PLC0415

    return hd.sr.AlgorithmIdentification(name=f"{PRODUCT}, {method}", version=__version__)
