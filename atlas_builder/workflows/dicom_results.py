"""What a scan that came as DICOM gets for its viewer: segmentation, structured report, pictures."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.anatomy import SIDES
from atlas_builder.core.errors import InputError
from atlas_builder.io.dicom.codes import (
    AREA,
    CONFIDENCE,
    DARKER,
    DENSITY,
    DIFFERENCE,
    FRACTION,
    HOUNSFIELD,
    LOST_POINT,
    MEAN,
    MILLILITRE,
    PROBABILITY,
    SQUARE_MILLIMETRE,
    VOLUME,
)
from atlas_builder.io.dicom.results.reported_scan import Quantity, ReportedRegion, ReportedScan
from atlas_builder.io.source import DicomSource
from atlas_builder.mapping.region_map import RegionMap, RegionMeasure

if TYPE_CHECKING:
    from aspects_scorer.ncct.scored_scan import RegionFinding, ScoredScan

SEGMENTATION = "regions.seg.dcm"
DRAWN = "overlay_dicom"


def reported_map(region_map: RegionMap) -> ReportedScan:
    """Return what a structured report says of a region map.

    Parameters
    ----------
    region_map : RegionMap
        Any.

    Returns
    -------
    ReportedScan
        Without a score.
    """
    regions = tuple(_of_measure(measure) for measure in region_map.measures)
    return ReportedScan("map-regions", regions, None, region_map.flags)


def reported_score(scored: ScoredScan) -> ReportedScan:
    """Return what a structured report says of a scored scan.

    Parameters
    ----------
    scored : ScoredScan
        Any.

    Returns
    -------
    ReportedScan
        With the score of both sides.
    """
    regions = tuple(_of_finding(finding) for finding in scored.findings)
    points = dict(zip(SIDES, (scored.left, scored.right), strict=True))
    return ReportedScan(f"{scored.method}, {scored.rule}", regions, points, scored.flags)


def write_dicom_results(
    folder: Path,
    report_name: str,
    source: DicomSource,
    labels: NDArray[np.uint8],
    report: ReportedScan,
    marked: Set[int],
) -> list[str]:
    """Write the regions as DICOM SEG, the report on them as SR, and slices with them drawn on.

    All repeat the Patient and Study modules of their source, as the standard wants them to.

    Parameters
    ----------
    folder : Path
        A folder that is being filled.
    report_name : str
        The name of the structured report, such as ``aspects.sr.dcm``.
    source : DicomSource
        The scan.
    labels : ndarray of uint8, shape (columns, rows, slices)
        Its regions.
    report : ReportedScan
        What was found in them.
    marked : set of int
        Values of the regions drawn with a thick border.

    Returns
    -------
    list of str
        Why a file was not written, for each that was not.
    """
    note = source.write_segmentation(folder / SEGMENTATION, labels)
    if note is not None:
        # The other two refer to the same images in the same way.
        return [f"{note}; no DICOM SR and no DICOM overlay for the same reason"]
    indices = [index for index in range(labels.shape[2]) if labels[:, :, index].any()]
    notes = [
        source.write_structured_report(folder / report_name, report, indices, folder / SEGMENTATION)
    ]
    notes.append(_write_drawn(folder / DRAWN, source, labels, indices, marked))
    return [note for note in notes if note is not None]


def _write_drawn(
    folder: Path,
    source: DicomSource,
    labels: NDArray[np.uint8],
    indices: list[int],
    marked: Set[int],
) -> str | None:
    from atlas_builder.reporting.mapping.outlined_slices import outlined_slice  # noqa: PLC0415

    try:
        scan = source.read(indices)
    except InputError:  # the message names the scan's place
        return "no DICOM overlay: a slice cannot be read"
    pictures = {
        index: outlined_slice(scan.data[:, :, place], labels[:, :, index], marked)
        for place, index in enumerate(indices)
    }
    return source.write_captures(folder, pictures)


def _of_measure(measure: RegionMeasure) -> ReportedRegion:
    quantities = (
        Quantity(DENSITY, measure.mean_hu, HOUNSFIELD, MEAN),
        Quantity(DIFFERENCE, measure.difference_hu, HOUNSFIELD),
        Quantity(AREA, measure.area_mm2, SQUARE_MILLIMETRE),
        Quantity(CONFIDENCE, measure.confidence, FRACTION),
    )
    return ReportedRegion(measure.region, measure.side, quantities, DARKER, measure.stands_out)


def _of_finding(finding: RegionFinding) -> ReportedRegion:
    quantities = (
        Quantity(DENSITY, finding.mean_hu, HOUNSFIELD, MEAN),
        Quantity(DIFFERENCE, finding.difference_hu, HOUNSFIELD),
        Quantity(PROBABILITY, finding.probability, FRACTION),
        Quantity(VOLUME, finding.volume_ml, MILLILITRE),
        Quantity(CONFIDENCE, finding.confidence, FRACTION),
    )
    return ReportedRegion(finding.region, finding.side, quantities, LOST_POINT, finding.affected)
