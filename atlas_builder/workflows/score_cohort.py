"""A cohort's lesions scored, and the scores analysed against the strokes' severity."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from aspects_scorer.severity.analysis import SeverityAnalysis, analyse_severity
from aspects_scorer.severity.cohort_arrays import against_readers, patient_arrays, with_nihss
from aspects_scorer.severity.cohort_scoring import IN_MNI_SPACE, ScoringTask, score_everyone
from aspects_scorer.severity.lesion_files import find_lesions
from aspects_scorer.severity.patients import Patients, read_patients
from aspects_scorer.severity.scored_patient import (
    ScoredPatient,
    write_regions,
    write_scores,
    write_subjects,
)
from atlas_builder import __version__
from atlas_builder.catalogue.mni_regions import LABELS_FILE
from atlas_builder.cohorts.participants import Refusal, first_reasons
from atlas_builder.core.aspects import SEGMENTED, AspectsRule, name_of
from atlas_builder.core.errors import InputError
from atlas_builder.reporting.base.sections import write_validation_report
from atlas_builder.reporting.severity.report import TITLE, CohortCounts, facts_of, sections_of
from atlas_builder.runtime.files import sha256_of, write_json
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.runtime.result_folder import names_inside
from atlas_builder.runtime.resumption import ResultRecord, read_record
from atlas_builder.runtime.versions import software_versions
from atlas_builder.runtime.workers import open_workers

RECORD = "cohort.json"
"""Written last: a folder without it holds no finished cohort."""

_WORK = ".scores"
_NO_MASK = "no lesion mask"
_PACKAGES = ("numpy", "scipy", "scikit-learn", "nibabel")


@dataclass(frozen=True)
class CohortSettings:
    """What decides a cohort's numbers beside its files.

    Attributes
    ----------
    rule : AspectsRule
        Which extent of lesion takes a region's point.
    lesion_pattern : str or None
        Which files are masks, see `find_lesions`.
    nihss_column : str or None
        The column with the severity, see `read_patients`.
    seed : int
        Of the bootstrap.
    """

    rule: AspectsRule = SEGMENTED
    lesion_pattern: str | None = None
    nihss_column: str | None = None
    seed: int = 1


def score_cohort(
    lesions: Path,
    out: Path,
    *,
    participants: Path | None = None,
    readers: Path | None = None,
    settings: CohortSettings | None = None,
    jobs: int = 1,
    restart: bool = False,
    progress: Progress = no_progress,
) -> bool:
    """Score every lesion of a cohort and analyse how the scores go with the strokes' severity.

    A run that was interrupted goes on where it stopped; one that is finished does nothing. Masks
    that have changed since are scored again, the others are not. The numbers are the same for any
    number of jobs.

    Parameters
    ----------
    lesions : Path
        Folder of binary masks in MNI152 space, see `find_lesions`.
    out : Path
        Where tables, figures and the report go; made if need be.
    participants, readers : Path, optional
        Tables with the NIHSS and with readers' scores, see `read_patients`. Masks of participants
        who are not in the table are scored too, and left out of the analysis.
    settings : CohortSettings, optional
        What decides the numbers; by default the published rule.
    jobs : int
        Processes at once.
    restart : bool
        Forget an earlier run, finished or not.
    progress : callable
        Called with the stage, how much of it is done and how much there is.

    Returns
    -------
    bool
        False when `out` already held this very cohort and nothing was done.

    Raises
    ------
    InputError
        The folder or a table cannot be used, or no mask can. Masks that cannot be used do not end
        the run; they are named in the report and in ``subjects.tsv``.
    """
    started = time.monotonic()
    settings = settings or CohortSettings()
    _check_folder(out)
    patients = read_patients(participants, readers, settings.nihss_column)
    by_name = {patient.participant_id: patient for patient in patients.rows}
    files, refusals = find_lesions(lesions, by_name, settings.lesion_pattern)
    masked = files.keys() | {refusal.participant_id for refusal in refusals}
    refusals += [Refusal(name, _NO_MASK) for name in by_name if name not in masked]
    inputs = _describe(files, lesions, (participants, readers), settings)
    # Others' scores are brought up to date: each mask's name what they were made from.
    record = ResultRecord(out / RECORD, "scores", None, out / _WORK)
    if not record.begin(inputs, restart=restart) and _is_whole(out):
        return False
    with _writing(out):
        (out / _WORK).mkdir(parents=True, exist_ok=True)
        (out / RECORD).unlink(missing_ok=True)
    tasks = _tasks(files, inputs, settings)
    with open_workers(jobs) as workers:
        scored, refused = score_everyone(tasks, lesions, out / _WORK, workers, progress)
    scoring_seconds = time.monotonic() - started
    refusals += refused
    _check_usable(lesions, scored, refusals)
    counts, analyses, withheld = _analyse(scored, patients, refusals, settings.seed)
    sections = sections_of(counts, analyses, withheld, *against_readers(scored, patients))
    with _writing(out):
        outputs = [
            write_scores(out / "scores.tsv", scored),
            write_regions(out / "regions.tsv", scored),
            write_subjects(out / "subjects.tsv", scored, by_name, refusals),
            *write_validation_report(
                out,
                TITLE,
                facts_of(counts, analyses),
                sections,
                refusals,
                inputs,
                subtitle="Report of a cohort's scores.",
            ),
        ]
        _remove_stale(out, outputs)
    content = {
        "scored": len(scored),
        "with_nihss": counts.with_nihss,
        "left_out": [asdict(refusal) for refusal in refusals],
        "withheld": withheld,
        "findings": [section.text for section in sections if section.text],
        "tables": [table.name for section in sections for table in section.tables],
        "inputs": inputs,
        "sha256": {path.relative_to(out).as_posix(): sha256_of(path) for path in outputs},
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "scoring_seconds": round(scoring_seconds, 1),
        "seconds": round(time.monotonic() - started, 1),
    }
    write_json(out / RECORD, content)
    return True


def _check_folder(out: Path) -> None:
    """Make sure that nothing but an earlier run's files can be overwritten."""
    inside = names_inside(out, "scores")
    if inside and not inside & {RECORD, _WORK}:
        raise InputError(
            f"{out}: holds other files than a cohort's scores ({min(inside)}); give a new or an "
            "empty folder"
        )


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written ({error.strerror}); check access and the space on the disk"
        ) from None


