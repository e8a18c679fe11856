"""Scoring many masks: in parallel, resumable, the same numbers always.

Workers import this module, so it loads no more than scoring needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aspects_scorer.dwi.lesion_size import MOST_ML_MNI, refuse_implausible_size
from aspects_scorer.dwi.mni_space import refuse_other_space
from aspects_scorer.dwi.scored_lesion import score_lesion
from aspects_scorer.severity.scored_patient import ScoredPatient, load_scored, save_scored
from atlas_builder.cohorts.participants import Refusal
from atlas_builder.core.aspects import AspectsRule
from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.masks import read_lesion
from atlas_builder.runtime.progress import Progress
from atlas_builder.runtime.resumption import resume
from atlas_builder.runtime.workers import Workers

IN_MNI_SPACE = "volume-in-mni-space"
"""The flag of a core volume measured in MNI152 space, where it is larger than in the patient."""


@dataclass(frozen=True)
class ScoringTask:
    """A mask to score.

    Attributes
    ----------
    participant_id : str
        Whose.
    path : Path
        The file, in MNI152 space.
    rule : AspectsRule
        Which extent of lesion takes a region's point.
    inputs : mapping
        All that decides the result, the file's checksum among it.
    """

    participant_id: str
    path: Path
    rule: AspectsRule
    inputs: Mapping[str, object]


def score_task(task: ScoringTask) -> ScoredPatient | str:
    """Score a mask, or return in one line why it cannot be scored.

    Parameters
    ----------
    task : ScoringTask
        The mask, in MNI152 space.

    Returns
    -------
    ScoredPatient or str
    """
    try:
        lesion = read_lesion(task.path)
        refuse_implausible_size(task.path, lesion, MOST_ML_MNI)
        refuse_other_space(task.path, lesion)
    except InputError as error:
        return str(error)
    scored = score_lesion(lesion, task.rule)
    patient = ScoredPatient.of(task.participant_id, scored)
    if not lesion:
        return patient
    return replace(patient, flags=(*patient.flags, IN_MNI_SPACE))


def score_everyone(
    tasks: list[ScoringTask], folder: Path, work: Path, workers: Workers, progress: Progress
) -> tuple[list[ScoredPatient], list[Refusal]]:
    """Score everyone's mask; what the work folder holds of the same inputs is not scored again.

    Parameters
    ----------
    tasks : list of ScoringTask
        One a participant.
    folder : Path
        Where the masks are; reasons name files inside it.
    work : Path
        An existing folder for a file a participant.
    workers : Workers
        Where the scoring runs.
    progress : callable
        Told how far it is.

    Returns
    -------
    scored : list of ScoredPatient
        In the order of the tasks.
    refusals : list of Refusal
        Those whose mask cannot be used. They are tried again in the next run.
    """
    by_name = {task.participant_id: task for task in tasks}
    paths = {name: work / f"{name}.json" for name in by_name}
    kept: dict[Path, ScoredPatient | str] = {}
    for name, path in paths.items():
        found = load_scored(path, by_name[name].inputs)
        if found is not None:
            kept[path] = found

    def compute(missing: list[str]) -> Iterator[ScoredPatient | str]:
        return workers.in_order(score_task, (by_name[name] for name in missing))

    def save(path: Path, result: ScoredPatient | str) -> None:
        if not isinstance(result, str):
            save_scored(path, result, by_name[result.participant_id].inputs)

    scored: list[ScoredPatient] = []
    refusals: list[Refusal] = []
    progress("Scoring", 0, len(tasks))
    results = resume(paths, compute, save, kept.__getitem__, kept.__contains__)
    for done, (name, result) in enumerate(results, 1):
        if isinstance(result, str):
            refusals.append(Refusal(name, result.replace(f"{folder}/", "")))
        else:
            scored.append(result)
        progress("Scoring", done, len(tasks))
    return scored, refusals
