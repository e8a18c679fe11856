"""A folder in which scans are dropped, and in which their scores appear beside them.

Each folder, zip archive and NIfTI file in it is a scan. It is taken up once its files have not
changed for a while. What was dropped is only read.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

RESULT_SUFFIX = "-aspects"
_FILES = (".nii", ".nii.gz", ".zip")


class Watcher:
    """The folder as it was last looked at.

    Parameters
    ----------
    folder : Path
        Where scans are dropped.
    most_images : int
        Files from which on a folder is passed over.
    """

    def __init__(self, folder: Path, most_images: int) -> None:
        self._folder = folder
        self._most_images = most_images
        self._seen: dict[str, tuple[Path, float]] = {}
        self._too_large: set[str] = set()

    def look(self, now: float) -> None:
        """Look at what is there.

        Parameters
        ----------
        now : float
            The time in seconds.
        """
        seen: dict[str, tuple[Path, float]] = {}
        self._too_large = set()
        for path in self._entries():
            key, count = _stamp(path, self._most_images)
            _, since = self._seen.get(key, (path, now))
            seen[key] = (path, since)
            if count > self._most_images:
                self._too_large.add(key)
        self._seen = seen

    def settled(self, quiet_s: float, now: float) -> list[str]:
        """Return the checksums of the scans that have not changed for a while.

        Parameters
        ----------
        quiet_s : float
            How long, in seconds.
        now : float
            The time in seconds.
        """
        return sorted(key for key, (_, since) in self._seen.items() if now - since >= quiet_s)

    def is_too_large(self, key: str) -> bool:
        """Tell whether a scan consists of more files than are taken.

        Parameters
        ----------
        key : str
            Its checksum.
        """
        return key in self._too_large

    def find(self, key: str) -> Path | None:
        """Return the place of a scan; None where it has gone or was changed.

        Parameters
        ----------
        key : str
            Its checksum.
        """
        path, _ = self._seen.get(key, (None, 0.0))
        return path

    def remove_unfinished(self) -> None:
        """Remove what a node that was killed left of results that it was writing here."""
        for state in ("new", "old"):
            for path in self._folder.glob(f".????????.{state}.*{RESULT_SUFFIX}"):
                shutil.rmtree(path, ignore_errors=True)

    def _entries(self) -> Iterator[Path]:
        try:
            entries = sorted(self._folder.iterdir())
        except OSError:  # a share that has gone comes back
            return
        for path in entries:
            if path.name.startswith(".") or path.is_symlink():
                continue
            is_scan = path.name.lower().endswith(_FILES)
            if path.is_dir():
                is_scan = not path.name.endswith(RESULT_SUFFIX)
            if is_scan:
                yield path


def _stamp(path: Path, most: int) -> tuple[str, int]:
    """Return a checksum of a scan's name and of its files' names, sizes and times; and how many."""
    digest = hashlib.sha256(path.name.encode(errors="surrogateescape"))
    count = 0
    for file in _files(path):
        count += 1
        if count > most:
            break
        try:
            status = file.stat()
        except OSError:  # it has just been moved
            continue
        name = os.path.relpath(file, path)
        line = f"\n{name}\t{status.st_size}\t{status.st_mtime_ns}"
        digest.update(line.encode(errors="surrogateescape"))
    return "watched-" + digest.hexdigest()[:16], count


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            yield Path(folder, name)
