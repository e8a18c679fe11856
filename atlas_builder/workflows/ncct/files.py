"""A scored head CT as a folder of files: the score, the regions, a picture, a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspects_scorer.ncct.scored_scan import RegionFinding, ScoredScan
from atlas_builder.core.anatomy import SIDES, map_value
from atlas_builder.io.source import DicomSource, NiftiSource
from atlas_builder.mapping.region_map import RegionMap
from atlas_builder.reporting.mapping.overlay import Caption, write_overlay
from atlas_builder.reporting.ncct.attention import write_attention
from atlas_builder.reporting.ncct.infarct import write_infarct
from atlas_builder.reporting.ncct.report import write_ncct_report
from atlas_builder.runtime.files import write_json
from atlas_builder.runtime.result_folder import check_result_folder, replacing_result
from atlas_builder.runtime.tsv import number_cell, write_tsv, yes_or_no
from atlas_builder.runtime.versions import versions_of_scan_result
from atlas_builder.workflows.dicom_results import (
    DRAWN,
    SEGMENTATION,
    reported_score,
    write_dicom_results,
)
from atlas_builder.workflows.map_files import ViewedMap
from atlas_builder.workflows.ncct.infarct_files import (
    INFARCT_MASK,
    INFARCT_PICTURE,
    INFARCT_SEGMENTATION,
    write_mask,
)

RESULT = "aspects.json"
TABLE = "regions.tsv"
REGIONS = "regions.nii.gz"
OVERLAY = "overlay.png"
ATTENTION = "attention.png"
REPORT = "report.html"
AFFECTED = "affected.seg.dcm"
STRUCTURED_REPORT = "aspects.sr.dcm"
_FILES = {
    *(RESULT, TABLE, REGIONS, OVERLAY, ATTENTION, REPORT),
    *(SEGMENTATION, AFFECTED, STRUCTURED_REPORT, DRAWN),
    *(INFARCT_MASK, INFARCT_PICTURE, INFARCT_SEGMENTATION),
}
_NUMBERS = {
    "probability": ".4f",
    "difference_hu": ".2f",
    "error_hu": ".2f",
    "mean_hu": ".2f",
    "contralateral_mean_hu": ".2f",
    "volume_ml": ".2f",
    "confidence": ".3f",
}


@dataclass(frozen=True)
class NcctCase:
    """A scored scan with the map it was scored on.

    Attributes
    ----------
    scored : ScoredScan
        The score.
    region_map : RegionMap
        Of the key slices.
    labels : ndarray of uint8, shape (columns, rows, slices)
        The regions on all slices, on the scan's own voxels.
    viewed : ViewedMap
        What the report shows of all slices.
    pitch_deg : float
        Of the slices against the atlas's plane, see `pitch_of`.
    infarct : ndarray of uint8, shape (columns, rows, slices), or None
        1 inside the infarct, on the scan's own voxels, where the method draws it.
    details : mapping
        What ``aspects.json`` holds about the scan.
    timings : mapping of str to float
        Seconds a stage.
    """

    scored: ScoredScan
    region_map: RegionMap
    labels: NDArray[np.uint8]
    viewed: ViewedMap
    pitch_deg: float
    infarct: NDArray[np.uint8] | None
    details: Mapping[str, object]
    timings: Mapping[str, float]


def check_folder(out: Path) -> None:
    """Make sure that a score may be written to a folder, before any work is done.

    Parameters
    ----------
    out : Path
        The folder; it need not exist.

    Raises
    ------
    InputError
        It is a file, or holds anything but an earlier score.
    """
    check_result_folder(out, "score", RESULT, _FILES)


def write_case(out: Path, case: NcctCase, source: NiftiSource | DicomSource) -> None:
    """Write a score's folder; an earlier score in it is replaced.

    Nothing that names the scan's place on this computer is written, and nothing that names the
    patient but in what is DICOM, which repeats the patient module of its source.

    Parameters
    ----------
    out : Path
        The folder, see `check_folder`.
    case : NcctCase
        What to write.
    source : NiftiSource or DicomSource
        The scan.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    check_folder(out)
    bgl, sgl = (level_map.index for level_map in case.region_map.levels)
    shown = _with_affected_standing_out(case.region_map, case.scored)
    with replacing_result(out) as folder:
        labels = case.labels
        notes: list[str | None] = [source.write_labels(folder / REGIONS, labels, (bgl, sgl))]
        affected = [
            map_value(finding.region, finding.side)
            for finding in case.scored.findings
            if finding.affected
        ]
        if isinstance(source, DicomSource):
            notes += write_dicom_results(
                folder,
                STRUCTURED_REPORT,
                source,
                labels,
                reported_score(case.scored),
                set(affected),
            )
            if affected:
                kept = np.where(np.isin(labels, affected), labels, 0)
                notes.append(source.write_affected(folder / AFFECTED, kept.astype(np.uint8)))
        write_overlay(folder / OVERLAY, shown, _caption(case.scored))
        attention = None
        if case.scored.attention is not None:
            attention = folder / ATTENTION
            write_attention(attention, case.scored.attention, case.region_map.levels)
        infarct = None
        if case.scored.infarct is not None and case.infarct is not None:
            infarct = folder / INFARCT_PICTURE
            levels = case.viewed.region_map.levels
            keys = (levels[0].index, levels[1].index)
            write_infarct(infarct, case.viewed.scan, case.scored.infarct, keys)
            notes.extend(write_mask(folder, case.infarct, source, (bgl, sgl)))
        viewed = _with_affected_standing_out(case.viewed.region_map, case.scored)
        viewer = replace(case.viewed, region_map=viewed).viewer()
        write_ncct_report(
            folder / REPORT,
            case.scored,
            shown,
            case.pitch_deg,
            folder / OVERLAY,
            viewer,
            attention,
            infarct,
        )
        write_findings(folder / TABLE, case.scored.findings)
        content = describe(case)
        content["notes"] = [note for note in notes if note is not None]
        write_json(folder / RESULT, content)


