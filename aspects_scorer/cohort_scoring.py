"""Scoring many masks: in parallel, resumable, the same numbers always.

Workers import this module, so it loads no more than scoring needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aspects_scorer.lesion import read_lesion
from aspects_scorer.mni_space import refuse_other_space
from aspects_scorer.scored import score_lesion
from aspects_scorer.scored_patient import ScoredPatient, load_scored, save_scored
from atlas_builder.construction.workers import Workers
from atlas_builder.errors import InputError
from atlas_builder.io.participants import Refusal
from atlas_builder.progress import Progress

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
    least_ml, cortical_share : float
        Of the rule, see `score_regions`.
    inputs : mapping
        All that decides the result, the file's checksum among it.
    """

    participant_id: str
    path: Path
    least_ml: float
    cortical_share: float
    inputs: Mapping[str, object]


def score_task(task: ScoringTask) -> ScoredPatient | str:
    """Score a mask, or say in one line why it cannot be."""
    try:
        lesion = read_lesion(task.path)
        refuse_other_space(task.path, lesion)
    except InputError as error:
        return str(error)
    scored = score_lesion(lesion, least_ml=task.least_ml, cortical_share=task.cortical_share)
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
    kept = {task.participant_id: load_scored(_file(work, task), task.inputs) for task in tasks}
    missing = [task for task in tasks if kept[task.participant_id] is None]
    computed = workers.in_order(score_task, missing)
    scored: list[ScoredPatient] = []
    refusals: list[Refusal] = []
    progress("Scoring", 0, len(tasks))
    for done, task in enumerate(tasks, 1):
        result = kept[task.participant_id] or next(computed)
        if isinstance(result, str):
            reason = result.replace(f"{folder}/", "")
            refusals.append(Refusal(task.participant_id, reason))
        else:
            if kept[task.participant_id] is None:
                save_scored(_file(work, task), result, task.inputs)
            scored.append(result)
        progress("Scoring", done, len(tasks))
    return scored, refusals


def _file(work: Path, task: ScoringTask) -> Path:
    return work / f"{task.participant_id}.json"
