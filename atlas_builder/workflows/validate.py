"""The validation of an atlas as users ask for it: map, measure, write, report."""

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
        Told the stage, how much of it is done and how much there is.

    Returns
    -------
    bool
        False when `out` already held this very validation and nothing was done.

    Raises
    ------
    InputError
        The atlas or the cohort cannot be used, nobody of the cohort can, or `out` holds another
        validation. Participants who cannot be used do not end the run; they are named in the
        report and in ``subjects.tsv``.
    """
    started = time.monotonic()
    cohort, out = Path(cohort), Path(out)
    atlases = {group: light(one) for group, one in read_atlases(atlas).items()}
    participants, refusals = select_participants(cohort, settings.split)
    inputs = _describe(atlases, cohort, settings)
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
    """Make a folder that of a validation, with what an earlier run has done of it.

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


def describe_atlases(atlases: Mapping[AgeGroup, Atlas]) -> dict[str, object]:
    """Return what tells atlases apart: their name and the checksum of their description."""
    return {
        str(group): {"name": atlas.name, "simulated": atlas.simulated} | dict(atlas.provenance)
        for group, atlas in atlases.items()
    }


def _describe(
    atlases: Mapping[AgeGroup, Atlas], cohort: Path, settings: ValidationSettings
) -> dict[str, object]:
    inputs: dict[str, object] = {
        "settings": settings.describe(),
        "versions": software_versions(*COHORT_PACKAGES),
        "atlases": describe_atlases(atlases),
        "files": describe_files(cohort),
    }
    return as_read_back(inputs)


def _tasks(
    atlases: Mapping[AgeGroup, Atlas],
    participants: list[Participant],
    settings: ValidationSettings,
    refusals: list[Refusal],
) -> dict[str, MappingTask]:
    """Give everyone the atlas for the age; those without one join the refusals."""
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
