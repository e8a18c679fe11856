"""How many threads numerical libraries use."""

from __future__ import annotations

import os


def keep_to_one_thread() -> None:
    """Make numerical libraries that are loaded from now on use one thread.

    Processes that are started inherit it. The libraries' own threads would compete for the cores
    that the other processes are on, and wait for one another over matrices of three rows. A command
    calls this before it imports anything that computes. What the user has set stays.
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
