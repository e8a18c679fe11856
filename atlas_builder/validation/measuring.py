"""Mapping and measuring many participants: in parallel, resumable, the same numbers always."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from atlas_builder.cohorts.participants import Refusal, first_reasons
from atlas_builder.core.errors import InputError
from atlas_builder.runtime.progress import Progress
from atlas_builder.runtime.resumption import resume
from atlas_builder.runtime.workers import Workers
from atlas_builder.validation.agreement import Agreement, Pair, compare_sources
from atlas_builder.validation.mapped import (
    MappedParticipant,
    MappingTask,
    load_mapped,
    map_participant,
    save_mapped,
)
from atlas_builder.validation.scores import Scores


def map_everyone(
    tasks: Mapping[str, MappingTask], work: Path, workers: Workers, progress: Progress
) -> tuple[dict[str, Path], list[Refusal]]:
    """Map the atlases onto all participants, going on where an earlier run stopped.

    Parameters
    ----------
    tasks : mapping of str to MappingTask
        By the name that the rows give the participant; a name may have a folder before it.
    work : Path
        Claimed for these tasks.
    workers : Workers
        Where the mapping runs.
    progress : callable
        Called with the stage, how much of it is done and how much there is.

    Returns
    -------
    paths : dict of str to Path
        The file of each participant who can be used, for `load_mapped`.
    refusals : list of Refusal
        The others. They are tried again in the next run, for they may be mended by then.
    """
    paths = {name: work / "participants" / f"{name}.npz" for name in tasks}
    for path in paths.values():
        path.parent.mkdir(parents=True, exist_ok=True)

    def compute(missing: list[str]) -> Iterator[MappedParticipant]:
        return workers.in_order(map_participant, (tasks[name] for name in missing))

    def save(path: Path, mapped: MappedParticipant) -> None:
        if mapped.refusal is None:
            save_mapped(path, mapped)

    def load(path: Path) -> MappedParticipant:
        return MappedParticipant({})  # measured later, from the file

    usable: dict[str, Path] = {}
    refusals: list[Refusal] = []
    progress("Mapping", 0, len(tasks))
    for done, (name, mapped) in enumerate(resume(paths, compute, save, load), 1):
        if mapped.refusal is None:
            usable[name] = paths[name]
        else:
            refusals.append(Refusal(name, mapped.refusal))
        progress("Mapping", done, len(tasks))
    return usable, refusals


def measure_everyone(
    paths: Mapping[str, Path], pairs: Sequence[Pair], workers: Workers, progress: Progress
) -> Scores:
    """Measure how pairs of sources agree on all participants that were mapped.

    Parameters
    ----------
    paths : mapping of str to Path
        From `map_everyone`.
    pairs : sequence of tuple of str
        Which sources to compare.
    workers : Workers
        Where the measuring runs.
    progress : callable
        Called with the stage, how much of it is done and how much there is.

    Returns
    -------
    Scores
    """
    rows: list[Agreement] = []
    progress("Measuring", 0, len(paths))
    measure = partial(measure_participant, pairs=tuple(pairs))
    for done, measured in enumerate(workers.in_order(measure, paths.items()), 1):
        rows += measured
        progress("Measuring", done, len(paths))
    return Scores(tuple(rows))


def measure_participant(task: tuple[str, Path], pairs: Sequence[Pair]) -> list[Agreement]:
    """Measure one participant, given the name and the file.

    Parameters
    ----------
    task : tuple of str and Path
        The participant's name and the file that `save_mapped` wrote.
    pairs : sequence of tuple of str
        Which sources to compare.

    Returns
    -------
    list of Agreement
        One a region, side and pair; see `compare_sources`.
    """
    name, path = task
    return [
        row
        for level, content in load_mapped(path).levels.items()
        for row in compare_sources(
            name, level, content.regions, content.left, content.spacing, pairs
        )
    ]


def check_usable(cohort: Path, used: Mapping[str, Path], refusals: Sequence[Refusal]) -> None:
    """Refuse a cohort of which no participant can be used.

    Parameters
    ----------
    cohort : Path
        The cohort's folder, for the message.
    used : mapping of str to Path
        The files of the participants that can be used, from `map_everyone`.
    refusals : sequence of Refusal
        Those left out.

    Raises
    ------
    InputError
        With the first reasons.
    """
    if used:
        return
    reasons = first_reasons(refusals)
    raise InputError(
        f"{cohort}: no participant can be used; "
        + (f"left out: {reasons}" if refusals else "the table names none of this split")
    )
