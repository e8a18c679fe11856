"""The queue: what is recorded stays, also after the process is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from atlas_builder.node.queue import JobQueue


def test_a_study_goes_through_its_states_and_is_found_again(tmp_path: Path) -> None:
    queue = JobQueue(tmp_path / "queue.sqlite")
    first, second = queue.add("a"), queue.add("b")
    assert [job.number for job in queue.due("waiting", 1.0)] == [first.number, second.number]
    queue.put(first, "scored", images="abc")
    queue.close()
    again = JobQueue(tmp_path / "queue.sqlite")
    found = again.find("a")
    assert found is not None
    assert (found.state, found.images, found.revision) == ("scored", "abc", 1)
    assert [job.key for job in again.due("waiting", 1.0)] == ["b"]
    assert again.counts() == {"waiting": 1, "scored": 1, "done": 0, "refused": 0, "failed": 0}


def test_a_study_that_grows_keeps_its_number_and_its_images(tmp_path: Path) -> None:
    queue = JobQueue(tmp_path / "queue.sqlite")
    first = queue.add("a")
    queue.put(first, "done", images="abc")
    again = queue.add("a")
    assert (again.number, again.revision, again.state, again.images) == (1, 2, "waiting", "abc")


def test_what_is_put_off_is_due_later(tmp_path: Path) -> None:
    queue = JobQueue(tmp_path / "queue.sqlite")
    queue.put(queue.add("a"), "waiting", attempts=1, due=100.0, reason="later")
    assert list(queue.due("waiting", 99.0)) == []
    (job,) = queue.due("waiting", 100.0)
    assert (job.attempts, job.reason) == (1, "later")


def test_confirmed_objects_are_of_one_revision(tmp_path: Path) -> None:
    queue = JobQueue(tmp_path / "queue.sqlite")
    job = queue.add("a")
    queue.mark_sent(job, "1.2")
    queue.mark_sent(job, "1.2")
    assert queue.sent(job) == {"1.2"}
    assert queue.sent(queue.add("a")) == set()


def test_a_refusal_does_not_touch_a_study_that_is_known(tmp_path: Path) -> None:
    queue = JobQueue(tmp_path / "queue.sqlite")
    queue.put(queue.add("a"), "done")
    assert queue.refuse("a", "too large") is None
    refused = queue.refuse("b", "too large")
    assert refused is not None
    assert (refused.state, refused.reason) == ("refused", "too large")


_ADDS = """
import sys
from pathlib import Path
from atlas_builder.node.queue import JobQueue
queue = JobQueue(Path(sys.argv[1]))
for number in range(100000):
    print(queue.add(f"study-{number}").number, flush=True)
"""


@pytest.mark.slow
def test_what_was_recorded_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    process = subprocess.Popen([sys.executable, "-c", _ADDS, path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    confirmed = [int(process.stdout.readline()) for _ in range(50)]
    os.kill(process.pid, signal.SIGKILL)
    confirmed += [int(line) for line in process.stdout.read().split(b"\n") if line.strip()]
    process.wait()
    process.stdout.close()
    queue = JobQueue(path)
    assert all(queue.find(f"study-{number - 1}") is not None for number in confirmed)
    assert queue.add("another").number > max(confirmed)
