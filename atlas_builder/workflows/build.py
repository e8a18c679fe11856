"""The complete build of an atlas: estimate, write, report."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from atlas_builder.catalogue.atlas import (
    METADATA,
    AtlasLevel,
    read_metadata,
    write_level,
    write_metadata,
)
from atlas_builder.construction.build import Build, BuildSettings, describe_inputs, estimate_atlas
from atlas_builder.core.anatomy import LEVELS
from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.key_slice import key_slice_affine
from atlas_builder.reporting.build.report import write_build_report
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.runtime.resumption import OR_RESTART, ResultRecord
from atlas_builder.runtime.tsv import NOT_AVAILABLE, write_tsv
from atlas_builder.runtime.workers import open_workers

WORK = ".build"
"""The folder inside an atlas folder that holds unfinished work."""


def build_atlas(
    cohort: Path,
    out: Path,
    settings: BuildSettings,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    strict: bool = False,
    restart: bool = False,
    progress: Progress = no_progress,
) -> bool:
    """Build an age group's atlas and its report.

    A run that was interrupted goes on where it stopped when it is called again with the same
    arguments. The files are the same bits for any number of jobs, on processors of one type.

    Parameters
    ----------
    cohort : Path
        A cohort folder with ``participants.tsv``.
    out : Path
        The atlas folder; made if need be.
    settings : BuildSettings
        What to build.
    jobs : int
        Processes at once.
    scheduler : str, optional
        Address of a Dask scheduler whose workers take the place of the processes.
    strict : bool
        Refuse the cohort when any participant is refused.
    restart : bool
        Forget an earlier run, finished or not.
    progress : callable
        Called with the stage, how much of it is done and how much there is.

    Returns
    -------
    bool
        False when `out` already held this very atlas and nothing was done.

    Raises
    ------
    InputError
        The cohort cannot be used, or `out` holds another atlas.
    """
    cohort, out = Path(cohort), Path(out)
    if not cohort.is_dir():
        raise InputError(f"{cohort}: no such folder; give the folder that holds participants.tsv")
    record = ResultRecord(
        out / METADATA,
        "atlas",
        f"an atlas of other participants or settings; {OR_RESTART}",
        out / WORK,
        lambda path: (read_metadata(path.parent) or {}).get("inputs"),
    )
    inputs = describe_inputs(cohort, settings)
    if restart:
        _remove_files(out)
    if not record.begin(inputs, restart=restart):
        return False
    started = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    cohort = cohort.resolve()  # a cluster's workers have folders of their own
    with open_workers(jobs, scheduler) as workers:
        build = estimate_atlas(cohort, out / WORK, settings, workers, progress, strict=strict)
        files = _write_images(build, out)
        files.append(_write_subjects(build, out))
        files.extend(write_build_report(build, out, workers))
    write_metadata(out, _metadata(build, time.monotonic() - started), files)
    shutil.rmtree(out / WORK)
    return True


def _remove_files(out: Path) -> None:
    """Remove the files of the atlas that a folder holds, but for its description."""
    with suppress(InputError):
        metadata = read_metadata(out) or {}
        files = metadata.get("sha256")
        for name in files if isinstance(files, dict) else ():
            file = out / str(name)
            if out.resolve() in file.resolve().parents:
                file.unlink(missing_ok=True)


def _write_images(build: Build, out: Path) -> list[Path]:
    files: list[Path] = []
    for level, result in build.results.items():
        content = AtlasLevel(result.image, result.labels, key_slice_affine(), result.probabilities)
        files += write_level(out, level, build.settings.age_group, content)
    return files


def _write_subjects(build: Build, out: Path) -> Path:
    """Write ``subjects.tsv``: who was used, who was left out and why, and how well each fits."""
    measures = [
        f"{level}_{name}"
        for level in LEVELS
        for name in (
            "angle_deg",
            "midline_offset_mm",
            "asymmetry",
            "brain_area_cm2",
            "correlation",
            "dice",
        )
    ]
    header = ["participant_id", "age", "sex", "used", "reason", *measures]
    rows = []
    for participant in build.participants:
        name = participant.participant_id
        values = dict(build.notes[name].quality)
        for level, result in build.results.items():
            values[f"{level}_correlation"] = result.correlation[name]
            values[f"{level}_dice"] = result.dice[name]
        numbers = (f"{values[measure]:.4g}" for measure in measures)
        sex = participant.sex or NOT_AVAILABLE
        rows.append([name, f"{participant.age:g}", sex, "yes", NOT_AVAILABLE, *numbers])
    for refusal in build.refusals:
        unknown, unmeasured = [NOT_AVAILABLE] * 2, [NOT_AVAILABLE] * len(measures)
        rows.append([refusal.participant_id, *unknown, "no", refusal.reason, *unmeasured])
    return write_tsv(out / "subjects.tsv", header, rows)


def _metadata(build: Build, seconds: float) -> dict[str, object]:
    return {
        "age_group": str(build.settings.age_group),
        "simulated": build.inputs["simulation"] is not None,
        "participants": [participant.participant_id for participant in build.participants],
        "left_out": [asdict(refusal) for refusal in build.refusals],
        "iterations": {
            level: [asdict(record) for record in result.records]
            for level, result in build.results.items()
        },
        "inputs": build.inputs,
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
    }
