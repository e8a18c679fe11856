"""Scoring in a process of its own: a scan that breaks it does not take the node along.

The process writes to a folder that only this attempt knows and says on its standard output what
came of it. It ends when the node does: its standard input, which the node holds open, then closes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from atlas_builder.core.errors import InputError

Outcome: TypeAlias = Literal["scored", "unchanged", "refused", "broken", "stopped"]

_POLL_S = 0.2
_UNSUITABLE = {
    "contrast": "contrast medium",
    "computed-image": "values computed from several energies",
}
_PRIVATE_TEXT = (
    re.compile(r'"[^"]*"'),  # descriptions of series
    re.compile(r"\d+(?:\.\d+){3,}"),  # unique identifiers
    re.compile(r"\b\d{4}-\d\d-\d\d\b(?: \d\d:\d\d(?::\d\d)?)?"),  # when it was scanned
    re.compile(r"/\S+"),  # files
)


@dataclass(frozen=True)
class Ended:
    """How scoring ended.

    Attributes
    ----------
    outcome : Outcome
        ``scored``, its folder is filled; ``unchanged``, the images are those of the last result;
        ``refused``, the scan cannot be scored; ``broken``; or ``stopped`` on demand.
    reason : str
        Why it was refused or broke down; nothing in it tells who the patient is.
    images : str
        A checksum of the images that were used.
    """

    outcome: Outcome
    reason: str = ""
    images: str = ""


Scorer: TypeAlias = Callable[[Path, Path, str, Callable[[], bool]], Ended]
"""Scores a scan: takes its place, the folder to write, the checksum of the images that the last
result was made from, and what tells whether to stop."""


def score_in_process(time_limit_s: float) -> Scorer:
    """Return a scorer that uses a process of its own.

    Parameters
    ----------
    time_limit_s : float
        After how many seconds a scan has broken it.
    """

    def score(scan: Path, out: Path, known_images: str, stop: Callable[[], bool]) -> Ended:
        command = [sys.executable, "-m", __name__, str(scan), str(out), known_images]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdin is not None
        assert process.stdout is not None
        ends = time.monotonic() + time_limit_s
        try:
            while process.poll() is None:
                if stop():
                    return Ended("stopped")
                if time.monotonic() > ends:
                    return Ended("broken", f"not done after {time_limit_s:g} seconds")
                time.sleep(_POLL_S)
            output = process.stdout.read()  # a line, which fits into the pipe
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        try:
            return Ended(**json.loads(output))
        except (ValueError, TypeError):
            return Ended("broken", f"scoring ended with status {process.returncode}")

    return score


def score_scan(scan: Path, out: Path, known_images: str) -> Ended:
    """Score the plain CT of the head among a study's series.

    Parameters
    ----------
    scan : Path
        See `open_scan`.
    out : Path
        The folder to write.
    known_images : str
        See `Ended.images`; where the images are these, nothing is done.

    Returns
    -------
    Ended
    """
    from atlas_builder.io.source import DicomSource, open_scan  # noqa: PLC0415 - slow to load
    from atlas_builder.workflows.ncct.score import score_ncct  # noqa: PLC0415

    try:
        with open_scan(scan) as source:
            images = ""
            if isinstance(source, DicomSource):
                used = sorted(f"{frame.path.name}:{frame.index}" for frame in source.dicom.frames)
                images = hashlib.sha256("\n".join(used).encode()).hexdigest()
            found = {flag.code for flag in source.remarks}
        for code, what in _UNSUITABLE.items():
            if code in found:
                return Ended("refused", f"no plain CT of the head: the only series shows {what}")
        if images and images == known_images:
            return Ended("unchanged", images=images)
        score_ncct(scan, out)
    except InputError as error:
        return Ended("refused", anonymous(str(error), scan))
    return Ended("scored", images=images)


def anonymous(message: str, scan: Path) -> str:
    """Return an error's message without what may tell who the patient is.

    Parameters
    ----------
    message : str
        Of an `InputError`, which begins with a path.
    scan : Path
        The scan that it is about.

    Returns
    -------
    str
        Paths, identifiers, times and texts from headers are left out.
    """
    for path in sorted(scan.rglob("*"), key=lambda one: -len(str(one))) if scan.is_dir() else ():
        message = message.replace(str(path), "an image")
    message = message.replace(str(scan), "the scan")
    for pattern in _PRIVATE_TEXT:
        message = pattern.sub("…", message)
    return message


def main(arguments: list[str]) -> None:
    """Score a scan in this process, and say on standard output how it ended.

    Parameters
    ----------
    arguments : list of str
        As `score_in_process` gives them.
    """
    threading.Thread(target=_end_with_node, daemon=True).start()
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # libraries may print
    scan, out, known_images = arguments
    try:
        ended = score_scan(Path(scan), Path(out), known_images)
    except Exception as error:  # its message may hold anything
        ended = Ended("broken", f"unexpected {type(error).__name__}")
    with answer:
        answer.write(json.dumps(asdict(ended)))


def _end_with_node() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
