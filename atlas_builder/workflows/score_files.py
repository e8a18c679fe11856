"""A scored lesion as a folder of files: two tables for programs, two pictures, a report."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from pathlib import Path

from aspects_scorer.dwi.case import SOURCES, Case
from aspects_scorer.dwi.mni_brain import mni_brain
from aspects_scorer.dwi.scored_lesion import hangs_on_little, standard_atlas
from atlas_builder.catalogue.mni_regions import LABELS_FILE
from atlas_builder.core.anatomy import SIDES
from atlas_builder.io.nifti.images import write_volume
from atlas_builder.reporting.scoring.axial_views import axial_views, views_through
from atlas_builder.reporting.scoring.core_rendering import scene
from atlas_builder.reporting.scoring.overlay import write_core, write_overlay, write_set_aside
from atlas_builder.reporting.scoring.report import write_report
from atlas_builder.runtime.files import sha256_of, write_json
from atlas_builder.runtime.result_folder import check_result_folder, replacing_result
from atlas_builder.runtime.tsv import write_tsv, yes_or_no
from atlas_builder.runtime.versions import versions_of_scan_result

RESULT = "aspects.json"
TABLE = "regions.tsv"
OVERLAY = "overlay.png"
CORE = "core.png"
REPORT = "report.html"
SEGMENTED = "lesion.nii.gz"
SET_ASIDE = "set_aside.nii.gz"
SET_ASIDE_PICTURE = "set_aside.png"
_FILES = {RESULT, TABLE, OVERLAY, CORE, REPORT, SEGMENTED, SET_ASIDE, SET_ASIDE_PICTURE}
_COLUMNS = ("side", "region", "level", "volume_ml", "lesion_ml", "fraction", "loses_point")


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
    with replacing_result(out) as folder:
        write_overlay(folder / OVERLAY, views)
        write_core(folder / CORE, scene(mni_brain(), case.lesion))
        aside = None
        if case.set_aside is not None and case.set_aside_in_mni is not None:
            aside = folder / SET_ASIDE_PICTURE
            write_set_aside(aside, views_through(case.set_aside_in_mni, case.image))
            part = case.set_aside
            write_volume(folder / SET_ASIDE, part.mask.astype("uint8"), part.affine)
        write_report(folder / REPORT, case, folder / OVERLAY, folder / CORE, aside)
        _write_table(folder / TABLE, case)
        if case.source == "segmented-from-dwi":
            drawn = case.drawn
            write_volume(folder / SEGMENTED, drawn.mask.astype("uint8"), drawn.affine)
        write_json(folder / RESULT, describe(case))


def describe(case: Case) -> dict[str, object]:
    """Return the content of ``aspects.json``: plain numbers, text, lists and mappings.

    Parameters
    ----------
    case : Case
        What to describe.

    Returns
    -------
    dict
        Volumes in mL, fractions of regions 0 to 1, times in seconds.
    """
    scored = case.scored
    score = scored.score
    share = None if math.isnan(scored.mca_share) else round(scored.mca_share, 4)
    return {
        "aspects": score.aspects,
        "aspects_left": score.left,
        "aspects_right": score.right,
        "method": "lesion-overlap",
        "rule": case.parameters["rule"],
        "aspects_any_deep_lesion": scored.literal.aspects,
        "core_volume_ml": round(scored.core_volume_ml, 3),
        "core_volume_space": case.volume_space,
        "set_aside_ml": 0.0 if case.set_aside is None else round(case.set_aside.volume_ml, 3),
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
                    "hangs_on_little": hangs_on_little(region),
                }
                for region in score.of(side)
            }
            for side in SIDES
        },
        "input": SOURCES[case.source],
        "parameters": dict(case.parameters),
        "atlas": {"name": LABELS_FILE.parent.name, "sha256": sha256_of(LABELS_FILE)},
        "versions": versions_of_scan_result(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "timings_s": {stage: round(seconds, 3) for stage, seconds in case.timings.items()},
    }


def _write_table(path: Path, case: Case) -> None:
    rows = (
        [
            region.side,
            region.region.name,
            region.region.level,
            f"{region.volume_ml:.3f}",
            f"{region.lesion_ml:.4f}",
            f"{region.fraction:.5f}",
            yes_or_no(region.loses_point),
        ]
        for region in case.scored.score.regions
    )
    write_tsv(path, _COLUMNS, rows)
