"""The node as a whole: started, run until it is told to end, and asked how it is."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import logging.handlers
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from atlas_builder.core.errors import InputError
from atlas_builder.node.inbox import Inbox
from atlas_builder.node.jobs import Node, Rules, prepare, run_once
from atlas_builder.node.queue import JobQueue
from atlas_builder.node.receiver import Receiver, ReceiverSettings
from atlas_builder.node.scoring import Scorer, score_in_process
from atlas_builder.node.sender import Destination
from atlas_builder.node.watcher import Watcher

_QUEUE, _LOCK, _LOG = "queue.sqlite", "node.lock", "node.log"
_POLL_S = 1.0
_TIME_LIMIT_S = 1800.0
_LOG_BYTES, _LOGS = 5_000_000, 5
_SHOWN = 20


@dataclass(frozen=True)
class ServeSettings:
    """What a node is started with.

    Attributes
    ----------
    state : Path
        Its folder.
    watch : Path or None
        The folder in which scans are dropped.
    receiver : ReceiverSettings or None
        How images are received.
    destination : Destination or None
        Where results are sent.
    rules : Rules
        How it goes about its work.
    most_images : int
        Images of a study from which on it is refused.
    """

    state: Path
    watch: Path | None
    receiver: ReceiverSettings | None
    destination: Destination | None
    rules: Rules
    most_images: int


def serve(settings: ServeSettings, scorer: Scorer | None = None) -> None:
    """Run a node until it is told to end, by SIGTERM or SIGINT.

    Parameters
    ----------
    settings : ServeSettings
        What it is started with.
    scorer : Scorer, optional
        By default scans are scored as ``score-aspects --ncct`` does.

    Raises
    ------
    InputError
        Its folder is another node's, or its port cannot be used.
    """
    stop = threading.Event()
    with _only_one(settings.state), _told_to_end(stop):
        log = _log(settings.state / _LOG)
        inbox = Inbox(settings.state, settings.most_images, time.monotonic())
        queue = JobQueue(settings.state / _QUEUE)
        watcher: Watcher | None = None
        receiver: Receiver | None = None
        if settings.watch is not None:
            watcher = Watcher(settings.watch, settings.most_images)
        node = Node(
            settings.state,
            settings.rules,
            queue,
            inbox,
            watcher,
            settings.destination,
            scorer or score_in_process(_TIME_LIMIT_S),
            log,
            stop.is_set,
        )
        prepare(node)
        if settings.receiver is not None:
            receiver = Receiver(settings.receiver, inbox, log)
        log.info("started%s", f" at port {receiver.port}" if receiver else "")
        try:
            while not stop.is_set():
                if not _worked(node):
                    stop.wait(_POLL_S)
        finally:
            if receiver:
                receiver.close()
            queue.close()
            log.info("ended")


def _worked(node: Node) -> bool:
    """Do what is to be done; a disk that is full or away is waited for."""
    try:
        return run_once(node, time.monotonic())
    except OSError as error:
        node.log.error("cannot go on at present: %s", error.strerror)  # its text names files
        return False


def status_of(state: Path) -> list[str]:
    """Say how a node is: whether it runs, what is queued, and what happened last.

    Parameters
    ----------
    state : Path
        Its folder.

    Returns
    -------
    list of str
        Lines without anything that tells who a patient is.

    Raises
    ------
    InputError
        There is no node's folder.
    """
    if not (state / _QUEUE).exists():
        raise InputError(f"{state}: no node has run here; give its folder as --state")
    queue = JobQueue(state / _QUEUE)
    counts = ", ".join(f"{count} {name}" for name, count in queue.counts().items())
    arriving = sum(1 for _ in (state / "incoming").iterdir())
    lines = ["running" if _is_running(state) else "not running", f"{arriving} arriving, {counts}"]
    for job in queue.latest(_SHOWN):
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.changed))
        reason = f": {job.reason}" if job.reason else ""
        lines.append(f"{when}  study {job.number}, revision {job.revision}: {job.state}{reason}")
    queue.close()
    return lines


@contextlib.contextmanager
def _only_one(state: Path) -> Iterator[None]:
    """Keep a second node out of the folder, also while a killed one's file is still there."""
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (state / _LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"{state}: a node runs here already; stop it, or give another --state"
                ) from None
            yield
    except OSError as error:
        raise InputError(f"{state}: cannot be used ({error.strerror}); check access") from None


def _is_running(state: Path) -> bool:
    with (state / _LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextlib.contextmanager
def _told_to_end(stop: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_: int, __: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _log(path: Path) -> logging.Logger:
    """Return a log that goes to a file, which is kept small, and to standard error."""
    log = logging.Logger("aspects-atlas serve", logging.INFO)
    lines = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    for handler in (
        logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=_LOGS),
        logging.StreamHandler(),
    ):
        handler.setFormatter(lines)
        log.addHandler(handler)
    return log
