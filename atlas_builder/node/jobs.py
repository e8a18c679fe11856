"""What the node does in turn: take studies in, score them, deliver the scores, tidy up.

Each step may be cut off anywhere and is gone on with after a restart. A result is made in a folder
of its attempt and renamed in one step, so that there is one of each revision; it is delivered
under the identifiers it was written with.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from atlas_builder.core.errors import InputError
from atlas_builder.node.inbox import Inbox, flush_folder
from atlas_builder.node.queue import Job, JobQueue
from atlas_builder.node.scoring import Scorer
from atlas_builder.node.sender import Destination, SendError, send
from atlas_builder.node.watcher import RESULT_SUFFIX, Watcher
from atlas_builder.runtime.files import replacing, replacing_folder
from atlas_builder.workflows.dicom_results import DRAWN
from atlas_builder.workflows.ncct.files import check_folder

_DAY_S = 86400.0
_MOST_ATTEMPTS = 3
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5.0, 300.0


@dataclass(frozen=True)
class Rules:
    """How the node goes about its work.

    Attributes
    ----------
    quiet_s : float
        After how many seconds without a new image a study is complete.
    keep_images_days : float
        How long received images are kept after the study's result was delivered, or it was refused.
    keep_results_days : float or None
        How long results are kept after that; None for ever.
    """

    quiet_s: float
    keep_images_days: float
    keep_results_days: float | None


@dataclass(frozen=True)
class Node:
    """All that the steps work with.

    Attributes
    ----------
    state : Path
        The node's folder.
    rules : Rules
        How it goes about its work.
    queue : JobQueue
        What is known of studies.
    inbox : Inbox
        Where images arrive.
    watcher : Watcher or None
        The folder in which scans are dropped.
    destination : Destination or None
        Where results are sent.
    score : Scorer
        Scores a scan.
    log : logging.Logger
        Gets a line a step, with a study's number and nothing that tells who the patient is.
    stop : callable
        Tells whether to end.
    """

    state: Path
    rules: Rules
    queue: JobQueue
    inbox: Inbox
    watcher: Watcher | None
    destination: Destination | None
    score: Scorer
    log: logging.Logger
    stop: Callable[[], bool] = lambda: False

    @property
    def results(self) -> Path:
        """The folder of results."""
        return self.state / "results"

    @property
    def work(self) -> Path:
        """The folder of results that are being made."""
        return self.state / "work"

    def result(self, job: Job) -> Path:
        """Return the folder of a study's result, whether or not it is there."""
        return self.results / f"{job.number:06d}-{job.revision}"


def prepare(node: Node) -> None:
    """Make the node's folders, and remove what an earlier run left half made.

    Parameters
    ----------
    node : Node
        The node.
    """
    shutil.rmtree(node.work, ignore_errors=True)
    for folder in (node.work, node.results):
        folder.mkdir(parents=True, exist_ok=True)
    if node.watcher is not None:
        node.watcher.remove_unfinished()


def run_once(node: Node, now: float) -> bool:
    """Do what is to be done now, and at most one study of each kind.

    Parameters
    ----------
    node : Node
        The node.
    now : float
        The time of the inbox's clock, in seconds.

    Returns
    -------
    bool
        Whether a study was scored or a result delivered.
    """
    take_in(node, now)
    scored = score_next(node)
    delivered = deliver_next(node)
    tidy(node)
    return scored or delivered


def take_in(node: Node, now: float) -> None:
    """Queue the studies that are complete.

    Parameters
    ----------
    node : Node
        The node.
    now : float
        The time of the inbox's clock, in seconds.
    """
    for key in node.inbox.too_large():
        refused = node.queue.refuse(key, "it has more images than --most-images")
        if refused is not None:
            node.log.warning("study %d refused: %s", refused.number, refused.reason)
    for key in node.inbox.complete(node.rules.quiet_s, now):
        known = node.queue.find(key)
        if known is not None and known.state == "scored":
            continue  # images that came late wait until its result is delivered
        # In this order: what is queued is not scored before its images are taken, see score_next.
        job = node.queue.add(key)
        node.inbox.take(key)
        node.log.info("study %d complete", job.number)
    if node.watcher is None:
        return
    node.watcher.look(now)
    for key in node.watcher.settled(node.rules.quiet_s, now):
        if node.watcher.is_too_large(key):
            refused = node.queue.refuse(key, "it has more files than --most-images")
            if refused is not None:
                node.log.warning("scan %d refused: %s", refused.number, refused.reason)
        elif node.queue.find(key) is None:
            node.log.info("scan %d found", node.queue.add(key).number)


def score_next(node: Node) -> bool:
    """Score the oldest study that waits.

    Parameters
    ----------
    node : Node
        The node.

    Returns
    -------
    bool
        Whether there was one.
    """
    for job in node.queue.due("waiting", time.time()):
        if node.inbox.is_arriving(job.key):
            continue
        if node.result(job).exists():  # killed between the two steps at the end of _score
            node.queue.put(job, "scored", images=_recorded_images(node.result(job)))
            return True
        _score(node, job)
        return True
    return False


