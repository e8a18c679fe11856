"""Images received, gathered by study, until each study is complete.

An image is on the disk under its final name before it is confirmed to its sender. A study is
complete when nothing of it has arrived for a while and no connection that brought some of it is
open. Folders and files are named by checksums, which tell nothing of the patient.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Hashable
from enum import Enum
from pathlib import Path

from atlas_builder.runtime.files import replacing

_LEAST_FREE_BYTES = 1 << 30


class Received(Enum):
    """What became of an image that arrived."""

    STORED = "stored"
    KNOWN = "known"
    STUDY_REFUSED = "study refused"
    NO_ROOM = "no room"


def key_of(study_uid: str) -> str:
    """Return the checksum that a study goes by.

    Parameters
    ----------
    study_uid : str
        Its Study Instance UID.
    """
    return hashlib.sha256(study_uid.encode()).hexdigest()[:16]


class Inbox:
    """Where images arrive; used by any number of threads.

    Parameters
    ----------
    state : Path
        The node's folder. ``incoming`` in it holds studies that may not be complete, ``studies``
        those that are, ``too-large`` an empty file for each that was refused for its size.
    most_images : int
        Images of a study from which on it is refused.
    now : float
        The time of the same clock that the methods are given.
    """

    def __init__(self, state: Path, most_images: int, now: float) -> None:
        self._incoming, self._studies, self._too_large = (
            state / name for name in ("incoming", "studies", "too-large")
        )
        for folder in (self._incoming, self._studies, self._too_large):
            folder.mkdir(parents=True, exist_ok=True)
        self._most_images = most_images
        self._lock = threading.Lock()
        self._bringing: dict[str, set[Hashable]] = {}
        # What was there before a restart may not be complete: its time begins anew.
        self._last = {folder.name: now for folder in self._incoming.iterdir()}
        self._counts = {key: len(self._images(key)) for key in self._last}

    def receive(
        self, study_uid: str, instance_uid: str, content: bytes, sender: Hashable, now: float
    ) -> Received:
        """Store an image; when this returns ``STORED``, it is on the disk.

        Parameters
        ----------
        study_uid, instance_uid : str
            Identifiers of the study and of the image.
        content : bytes
            The file.
        sender : hashable
            The connection that brought it, see `release`.
        now : float
            The time in seconds.
        """
        key = key_of(study_uid)
        name = hashlib.sha256(instance_uid.encode()).hexdigest()[:32] + ".dcm"
        with self._lock:
            if (self._too_large / key).exists():
                return Received.STUDY_REFUSED
            folder = self._incoming / key
            if (folder / name).exists() or (self._studies / key / name).exists():
                return Received.KNOWN
            if shutil.disk_usage(self._incoming).free < _LEAST_FREE_BYTES + len(content):
                return Received.NO_ROOM
            count = self._counts.get(key)
            if count is None:
                count = len(self._images(key))
            if count >= self._most_images:
                (self._too_large / key).touch()
                self._forget(key)
                shutil.rmtree(folder, ignore_errors=True)
                return Received.STUDY_REFUSED
            if not folder.exists():
                folder.mkdir()
                flush_folder(self._incoming)
            with replacing(folder / name) as partial:
                partial.write_bytes(content)
            flush_folder(folder)
            self._counts[key] = count + 1
            self._last[key] = now
            self._bringing.setdefault(key, set()).add(sender)
            return Received.STORED

    def release(self, sender: Hashable, now: float) -> None:
        """Note that a connection has ended.

        Parameters
        ----------
        sender : hashable
            The connection.
        now : float
            The time in seconds.
        """
        with self._lock:
            for key, senders in self._bringing.items():
                if sender in senders:
                    senders.discard(sender)
                    self._last[key] = now

    def complete(self, quiet_s: float, now: float) -> list[str]:
        """Return the studies of which nothing more is to be expected.

        Parameters
        ----------
        quiet_s : float
            How long nothing of them has arrived, in seconds.
        now : float
            The time in seconds.
        """
        with self._lock:
            return sorted(
                key
                for key, last in self._last.items()
                if now - last >= quiet_s and not self._bringing.get(key)
            )

    def too_large(self) -> list[str]:
        """Return the studies that were refused for their size."""
        return sorted(path.name for path in self._too_large.iterdir())

    def is_arriving(self, key: str) -> bool:
        """Tell whether images of a study are yet to be taken.

        Parameters
        ----------
        key : str
            The study.
        """
        return (self._incoming / key).exists()

    def take(self, key: str) -> Path:
        """Move a study's images to where they are scored; an interrupted move is gone on with.

        Parameters
        ----------
        key : str
            The study.

        Returns
        -------
        Path
            Its folder.
        """
        with self._lock:
            folder, target = self._incoming / key, self._studies / key
            target.mkdir(exist_ok=True)
            for path in self._stored(folder):
                path.replace(target / path.name)
            flush_folder(target)
            shutil.rmtree(folder, ignore_errors=True)
            self._forget(key)
            return target

    def study(self, key: str) -> Path:
        """Return the folder of a study that was taken.

        Parameters
        ----------
        key : str
            The study.
        """
        return self._studies / key

    def kept(self) -> list[str]:
        """Return the studies of which anything is kept after they were taken or refused."""
        return sorted(
            {path.name for path in (*self._studies.iterdir(), *self._too_large.iterdir())}
        )

    def delete(self, key: str) -> None:
        """Delete the images of a study, and that it was refused for its size.

        Parameters
        ----------
        key : str
            The study.
        """
        with self._lock:
            shutil.rmtree(self._studies / key, ignore_errors=True)
            (self._too_large / key).unlink(missing_ok=True)

    def _images(self, key: str) -> list[Path]:
        return [*self._stored(self._incoming / key), *self._stored(self._studies / key)]

    @staticmethod
    def _stored(folder: Path) -> list[Path]:
        # What a kill left half written begins with a dot, see `replacing`.
        if not folder.exists():
            return []
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))

    def _forget(self, key: str) -> None:
        self._last.pop(key, None)
        self._counts.pop(key, None)
        self._bringing.pop(key, None)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder outlast a loss of power.

    Parameters
    ----------
    folder : Path
        The folder.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
