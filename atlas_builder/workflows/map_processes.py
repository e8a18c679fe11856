"""Processes that register both levels at once, ready when the key slices are."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import forkserver

from atlas_builder.runtime.threads import keep_to_one_thread
from atlas_builder.runtime.workers import end_with_parent

_IMPORTS = "atlas_builder.workflows.map_imports"


@contextmanager
def registration_processes(count: int = 2) -> Iterator[Executor]:
    """Start processes for registrations, and end them on leaving.

    ANTs keeps Python's lock while it registers, so threads would take turns. Where the system can,
    one process imports what is needed, while this one reads the scan, and is then duplicated.
    Results are the same bits as without processes.

    A script calls this below ``if __name__ == "__main__":``, as `multiprocessing` needs; a notebook
    need not.

    Parameters
    ----------
    count : int
        Processes at once.
    """
    keep_to_one_thread()
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    # Elsewhere than on Linux, libraries of the system do not survive the duplication.
    method = "forkserver" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    executor = ProcessPoolExecutor(count, mp_context=context, initializer=end_with_parent)
    if method == "forkserver":
        context.set_forkserver_preload([_IMPORTS])
        forkserver.ensure_running()
    else:
        for _ in range(count):
            executor.submit(_load)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _load() -> None:
    import_module(_IMPORTS)