def describe(case: NcctCase) -> dict[str, object]:
    """Return the content of ``aspects.json``: plain numbers, text, lists and mappings.

    Parameters
    ----------
    case : NcctCase
        What to describe.

    Returns
    -------
    dict
        Age in years, times in seconds; slice indices are 0-based, in file order.
    """
    scored, region_map = case.scored, case.region_map
    bgl, sgl = region_map.levels
    return {
        "aspects": scored.aspects,
        "aspects_left": scored.left,
        "aspects_right": scored.right,
        "method": scored.method,
        "rule": scored.rule,
        **_infarct(scored),
        "expected": {side: round(value, 2) for side, value in scored.expected.items()},
        "interval": None if scored.interval is None else list(scored.interval),
        "affected": [f"{f.side} {f.region.name}" for f in scored.findings if f.affected],
        "flags": [
            {"code": flag.code, "level": flag.level, "reason": flag.reason} for flag in scored.flags
        ],
        "age": region_map.age,
        "bgl_slice": bgl.index,
        "sgl_slice": sgl.index,
        "pitch_deg": round(case.pitch_deg, 1),
        "atlas": {
            "name": region_map.atlas_name,
            "age_group": str(region_map.age_group),
            "simulated": region_map.atlas_is_simulated,
            **region_map.atlas_provenance,
        },
        **case.details,
        "versions": versions_of_scan_result(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "timings_s": {stage: round(seconds, 3) for stage, seconds in case.timings.items()},
    }


def _infarct(scored: ScoredScan) -> dict[str, object]:
    if scored.infarct is None:
        return {}
    return {"infarct_ml": round(scored.infarct.volume_ml, 2)}


def write_findings(path: Path, findings: tuple[RegionFinding, ...]) -> None:
    """Write a row a region and side.

    Parameters
    ----------
    path : Path
        The table, TSV.
    findings : tuple of RegionFinding
        Of a scan.
    """
    rows = (
        [
            finding.region.name,
            finding.side,
            finding.region.level,
            yes_or_no(finding.affected),
            *(number_cell(getattr(finding, name), spec) for name, spec in _NUMBERS.items()),
            finding.reason or "n/a",
        ]
        for finding in findings
    )
    write_tsv(path, ["region", "side", "level", "affected", *_NUMBERS, "reason"], rows)


def _with_affected_standing_out(region_map: RegionMap, scored: ScoredScan) -> RegionMap:
    """Return the map as pictures show it: what lost its point stands out."""
    affected = {(f.region, f.side) for f in scored.findings if f.affected}
    measures = tuple(
        replace(measure, stands_out=(measure.region, measure.side) in affected)
        for measure in region_map.measures
    )
    levels = tuple(
        replace(level, atlas=replace(level.atlas, probabilities=None))
        for level in region_map.levels
    )
    return replace(region_map, measures=measures, levels=levels, flags=scored.flags)


def _caption(scored: ScoredScan) -> Caption:
    lost = [
        f"{side} {', '.join(found)}"
        for side in reversed(SIDES)
        if (found := [f.region.name for f in scored.of(side) if f.affected])
    ]
    headline = f"ASPECTS {scored.aspects} ({scored.method}): " + (
        "; ".join(lost) if lost else "no region loses its point"
    )
    return Caption(headline, "the region loses its point")
