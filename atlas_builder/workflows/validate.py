"""The complete validation of an atlas: map, measure, write, report."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from atlas_builder.catalogue.atlas import Atlas
from atlas_builder.catalogue.entries import read_atlases
from atlas_builder.cohorts.conditions import read_ischaemia
from atlas_builder.cohorts.labelled_scans import Participant, Refusal
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.reporting.base.sections import write_validation_report
from atlas_builder.reporting.validation.atlas import atlas_sections, atlas_summary, atlas_title
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.runtime.resumption import (
    OR_RESTART,
    ResultRecord,
    as_read_back,
    claim,
    describe_files,
)
from atlas_builder.runtime.tsv import yes_or_no
from atlas_builder.runtime.versions import COHORT_PACKAGES, software_versions
from atlas_builder.runtime.workers import open_workers
from atlas_builder.validation.agreement_tables import Sources
from atlas_builder.validation.mapped import MappingTask
from atlas_builder.validation.measuring import (
    check_usable,
    map_everyone,
    measure_everyone,
)
from atlas_builder.validation.selection import (
    ATLAS,
    ValidationSettings,
    atlas_for,
    light,
    select_participants,
)
from atlas_builder.workflows.validation_files import (
    RECORD,
    write_agreement,
    write_record,
    write_subjects,
)

WORK = ".validation"
"""The folder inside the output that holds unfinished work."""


def validate_atlas(
    atlas: str | Path,
    cohort: Path,
    out: Path,
    settings: ValidationSettings,
    *,
    jobs: int = 1,
    restart: bool = False,
    progress: Progress = no_progress,
) -> bool:
    """Map an atlas onto a cohort's participants and compare it with their raters.

    A run that was interrupted goes on where it stopped when it is called again with the same
    arguments. The numbers are the same for any number of jobs, on processors of one type.

    Parameters
    ----------
    atlas : str or Path
        A name in the catalogue, an atlas folder, or a folder of several age groups' atlases, of
        which each participant gets the one for the age.
    cohort : Path
        A cohort folder with ``participants.tsv`` and labels of every rater.
    out : Path
        Where tables, figures and the report go; made if need be.
    settings : ValidationSettings
        Raters, split, seed.
    jobs : int
        Processes at once.
    restart : bool
        Forget an earlier run, finished or not.
    progress : callable
        Called with the stage, how much of it is done and how much there is.

    Returns
    -------
    bool
        False when `out` already held this very validation and nothing was done.

    Raises
    ------
    InputError
        The atlas or the cohort cannot be used, no participant can, or `out` holds another
        validation. Participants who cannot be used do not end the run; they are named in the
        report and in ``subjects.tsv``.
    """
    started = time.monotonic()
    cohort, out = Path(cohort), Path(out)
    atlases = {group: light(one) for group, one in read_atlases(atlas).items()}
    participants, refusals = select_participants(cohort, settings.split)
    inputs = describe_inputs(settings, atlases, describe_files(cohort))
    if not begin(out, inputs, restart=restart):
        return False
    tasks = _tasks(atlases, participants, settings, refusals)
    sources = Sources(ATLAS, settings.raters)
    with open_workers(jobs) as workers:
        paths, refused = map_everyone(tasks, out / WORK, workers, progress)
        refusals += refused
        check_usable(cohort, paths, refusals)
        scores = measure_everyone(paths, sources.pairs, workers, progress)
    ischaemic = read_ischaemia(cohort)
    words = {name: yes_or_no(value) for name, value in ischaemic.items()}
    used = {tasks[name].atlases[ATLAS].age_group for name in paths}
    by_name = {participant.participant_id: participant for participant in participants}
    files = [
        write_agreement(scores, out / "dsc.tsv"),
        write_subjects(scores, by_name, refusals, {"ischaemic": words}, out / "subjects.tsv"),
    ]
    files += write_validation_report(
        out,
        atlas_title(atlases[group] for group in atlases if group in used),
        atlas_summary(scores, sources, refusals, settings.seed),
        atlas_sections(scores, sources, ischaemic, paths, settings.seed),
        refusals,
        inputs,
    )
    write_record(out, inputs, scores, refusals, files, time.monotonic() - started)
    shutil.rmtree(out / WORK)
    return True


def begin(out: Path, inputs: Mapping[str, object], *, restart: bool) -> bool:
    """Prepare a validation's folder; what an earlier run with the same inputs has done is kept.

    Parameters
    ----------
    out : Path
        Where the results go; made if need be.
    inputs : mapping
        What the validation is made from, see `as_read_back`.
    restart : bool
        Forget an earlier run, finished or not.

    Returns
    -------
    bool
        False when it already holds this very validation.

    Raises
    ------
    InputError
        It holds another one, and is not to `restart`.
    """
    record = ResultRecord(
        out / RECORD,
        "validation",
        f"a validation of other inputs or settings; {OR_RESTART}",
        out / WORK,
    )
    if not record.begin(inputs, restart=restart):
        return False
    out.mkdir(parents=True, exist_ok=True)
    claim(out / WORK, inputs)
    return True


def describe_inputs(
    settings: ValidationSettings, atlases: Mapping[AgeGroup, Atlas], files: object
) -> dict[str, object]:
    """Return what decides a validation, so that two runs can tell whether they are the same.

    Parameters
    ----------
    settings : ValidationSettings
        Raters, split, seed.
    atlases : mapping of AgeGroup to Atlas
        By the group that each is for.
    files : object
        What `describe_files` says of the cohort, or of each cohort.

    Returns
    -------
    dict
        As a file will give it back; atlases by age group, such as ``50-69``: name, whether it is
        simulated, and provenance, in which a checksum pins every file.
    """
    described = {
        str(group): {"name": atlas.name, "simulated": atlas.simulated} | dict(atlas.provenance)
        for group, atlas in atlases.items()
    }
    return as_read_back(
        {
            "settings": settings.describe(),
            "versions": software_versions(*COHORT_PACKAGES),
            "atlases": described,
            "files": files,
        }
    )


def _tasks(
    atlases: Mapping[AgeGroup, Atlas],
    participants: list[Participant],
    settings: ValidationSettings,
    refusals: list[Refusal],
) -> dict[str, MappingTask]:
    """Give each participant the atlas for the age; those without one join the refusals."""
    tasks: dict[str, MappingTask] = {}
    for participant in participants:
        name = participant.participant_id
        try:
            chosen = atlas_for(atlases, participant.age, allow_nearest=settings.allow_nearest_age)
        except InputError as error:
            refusals.append(Refusal(name, str(error)))
            continue
        tasks[name] = MappingTask(participant, {ATLAS: chosen}, settings.raters)
    return tasks
