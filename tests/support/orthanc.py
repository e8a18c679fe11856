"""Orthanc, a real PACS, at ports of this computer for the length of a test."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
from node_parts import free_port, wait_until

PROGRAM = shutil.which("Orthanc") or shutil.which("orthanc")
MISSING = "Orthanc is not here: apt-get install orthanc"


class Orthanc:
    """One that runs.

    Attributes
    ----------
    port : int
        Of DICOM; its title is ``PACS``.
    """

    def __init__(self, port: int, http_port: int) -> None:
        self.port = port
        self._url = f"http://127.0.0.1:{http_port}"

    def ask(self, path: str) -> Any:
        """Return what it answers to a question to its web interface."""
        with urllib.request.urlopen(self._url + path, timeout=20) as answer:
            return json.load(answer)

    def answers(self) -> bool:
        """Tell whether it has started."""
        try:
            self.ask("/system")
        except OSError:
            return False
        return True

    def objects(self) -> list[pydicom.FileDataset]:
        """Return all that it stores."""
        found = []
        for identifier in self.ask("/instances"):
            address = f"{self._url}/instances/{identifier}/file"
            with urllib.request.urlopen(address, timeout=20) as answer:
                found.append(pydicom.dcmread(io.BytesIO(answer.read())))
        return found


@contextmanager
def running_orthanc(folder: Path) -> Iterator[Orthanc]:
    """Start one that stores in a folder, and end it."""
    assert PROGRAM is not None
    folder.mkdir()
    dicom, http = free_port(), free_port()
    settings = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "DicomPort": dicom,
        "DicomAet": "PACS",
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowStore": True,
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [],
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, str(folder / "orthanc.json")], stdout=log, stderr=log, cwd=folder
        )
        try:
            orthanc = Orthanc(dicom, http)
            wait_until(orthanc.answers)
            yield orthanc
        finally:
            process.terminate()
            process.wait(30)
