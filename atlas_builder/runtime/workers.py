"""Where the work of a build runs: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from atlas_builder.core.errors import InputError
from atlas_builder.runtime.threads import keep_to_one_thread

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Workers:
    """Where tasks run.

    Attributes
    ----------
    executor : Executor
        Takes the tasks.
    count : int
        How many it runs at once.
    """

    executor: Executor
    count: int

    def in_order(
        self, function: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[Result]:
        """Yield the results of `tasks` in their order, whichever ends first.

        One task more than there are workers is under way or done and not yet taken: none waits
        while a result is looked at, and neither tasks nor results pile up.

        Parameters
        ----------
        function : callable
            Takes one task and returns its result; it must be picklable where workers are processes.
        tasks : iterable
            What the function is called with.

        Yields
        ------
        object
            The function's results. What a call raises is raised when its result is due.
        """
        pending: deque[Future[Result]] = deque()
        for task in tasks:
            pending.append(self.executor.submit(function, task))
            if len(pending) > self.count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


@contextmanager
def open_workers(jobs: int, scheduler: str | None = None) -> Iterator[Workers]:
    """Start workers, and end them on leaving.

    Parameters
    ----------
    jobs : int
        Processes of this machine; each runs ITK on one thread.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://host:8786``; its workers are used instead.
        They need this package, and the cohort under the same path.

    Raises
    ------
    InputError
        The cluster does not answer, or Dask is not installed.
    """
    if scheduler is not None:
        with _cluster(scheduler) as cluster:
            yield cluster
        return
    keep_to_one_thread()
    # ITK's threads do not survive a fork.
    executor = ProcessPoolExecutor(
        jobs, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_parent
    )
    try:
        yield Workers(executor, jobs)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def end_with_parent() -> None:
    """Make this worker end when the process that started it is killed, instead of idling on."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def _cluster(scheduler: str) -> Iterator[Workers]:
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError:
        raise InputError(
            f"--scheduler {scheduler}: Dask is missing; run pip install aspects-atlas[cluster]"
        ) from None
    try:
        client = Client(scheduler, timeout=20)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InputError(
            f"--scheduler {scheduler}: no Dask scheduler answers there; check the address ({error})"
        ) from None
    with client, client.get_executor() as executor:  # type: ignore[no-untyped-call]
        threads = sum(client.nthreads().values())  # type: ignore[no-untyped-call]
        yield Workers(executor, max(1, threads))
