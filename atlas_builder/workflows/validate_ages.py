"""The validation of several age groups' atlases on each other's participants."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from atlas_builder.catalogue.atlas import Atlas
from atlas_builder.catalogue.entries import read_atlases
from atlas_builder.cohorts.labelled_scans import Participant, Refusal
from atlas_builder.core.anatomy import AgeGroup
from atlas_builder.core.errors import InputError
from atlas_builder.reporting.base.sections import write_validation_report
from atlas_builder.reporting.validation.ages import AGE_TITLE, age_sections, age_summary
from atlas_builder.runtime.progress import Progress, no_progress
from atlas_builder.runtime.resumption import describe_files
from atlas_builder.runtime.workers import open_workers
from atlas_builder.validation.age_tables import age_matrix
from atlas_builder.validation.mapped import MappingTask
from atlas_builder.validation.measuring import (
    check_usable,
    map_everyone,
    measure_everyone,
)
from atlas_builder.validation.selection import (
    ValidationSettings,
    atlas_for,
    light,
    select_participants,
)
from atlas_builder.workflows.validate import WORK, begin, describe_inputs
from atlas_builder.workflows.validation_files import write_agreement, write_record, write_subjects


def validate_ages(
    atlases: str | Path,
    cohorts: Path,
    out: Path,
    settings: ValidationSettings,
    *,
    jobs: int = 1,
    restart: bool = False,
    progress: Progress = no_progress,
) -> bool:
    """Map every age group's atlas onto every participant, and see whether the matching one is best.

    A participant belongs to the group of the atlas that is for its age. Interrupted runs go on as
    those of `validate_atlas` do.

    Parameters
    ----------
    atlases : str or Path
        A folder of several age groups' atlas folders, or a name in the catalogue.
    cohorts : Path
        A cohort folder, or a folder of several. In the latter case participants go by the name
        of their cohort and their own, ``50_69/sub-01``.
    out, settings, jobs, restart, progress
        As `validate_atlas` takes them; only the reference rater's labels are used.

    Returns
    -------
    bool
        False when `out` already held this very validation and nothing was done.

    Raises
    ------
    InputError
        As `validate_atlas` does; or there are fewer than two atlases.
    """
    started = time.monotonic()
    out = Path(out)
    by_age = {group: light(atlas) for group, atlas in read_atlases(atlases).items()}
    if len(by_age) < 2:
        raise InputError(
            f"{atlases}: holds one age group's atlas; give a folder of several, or one with --atlas"
        )
    folders = _cohorts_in(Path(cohorts))
    reference = settings.raters[0]
    files_of = {prefix: describe_files(folder) for prefix, folder in folders.items()}
    inputs = describe_inputs(settings, by_age, files_of)
    if not begin(out, inputs, restart=restart):
        return False
    participants, refusals = _everyone(folders, settings.split)
    tasks, group_of = _tasks(by_age, participants, settings, refusals)
    groups = [str(group) for group in by_age]
    with open_workers(jobs) as workers:
        paths, refused = map_everyone(tasks, out / WORK, workers, progress)
        refusals += refused
        check_usable(Path(cohorts), paths, refusals)
        pairs = [(group, reference) for group in groups]
        scores = measure_everyone(paths, pairs, workers, progress)
    files = [
        write_agreement(scores, out / "dsc.tsv"),
        write_subjects(
            scores, participants, refusals, {"age_group": group_of}, out / "subjects.tsv"
        ),
    ]
    matrix = age_matrix(scores, groups, group_of, reference)
    files += write_validation_report(
        out,
        AGE_TITLE,
        age_summary(matrix, refusals),
        age_sections(scores, matrix, reference, settings.seed),
        refusals,
        inputs,
    )
    write_record(out, inputs, scores, refusals, files, time.monotonic() - started)
    shutil.rmtree(out / WORK)
    return True


def _cohorts_in(folder: Path) -> dict[str, Path]:
    """Return the cohorts of a folder by the prefix of their participants' names."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one that holds cohorts")
    if (folder / "participants.tsv").exists():
        return {"": folder}
    found = {f"{path.parent.name}/": path.parent for path in folder.glob("*/participants.tsv")}
    if not found:
        raise InputError(
            f"{folder}: no participants.tsv in it or in a folder of it; give a cohort, or a folder "
            "of cohorts"
        )
    return dict(sorted(found.items()))


def _everyone(
    folders: Mapping[str, Path], split: str
) -> tuple[dict[str, Participant], list[Refusal]]:
    participants: dict[str, Participant] = {}
    refusals: list[Refusal] = []
    for prefix, folder in folders.items():
        found, refused = select_participants(folder, split)
        participants |= {f"{prefix}{person.participant_id}": person for person in found}
        refusals += [Refusal(f"{prefix}{one.participant_id}", one.reason) for one in refused]
    return participants, refusals


def _tasks(
    by_age: Mapping[AgeGroup, Atlas],
    participants: Mapping[str, Participant],
    settings: ValidationSettings,
    refusals: list[Refusal],
) -> tuple[dict[str, MappingTask], dict[str, str]]:
    """Give each participant all atlases; return the age group of each as well."""
    tasks: dict[str, MappingTask] = {}
    group_of: dict[str, str] = {}
    named = {str(group): atlas for group, atlas in by_age.items()}
    for name, person in participants.items():
        try:
            own = atlas_for(by_age, person.age, allow_nearest=settings.allow_nearest_age)
        except InputError as error:
            refusals.append(Refusal(name, str(error)))
            continue
        group_of[name] = str(own.age_group)
        tasks[name] = MappingTask(person, named, settings.raters[:1])
    return tasks, group_of
