"""The node's queue: which studies are known, what became of each, and what was already sent.

It lies in one SQLite file. Each change is on the disk before the next step begins, so a node that
is killed goes on where it was. Nothing in it tells who a patient is: studies go by a number and by
a checksum of their identifier.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

State: TypeAlias = Literal["waiting", "scored", "done", "refused", "failed"]
"""A study waits, is scored, and is done once its result is delivered; one that cannot be scored is
refused; one on which scoring broke down again and again has failed."""

STATES: tuple[State, ...] = ("waiting", "scored", "done", "refused", "failed")

_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    revision INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due REAL NOT NULL,
    reason TEXT NOT NULL,
    images TEXT NOT NULL,
    changed REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS sent (
    number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    instance TEXT NOT NULL,
    PRIMARY KEY (number, revision, instance)
);
"""
_COLUMNS = "number, key, state, revision, attempts, due, reason, images, changed"


@dataclass(frozen=True)
class Job:
    """A study.

    Attributes
    ----------
    number : int
        What logs call it.
    key : str
        A checksum that tells it from others.
    state : State
        What became of it.
    revision : int
        Counted from 1; images that arrive after it was scored make another.
    attempts : int
        How often scoring or delivering has broken down since the last success.
    due : float
        When to try next, in seconds since 1970.
    reason : str
        Why it was refused, has failed or is late.
    images : str
        A checksum of the images that the last result was made from; empty before the first.
    changed : float
        When it last changed, in seconds since 1970.
    """

    number: int
    key: str
    state: State
    revision: int
    attempts: int
    due: float
    reason: str
    images: str
    changed: float

    def ended_before(self, moment: float) -> bool:
        """Tell whether nothing is left to do for it since a moment, in seconds since 1970."""
        return self.state in ("done", "refused", "failed") and self.changed < moment


class JobQueue:
    """The queue in its file; used by one thread.

    Parameters
    ----------
    path : Path
        The file; made if need be.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def find(self, key: str) -> Job | None:
        """Return the study of a checksum, where it is known.

        Parameters
        ----------
        key : str
            See `Job`.
        """
        return next(self._select("WHERE key = ?", key), None)

    def add(self, key: str) -> Job:
        """Queue a study that is complete; one that is known is queued again, in a new revision.

        Parameters
        ----------
        key : str
            See `Job`.
        """
        with self._writing():
            known = self.find(key)
            if known is None:
                self._database.execute(
                    "INSERT INTO jobs (key, state, revision, attempts, due, reason, images, "
                    "changed) VALUES (?, 'waiting', 1, 0, 0, '', '', ?)",
                    (key, time.time()),
                )
            else:
                self._set(known, "waiting", revision=known.revision + 1)
        added = self.find(key)
        assert added is not None
        return added

    def refuse(self, key: str, reason: str) -> Job | None:
        """Note a study that is not taken in; None where it is known already.

        Parameters
        ----------
        key, reason : str
            See `Job`.
        """
        with self._writing():
            changed = self._database.execute(
                "INSERT OR IGNORE INTO jobs (key, state, revision, attempts, due, reason, images, "
                "changed) VALUES (?, 'refused', 1, 0, 0, ?, '', ?)",
                (key, reason, time.time()),
            ).rowcount
        return self.find(key) if changed else None

    def due(self, state: State, now: float) -> Iterator[Job]:
        """Yield the studies of a state that are due, the oldest first.

        Parameters
        ----------
        state : State
            Such as ``waiting``.
        now : float
            Seconds since 1970.
        """
        yield from list(self._select("WHERE state = ? AND due <= ? ORDER BY number", state, now))

    def put(
        self,
        job: Job,
        state: State,
        *,
        reason: str = "",
        images: str | None = None,
        attempts: int = 0,
        due: float = 0.0,
    ) -> None:
        """Record what became of a study.

        Parameters
        ----------
        job : Job
            The study.
        state, reason, images, attempts, due
            See `Job`; images stay as they were where None is given.
        """
        with self._writing():
            self._set(job, state, reason=reason, images=images, attempts=attempts, due=due)

    def mark_sent(self, job: Job, instance: str) -> None:
        """Record that the receiver has confirmed an object of a study's result.

        Parameters
        ----------
        job : Job
            The study.
        instance : str
            The object's SOP Instance UID.
        """
        with self._writing():
            self._database.execute(
                "INSERT OR IGNORE INTO sent VALUES (?, ?, ?)", (job.number, job.revision, instance)
            )

    def sent(self, job: Job) -> set[str]:
        """Return the objects of a study's result that were confirmed.

        Parameters
        ----------
        job : Job
            The study.
        """
        found = self._database.execute(
            "SELECT instance FROM sent WHERE number = ? AND revision = ?",
            (job.number, job.revision),
        )
        return {instance for (instance,) in found}

    def counts(self) -> dict[State, int]:
        """Return how many studies are in each state."""
        found = dict(self._database.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state"))
        return {state: found.get(state, 0) for state in STATES}

    def latest(self, count: int) -> list[Job]:
        """Return the studies that changed last, the latest first.

        Parameters
        ----------
        count : int
            How many.
        """
        return list(self._select("ORDER BY changed DESC, number DESC LIMIT ?", count))

    def numbered(self, number: int) -> Job | None:
        """Return the study of a number, where there is one.

        Parameters
        ----------
        number : int
            See `Job`.
        """
        return next(self._select("WHERE number = ?", number), None)

    def _set(
        self,
        job: Job,
        state: State,
        *,
        revision: int | None = None,
        reason: str = "",
        images: str | None = None,
        attempts: int = 0,
        due: float = 0.0,
    ) -> None:
        self._database.execute(
            "UPDATE jobs SET state = ?, revision = ?, attempts = ?, due = ?, reason = ?, "
            "images = ?, changed = ? WHERE number = ?",
            (
                state,
                job.revision if revision is None else revision,
                attempts,
                due,
                reason,
                job.images if images is None else images,
                time.time(),
                job.number,
            ),
        )

    def _select(self, clause: str, *values: object) -> Iterator[Job]:
        for row in self._database.execute(f"SELECT {_COLUMNS} FROM jobs {clause}", values):
            yield Job(*row)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