def deliver_next(node: Node) -> bool:
    """Deliver the oldest result that is due.

    Parameters
    ----------
    node : Node
        The node.

    Returns
    -------
    bool
        Whether one was delivered.
    """
    for job in node.queue.due("scored", time.time()):
        note = ""
        if job.key.startswith("watched-"):
            note = _put_beside(node, job)
        if node.destination is not None:
            try:
                not_taken = send(
                    node.destination,
                    _dicom_files(node.result(job)),
                    node.queue.sent(job),
                    lambda instance, job=job: node.queue.mark_sent(job, instance),  # type: ignore[misc]
                )
            except SendError as error:
                _put_off(node, job, str(error))
                return False
            if not_taken:
                note = f"the receiver of results does not take {', '.join(not_taken)}"
        node.queue.put(job, "done", reason=note)
        node.log.info("study %d delivered%s", job.number, f"; {note}" if note else "")
        return True
    return False


def tidy(node: Node) -> None:
    """Delete images and results whose time is over.

    Parameters
    ----------
    node : Node
        The node.
    """
    now = time.time()
    for key in node.inbox.kept():
        job = node.queue.find(key)
        if job is not None and job.ended_before(now - node.rules.keep_images_days * _DAY_S):
            node.inbox.delete(key)
    if node.rules.keep_results_days is None:
        return
    for folder in node.results.iterdir():
        job = node.queue.numbered(int(folder.name.partition("-")[0]))
        if job is not None and job.ended_before(now - node.rules.keep_results_days * _DAY_S):
            shutil.rmtree(folder, ignore_errors=True)


def _score(node: Node, job: Job) -> None:
    scan = _place(node, job)
    if scan is None:
        node.queue.put(job, "refused", reason="it was taken away or changed before it was scored")
        return
    attempt = node.work / f"{job.number:06d}-{secrets.token_hex(4)}"
    ended = node.score(scan, attempt, job.images, node.stop)
    if ended.outcome == "scored":
        with replacing(attempt / _IMAGES) as partial:
            partial.write_text(ended.images, "utf-8")
        attempt.rename(node.result(job))
        flush_folder(node.results)
        node.queue.put(job, "scored", images=ended.images)
        node.log.info("study %d scored", job.number)
    elif ended.outcome == "unchanged":
        node.queue.put(job, "done", reason="the images are those of its result")
        node.log.info("study %d: late images change nothing", job.number)
    elif ended.outcome == "refused":
        node.queue.put(job, "refused", reason=ended.reason)
        node.log.warning("study %d refused: %s", job.number, ended.reason)
    elif ended.outcome == "broken":
        if job.attempts + 1 < _MOST_ATTEMPTS:
            _put_off(node, job, ended.reason)
        else:
            node.queue.put(job, "failed", reason=ended.reason, attempts=job.attempts + 1)
            node.log.error("study %d failed: %s", job.number, ended.reason)
    shutil.rmtree(attempt, ignore_errors=True)


_IMAGES = ".images"


def _recorded_images(result: Path) -> str:
    """Return the checksum of the images that a result was made from."""
    return (result / _IMAGES).read_text("utf-8")


def _place(node: Node, job: Job) -> Path | None:
    if not job.key.startswith("watched-"):
        return node.inbox.study(job.key)
    return None if node.watcher is None else node.watcher.find(job.key)


def _put_off(node: Node, job: Job, reason: str) -> None:
    """Try later, after a time that grows."""
    wait = min(_FIRST_WAIT_S * 2.0 ** min(job.attempts, 10), _LONGEST_WAIT_S)
    node.queue.put(job, job.state, reason=reason, attempts=job.attempts + 1, due=time.time() + wait)
    node.log.warning("study %d put off for %.0f s: %s", job.number, wait, reason)


def _put_beside(node: Node, job: Job) -> str:
    """Copy a result beside the scan it was made from; return why it was not."""
    scan = None if node.watcher is None else node.watcher.find(job.key)
    if scan is None:
        return "the scan has gone: its result is in the node's folder"
    target = scan.with_name(scan.name + RESULT_SUFFIX)
    try:
        check_folder(target)
        with replacing_folder(target) as folder:
            shutil.copytree(
                node.result(job), folder, dirs_exist_ok=True, ignore=lambda *_: [_IMAGES]
            )
    except InputError:
        return "the folder for its result holds other files: it is in the node's folder"
    except OSError:
        return "its result cannot be written beside the scan: it is in the node's folder"
    return ""


def _dicom_files(result: Path) -> list[Path]:
    return [*sorted(result.glob("*.dcm")), *sorted((result / DRAWN).glob("*.dcm"))]
