"""What a training learns from, prepared once: made in parallel, kept, whatever is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from atlas_builder.cohorts.participants import Refusal
from atlas_builder.runtime.progress import Progress
from atlas_builder.runtime.workers import open_workers

Task = TypeVar("Task")
Result = TypeVar("Result")
Subject = TypeVar("Subject")


def prepare(
    make: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    stage: str,
    jobs: int,
    progress: Progress,
    already: int = 0,
) -> Iterator[Result]:
    """Yield the results of tasks in their order, from as many processes as there are jobs.

    Parameters
    ----------
    make : callable
        Prepares one and writes it; it runs in another process.
    tasks : sequence
        What is not there yet.
    stage : str
        What progress calls it.
    jobs : int
        Processes at once; results do not depend on it.
    progress : callable
        Told the stage, how many are done and how many there are.
    already : int
        How many were there before; they count as done.
    """
    total = already + len(tasks)
    progress(stage, already, total)
    if not tasks:
        return
    with open_workers(min(jobs, len(tasks))) as workers:
        for done, result in enumerate(workers.in_order(make, tasks), start=already + 1):
            yield result
            progress(stage, done, total)


@dataclass(frozen=True)
class Preparation(Generic[Subject]):
    """A subject of a cohort, and where what is learnt from it is kept.

    Attributes
    ----------
    subject
        What it is made of.
    path : Path
        A file or a folder; where it is there, nothing is made.
    """

    subject: Subject
    path: Path


def prepare_subjects(
    make: Callable[[Preparation[Subject]], Refusal | None],
    tasks: Sequence[Preparation[Subject]],
    *,
    stage: str,
    jobs: int,
    progress: Progress,
) -> tuple[list[Path], list[Refusal]]:
    """Prepare what is learnt from the subjects of a cohort; what is there stays.

    Parameters
    ----------
    make : callable
        Prepares one, or says why it cannot be used.
    tasks : sequence of Preparation
        All subjects.
    stage, jobs, progress
        As `prepare` takes them.

    Returns
    -------
    paths : list of Path
        Of those that can be used, in the order of the tasks.
    refusals : list of Refusal
        The others.
    """
    left = [task for task in tasks if not task.path.exists()]
    already = len(tasks) - len(left)
    done = prepare(make, left, stage=stage, jobs=jobs, progress=progress, already=already)
    refusals = [one for one in done if one is not None]
    return [task.path for task in tasks if task.path.exists()], refusals
