"""Progress on a terminal as a bar, elsewhere as plain lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done and how much there is."""

# Without tqdm's rate and its unit: a stage counts participants, epochs or whatever it has.
_BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"


def no_progress(stage: str, done: int, total: int) -> None:
    """Show nothing.

    Parameters
    ----------
    stage : str
        Name of the stage.
    done, total : int
        How much of it is done and how much there is.
    """


@contextmanager
def console_progress() -> Iterator[Progress]:
    """Show progress on standard error: a bar on a terminal, a line a stage elsewhere."""
    if sys.stderr.isatty():
        yield from _bars()
    else:
        yield _plain_line


def _plain_line(stage: str, done: int, total: int) -> None:
    if done == total:
        sys.stderr.write(f"{stage}: {total} done\n")
        sys.stderr.flush()


def _bars() -> Iterator[Progress]:
    from tqdm import tqdm  # noqa: PLC0415 - not needed where nobody watches

    bars: dict[str, tqdm] = {}

    def show(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            for finished in bars.values():
                finished.close()
            bars[stage] = tqdm(total=total, desc=stage, bar_format=_BAR, file=sys.stderr)
        bars[stage].update(done - bars[stage].n)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()
