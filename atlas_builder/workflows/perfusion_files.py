"""A patient labelled by CT perfusion as a folder of files."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from pathlib import Path

from aspects_scorer.perfusion.core import CORE_RATIO
from aspects_scorer.perfusion.labelled import LabelledPerfusion
from aspects_scorer.perfusion.units import UNIT
from atlas_builder.cohorts.stroke_truth import TRUTH, StrokeTruth, write_truth
from atlas_builder.core.anatomy import SIDES
from atlas_builder.io.source import DicomSource, NiftiSource
from atlas_builder.reporting.perfusion.overlay import write_overlay
from atlas_builder.reporting.perfusion.report import write_report
from atlas_builder.runtime.files import write_json
from atlas_builder.runtime.result_folder import check_result_folder, replacing_result
from atlas_builder.runtime.tsv import NOT_AVAILABLE, write_tsv, yes_or_no
from atlas_builder.runtime.versions import versions_of_scan_result

RESULT = "perfusion.json"
TABLE = "regions.tsv"
CORE = "core.nii.gz"
OVERLAY = "overlay.png"
REPORT = "report.html"
_FILES = {RESULT, TABLE, TRUTH, CORE, OVERLAY, REPORT}
_COLUMNS = (
    "region",
    "side",
    "volume_ml",
    "coverage",
    "core_ml",
    "share",
    "affected",
    "mean_cbf",
    "contralateral_mean_cbf",
)


def check_folder(out: Path) -> None:
    """Make sure that a label may be written to a folder, before any work is done.

    Parameters
    ----------
    out : Path
        The folder; it need not exist.

    Raises
    ------
    InputError
        It is a file, or holds anything but an earlier label.
    """
    check_result_folder(out, "label", RESULT, _FILES)


def write_labelled(out: Path, result: LabelledPerfusion, source: NiftiSource | DicomSource) -> None:
    """Write the folder; an earlier label in it is replaced. Nothing in it names the patient.

    Parameters
    ----------
    out : Path
        The folder, see `check_folder`.
    result : LabelledPerfusion
        What to write.
    source : NiftiSource or DicomSource
        The CT, on whose grid the core is written.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    found, truth = result.labelled, result.labelled.truth
    core = result.brain.restored(found.core.core)
    keys = (result.key_slices["bgl_slice"], result.key_slices["sgl_slice"])
    with replacing_result(out) as folder:
        source.write_labels(folder / CORE, core, keys)
        shares = {(one.side, one.region): one.share for one in truth.regions}
        write_truth(
            folder / TRUTH,
            [StrokeTruth(result.participant, truth.side, None, truth.core_ml, shares)],
        )
        _write_table(folder / TABLE, result)
        write_overlay(folder / OVERLAY, result)
        write_report(folder / REPORT, result, folder / OVERLAY)
        write_json(folder / RESULT, describe(result))


def describe(result: LabelledPerfusion) -> dict[str, object]:
    """Return the content of ``perfusion.json``: plain numbers, text, lists and mappings.

    Parameters
    ----------
    result : LabelledPerfusion
        What to describe.

    Returns
    -------
    dict
        Volumes in mL, flows in mL/100 g/min, scores None where regions are not covered.
    """
    found, truth = result.labelled, result.labelled.truth
    return {
        "aspects": truth.lower_aspects,
        **{f"aspects_{side}": truth.aspects(side) for side in SIDES},
        "affected": [f"{one.side}_{one.region.name}" for one in truth.regions if one.affected],
        "not_covered": [
            f"{one.side}_{one.region.name}" for one in truth.regions if one.affected is None
        ],
        "side": truth.side,
        "core_ml": round(truth.core_ml, 3),
        "rule": result.rule,
        "core_below_ratio": CORE_RATIO,
        "map": {
            "unit": UNIT,
            "factor": found.unit.factor,
            "grey_matter": round(found.unit.grey, 2),
            "white_matter": round(found.unit.white, 2),
            "better_side": found.better_side,
            "coverage_mm": round(found.coverage_mm, 2),
            "correlation": round(found.placed.correlation, 4),
            "in_brain": round(found.placed.in_brain, 4),
        },
        "flags": [{"code": flag.code, "reason": flag.reason} for flag in result.flags],
        "key_slices": dict(result.key_slices),
        "versions": versions_of_scan_result(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "timings_s": {stage: round(seconds, 3) for stage, seconds in result.timings.items()},
    }


def _write_table(path: Path, result: LabelledPerfusion) -> None:
    rows = (
        [
            one.region.name,
            one.side,
            f"{one.volume_ml:.3f}",
            f"{one.coverage:.4f}",
            _number(one.core_ml, 3),
            _number(one.share, 4),
            NOT_AVAILABLE if one.affected is None else yes_or_no(one.affected),
            _number(one.cbf, 2),
            _number(one.other_cbf, 2),
        ]
        for one in result.labelled.truth.regions
    )
    write_tsv(path, _COLUMNS, rows)


def _number(value: float, digits: int) -> str:
    return NOT_AVAILABLE if math.isnan(value) else f"{value:.{digits}f}"
