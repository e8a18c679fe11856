"""Order, look-ahead and failures of work that runs elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from atlas_builder.core.errors import InputError
from atlas_builder.runtime.workers import Workers, open_workers


def wait_and_return(task):
    seconds, value = task
    time.sleep(seconds)
    return value


def fail_on_odd(number):
    if number % 2:
        raise InputError(f"scan-{number}: odd; make it even")
    return number


def environment(_):
    return os.getpid(), os.environ["OMP_NUM_THREADS"]


class Late(Executor):
    """Does what was submitted only when a test says so, or when it is asked for the result."""

    def __init__(self):
        self.submitted = []

    def submit(self, function, /, *args, **kwargs):
        future = Waited(lambda: function(*args, **kwargs))
        self.submitted.append(args[0])
        return future


class Waited(Future):
    def __init__(self, work):
        super().__init__()
        self.work = work

    def result(self, timeout=None):
        return self.work()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_one_task_more_than_workers_is_under_way(count):
    """Neither tasks, which hold images, nor results pile up."""
    late = Late()
    created, most = [], 0

    def tasks():
        for number in range(20):
            created.append(number)
            yield number

    for taken, result in enumerate(Workers(late, count).in_order(lambda n: n * n, tasks())):
        assert result == taken * taken
        # While this result is looked at every worker has one.
        under_way = len(late.submitted) - (taken + 1)
        assert under_way == min(count, 20 - (taken + 1))
        assert len(created) == len(late.submitted)
        most = max(most, len(late.submitted) - taken)
    assert most == count + 1


def test_results_come_in_the_order_of_the_tasks():
    tasks = [(0.08, "first"), (0.0, "second"), (0.04, "third"), (0.0, "fourth")]
    with ThreadPoolExecutor(4) as executor:
        results = list(Workers(executor, 4).in_order(wait_and_return, tasks))
    assert results == ["first", "second", "third", "fourth"]


def test_no_tasks_give_no_results():
    with ThreadPoolExecutor(1) as executor:
        assert list(Workers(executor, 1).in_order(wait_and_return, [])) == []


def test_local_workers_are_processes_of_one_thread_and_pass_on_failures():
    with open_workers(2) as workers:
        assert workers.count == 2
        results = workers.in_order(fail_on_odd, [0, 2, 4, 5, 6])
        assert [next(results) for _ in range(3)] == [0, 2, 4]
        with pytest.raises(InputError, match=r"^scan-5: odd; make it even$"):
            next(results)
        # The workers live on.
        pids, threads = zip(*workers.in_order(environment, range(4)), strict=True)
        assert os.getpid() not in pids
        assert set(threads) == {"1"}
    for pid in set(pids):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_leaving_early_ends_the_workers():
    started = time.monotonic()
    with pytest.raises(RuntimeError), open_workers(1) as workers:  # noqa: PT012
        results = workers.in_order(wait_and_return, [(0, 1)] + [(0.2, n) for n in range(50)])
        assert next(results) == 1
        raise RuntimeError
    assert time.monotonic() - started < 6


KILLED = """
import sys, time
from operator import neg
from atlas_builder.runtime.workers import open_workers

if __name__ == "__main__":
    with open_workers(2) as workers:
        list(workers.in_order(neg, [1, 2, 3]))
        print(*workers.executor._processes, flush=True)
        time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_no_worker_outlives_a_killed_build(tmp_path):
    """A worker holds hundreds of MB, and waits for work that never comes."""
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, env=environ
    ) as build:
        assert build.stdout is not None
        pids = [int(pid) for pid in build.stdout.readline().split()]
        build.send_signal(signal.SIGKILL)
    assert pids
    try:
        deadline = time.monotonic() + 5
        while any(map(is_alive, pids)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(is_alive, pids))
    finally:
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGKILL)


def is_alive(pid):
    """Tell whether a process runs; one that ended and was not waited for does not."""
    done = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(done.stdout.strip()) and not done.stdout.strip().startswith("Z")


REFUSED = """
import sys, distributed
from atlas_builder.runtime.workers import open_workers
from atlas_builder.core.errors import InputError

class Impatient(distributed.Client):
    def __init__(self, address, timeout):
        assert timeout <= 30
        super().__init__(address, timeout=0.3)

distributed.Client = Impatient
try:
    with open_workers(1, sys.argv[1]):
        pass
except InputError as error:
    print(error)
"""


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:9"], ids=["no address", "nobody"])
def test_an_address_without_a_scheduler_is_refused(address):
    """In a process of its own: a Dask client that failed may block the next one's start."""
    pytest.importorskip("distributed")
    done = subprocess.run(
        [sys.executable, "-c", REFUSED, address],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout.startswith(f"--scheduler {address}: no Dask scheduler answers there; check")
    assert done.stdout.count("\n") == 1


def test_without_dask_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(InputError, match=r"pip install aspects-atlas\[cluster\]$"),
        open_workers(1, "tcp://127.0.0.1:9"),
    ):
        pass