def _remove_stale(out: Path, outputs: Sequence[Path]) -> None:
    """Remove the tables and figures of an analysis that this one replaces."""
    written = set(outputs)
    for folder in ("tables", "figures"):
        for path in (out / folder).glob("*"):
            if path not in written:
                path.unlink()


def _describe(
    files: Mapping[str, Path],
    folder: Path,
    tables: Sequence[Path | None],
    settings: CohortSettings,
) -> dict[str, Any]:
    """Return what decides the scores and the analysis."""
    return {
        "settings": asdict(settings),
        "versions": software_versions(*_PACKAGES),
        "atlas": sha256_of(LABELS_FILE),
        "tables": {path.name: sha256_of(path) for path in tables if path is not None},
        "lesions": {
            name: [path.relative_to(folder).as_posix(), sha256_of(path)]
            for name, path in files.items()
        },
    }


def _tasks(
    files: Mapping[str, Path], inputs: Mapping[str, Any], settings: CohortSettings
) -> list[ScoringTask]:
    decisive = {
        "atlas": inputs["atlas"],
        "aspects-atlas": __version__,
        "rule": {"name": name_of(settings.rule), **asdict(settings.rule)},
    }
    return [
        ScoringTask(
            name,
            path,
            settings.rule,
            {"lesion": inputs["lesions"][name]} | decisive,
        )
        for name, path in files.items()
    ]


def _is_whole(out: Path) -> bool:
    """Tell whether a folder holds every file that its record names."""
    try:
        return all((out / name).exists() for name in read_record(out / RECORD)["sha256"])
    except (KeyError, TypeError):
        return False


def _check_usable(
    folder: Path, scored: Sequence[ScoredPatient], refusals: Sequence[Refusal]
) -> None:
    if scored:
        return
    reasons = first_reasons([refusal for refusal in refusals if refusal.reason != _NO_MASK])
    raise InputError(
        f"{folder}: no lesion can be scored" + (f"; left out: {reasons}" if reasons else "")
    )


def _analyse(
    scored: Sequence[ScoredPatient],
    patients: Patients,
    refusals: Sequence[Refusal],
    seed: int,
) -> tuple[CohortCounts, Sequence[SeverityAnalysis], Sequence[str]]:
    """Count the cohort and analyse who has an NIHSS."""
    by_name = {patient.participant_id: patient for patient in patients.rows}
    known = with_nihss(scored, by_name)
    counts = CohortCounts(
        len(scored),
        len(refusals),
        len(known),
        sum(IN_MNI_SPACE in patient.flags for patient in scored),
        Counter(flag for patient in scored for flag in patient.flags),
        patients.nihss_column,
        patients.implausible_nihss,
    )
    return counts, *analyse_severity(patient_arrays(known, by_name), seed)
