"""Kill a node at random moments while studies are sent to it: each result is there, and once.

Usage: python scripts/fuzzing/kill_node.py [--studies 50] [--kills 10] [--seed 1]

The node is the real one, in a process that is ended by SIGKILL and started again; its scorer
copies a few bytes in place of a score, after a random time. The modality sends a study again where
the node broke off. The receiver of results counts what it holds and how often each object came.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))
from node_parts import fake_score, free_port, make_study
from small_pacs import SmallPacs, send_images, small_pacs

from atlas_builder.node.jobs import Rules
from atlas_builder.node.receiver import ReceiverSettings
from atlas_builder.node.sender import Destination
from atlas_builder.node.serve import ServeSettings, serve, status_of

SLICES = 4
LONGEST_S = 600


def run_node(state: Path, port: int, results_port: int) -> None:
    """Be the node, until killed."""

    def score(scan, out, known, stop):
        time.sleep(random.uniform(0.0, 0.4))
        return fake_score(scan, out, known, stop)

    settings = ServeSettings(
        state,
        None,
        ReceiverSettings("ASPECTS", "127.0.0.1", port, ("CT1",)),
        Destination("127.0.0.1", results_port, "PACS", "ASPECTS"),
        Rules(3.0, 1.0, None),
        100,
    )
    serve(settings, score)


def start(state: Path, port: int, results_port: int) -> subprocess.Popen[bytes]:
    """Start the node in a process of its own."""
    command = [sys.executable, __file__, "--node", state, str(port), str(results_port)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def send_all(folder: Path, studies: int, port: int) -> None:
    """Send every study until the node has confirmed each of its images."""
    for number in range(studies):
        images = make_study(folder / str(number), f"study-{number}", SLICES)
        while set(send_images(port, images)) != {0}:
            time.sleep(0.2)


def is_done(state: Path, studies: int) -> bool:
    """Tell whether the node has delivered all studies."""
    try:
        counts = status_of(state)[1]
    except Exception:  # it is just being started
        return False
    return f" {studies} done" in f" {counts}" and counts.startswith("0 arriving, 0 waiting, 0 sco")


def report(pacs: SmallPacs, studies: int, kills: int, seconds: float) -> bool:
    """Print what the receiver holds, and return whether it is as it should be."""
    results = Counter(dataset.StudyInstanceUID for dataset in pacs.stored.values())
    whole = Counter(int(dataset.InstanceNumber) for dataset in pacs.stored.values())
    again = sum(times - 1 for times in pacs.times.values())
    print(f"{studies} studies, {kills} kills, {seconds:.0f} s")
    print(
        f"studies with a result: {len(results)}; with more than one: "
        f"{sum(count > 1 for count in results.values())}"
    )
    print(f"results of all {SLICES} images: {whole[SLICES]}")
    print(f"objects sent again under the same identifier: {again}")
    return len(results) == studies == whole[SLICES] and set(results.values()) == {1}


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=50)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--node", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.node:
        run_node(Path(options.node[0]), int(options.node[1]), int(options.node[2]))
        return 0
    chance = random.Random(options.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, small_pacs() as pacs:
        state, port = Path(scratch) / "state", free_port()
        node = start(state, port, pacs.port)
        sender = threading.Thread(
            target=send_all, args=(Path(scratch) / "sent", options.studies, port), daemon=True
        )
        sender.start()
        kills = 0
        while time.monotonic() - began < LONGEST_S:
            if kills < options.kills:
                time.sleep(chance.uniform(2.0, 12.0))
                node.kill()
                node.wait()
                kills += 1
                node = start(state, port, pacs.port)
            elif not sender.is_alive() and is_done(state, options.studies):
                break
            else:
                time.sleep(1.0)
        node.kill()
        node.wait()
        good = report(pacs, options.studies, kills, time.monotonic() - began)
        print("\n".join(status_of(state)[1:2]))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
