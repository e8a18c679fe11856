"""A scored lesion as a folder of files: two tables for programs, two pictures, a report."""

from __future__ import annotations

import csv
import json
import math
from datetime import datetime, timezone
from pathlib import Path

from aspects_scorer.axial_views import axial_views
from aspects_scorer.case import SOURCES, Case
from aspects_scorer.core_rendering import scene
from aspects_scorer.mni_brain import mni_brain
from aspects_scorer.overlay import write_core, write_overlay
from aspects_scorer.report import write_report
from aspects_scorer.scored import standard_atlas
from atlas_builder.anatomy import SIDES
from atlas_builder.errors import InputError
from atlas_builder.io.files import replacing_folder, sha256_of
from atlas_builder.io.nifti import write_volume
from atlas_builder.io.result_folder import check_result_folder
from atlas_builder.mapping.versions import software_versions
from atlas_builder.phantom.mni_atlas import LABELS_FILE

RESULT = "aspects.json"
TABLE = "regions.tsv"
OVERLAY = "overlay.png"
CORE = "core.png"
REPORT = "report.html"
SEGMENTED = "lesion.nii.gz"
_FILES = {RESULT, TABLE, OVERLAY, CORE, REPORT, SEGMENTED}
_COLUMNS = ("side", "region", "level", "volume_ml", "lesion_ml", "fraction", "loses_point")


def check_folder(out: Path) -> None:
    """Make sure that a score may be written to a folder, before any work is done.

    Raises
    ------
    InputError
        It is a file, or holds anything but an earlier score.
    """
    check_result_folder(out, "score", RESULT, _FILES)


def write_case(out: Path, case: Case) -> None:
    """Write a score's folder; an earlier score in it is replaced.

    Nothing in it names the patient or the place of the files it was made from.

    Parameters
    ----------
    out : Path
        The folder, see `check_folder`.
    case : Case
        What to write.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    check_folder(out)
    views = axial_views(case.lesion, case.scored.score, standard_atlas(), case.image)
    try:
        with replacing_folder(out.absolute()) as folder:
            write_overlay(folder / OVERLAY, views)
            write_core(folder / CORE, scene(mni_brain(), case.lesion))
            write_report(folder / REPORT, case, folder / OVERLAY, folder / CORE)
            _write_table(folder / TABLE, case)
            if case.source == "segmented-from-dwi":
                drawn = case.drawn
                write_volume(folder / SEGMENTED, drawn.mask.astype("uint8"), drawn.affine)
            content = json.dumps(describe(case), indent=2) + "\n"
            (folder / RESULT).write_text(content, "utf-8")
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); check access") from None


def describe(case: Case) -> dict[str, object]:
    """Return what ``aspects.json`` says: plain numbers, text, lists and mappings."""
    scored = case.scored
    score = scored.score
    share = None if math.isnan(scored.mca_share) else round(scored.mca_share, 4)
    return {
        "aspects": score.aspects,
        "aspects_left": score.left,
        "aspects_right": score.right,
        "core_volume_ml": round(scored.core_volume_ml, 3),
        "core_volume_space": case.volume_space,
        "mca_share": share,
        "flags": [{"code": flag.code, "reason": flag.reason} for flag in scored.flags],
        "regions": {
            side: {
                region.region.name: {
                    "level": region.region.level,
                    "volume_ml": round(region.volume_ml, 3),
                    "lesion_ml": round(region.lesion_ml, 4),
                    "fraction": round(region.fraction, 5),
                    "loses_point": region.loses_point,
                }
                for region in score.of(side)
            }
            for side in SIDES
        },
        "input": SOURCES[case.source],
        "parameters": dict(case.parameters),
        "atlas": {"name": LABELS_FILE.parent.name, "sha256": sha256_of(LABELS_FILE)},
        "versions": software_versions(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "timings_s": {stage: round(seconds, 3) for stage, seconds in case.timings.items()},
    }


def _write_table(path: Path, case: Case) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(_COLUMNS)
        for region in case.scored.score.regions:
            writer.writerow(
                [
                    region.side,
                    region.region.name,
                    region.region.level,
                    f"{region.volume_ml:.3f}",
                    f"{region.lesion_ml:.4f}",
                    f"{region.fraction:.5f}",
                    "yes" if region.loses_point else "no",
                ]
            )
