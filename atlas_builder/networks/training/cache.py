"""What a training learns from, prepared once: made in parallel, kept, whatever is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from atlas_builder.runtime.progress import Progress
from atlas_builder.runtime.workers import open_workers

Task = TypeVar("Task")
Result = TypeVar("Result")


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
