"""The DICOM service that takes images in: C-STORE of CT and C-ECHO, from callers on a list.

References
----------
DICOM PS3.4, Annex B Storage Service Class (statuses), A.2 Verification; PS3.7, 9.1.1 C-STORE.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from atlas_builder.core.errors import InputError
from atlas_builder.io.damage import in_silence
from atlas_builder.io.dicom.damage import DAMAGE, LOGGER
from atlas_builder.io.dicom.datasets import read_dataset
from atlas_builder.node.inbox import Inbox, Received

_SUCCESS, _NO_RESOURCES, _OTHER_CLASS, _NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000
_CT_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.2",  # CT Image Storage
    "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT Image Storage
    "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT Image Storage
)
_VERIFICATION = "1.2.840.10008.1.1"
_MOST_CONNECTIONS = 10
_TIMEOUT_S = 60
_TAGS = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "Modality"]
_LONGEST_UID = 64


@dataclass(frozen=True)
class ReceiverSettings:
    """How the service is reached, and by whom.

    Attributes
    ----------
    ae_title : str
        By which it must be called.
    host : str
        The address it listens at.
    port : int
        Its TCP port; 0 for any that is free.
    callers : tuple of str
        Application entities that may call; empty for any.
    """

    ae_title: str
    host: str
    port: int
    callers: tuple[str, ...]


class Receiver:
    """The service while it runs, in threads of its own.

    Parameters
    ----------
    settings : ReceiverSettings
        How it is reached.
    inbox : Inbox
        Where images go.
    log : logging.Logger
        Gets a line for each refusal.

    Raises
    ------
    InputError
        The port cannot be used.
    """

    def __init__(self, settings: ReceiverSettings, inbox: Inbox, log: logging.Logger) -> None:
        from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, evt  # noqa: PLC0415 - an extra

        silence_network()
        self._inbox, self._log = inbox, log
        entity = AE(ae_title=settings.ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = list(settings.callers)
        entity.maximum_associations = _MOST_CONNECTIONS
        entity.network_timeout = entity.acse_timeout = entity.dimse_timeout = _TIMEOUT_S
        entity.add_supported_context(_VERIFICATION)
        for sop_class in _CT_CLASSES:
            entity.add_supported_context(sop_class, ALL_TRANSFER_SYNTAXES)
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_CONN_CLOSE, self._closed),
            (evt.EVT_REJECTED, self._rejected),
        ]
        try:
            self._server: Any = entity.start_server(
                (settings.host, settings.port), block=False, evt_handlers=handlers
            )
        except OSError as error:
            raise InputError(
                f"--port {settings.port}: cannot be used at {settings.host} ({error.strerror}); "
                "give another"
            ) from None

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """End the service and all connections."""
        self._server.shutdown()

    def _store(self, event: Any) -> int:
        """Answer a C-STORE request with the status that says what became of the image."""
        try:
            study, instance, content = _checked(event)
            found = self._inbox.receive(study, instance, content, event.assoc, time.monotonic())
            if found == Received.NO_ROOM:
                raise _RefusedError("the disk is full", _NO_RESOURCES)
        except _RefusedError as error:
            self._log.warning("refused: %s", error.reason)
            return error.status
        except OSError:
            self._log.warning("refused: an image cannot be written to the disk")
            return _NO_RESOURCES
        # Of a study that is refused as a whole, a line for each image would fill the log.
        return _NO_RESOURCES if found == Received.STUDY_REFUSED else _SUCCESS

    def _closed(self, event: Any) -> None:
        self._inbox.release(event.assoc, time.monotonic())

    def _rejected(self, _: Any) -> None:
        self._log.warning("refused: a caller that is not on the list, or calls another title")


class _RefusedError(Exception):
    """An image is not taken: why, and the status that says so."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


def _checked(event: Any) -> tuple[str, str, bytes]:
    """Return the identifiers of an image's study and of the image, and its file."""
    try:
        content = event.encoded_dataset()
        with in_silence(LOGGER):
            header = read_dataset(io.BytesIO(content), stop_before_pixels=True, specific_tags=_TAGS)
            sop_class, instance, study, modality = (
                str(header.get(keyword) or "") for keyword in _TAGS
            )
    except DAMAGE:
        raise _RefusedError("an image cannot be read", _NOT_UNDERSTOOD) from None
    if not all(0 < len(uid) <= _LONGEST_UID for uid in (instance, study)):
        raise _RefusedError("an image has no identifier", _NOT_UNDERSTOOD)
    announced = (event.request.AffectedSOPClassUID, event.request.AffectedSOPInstanceUID)
    if (sop_class, instance) != tuple(map(str, announced)):
        raise _RefusedError("an image is not what it was announced as", _OTHER_CLASS)
    if modality not in ("CT", ""):
        raise _RefusedError("an image is of another modality than CT", _OTHER_CLASS)
    return study, instance, content


def silence_network() -> None:
    """Keep pynetdicom, which quotes what is sent, from writing to the terminal."""
    library = logging.getLogger("pynetdicom")
    if not library.handlers:
        library.addHandler(logging.NullHandler())
    library.propagate = False


def check_title(option: str, titles: Sequence[str]) -> None:
    """Make sure that application entity titles are such.

    Parameters
    ----------
    option : str
        Where they were given, for the message.
    titles : sequence of str
        Each 1 to 16 letters.

    Raises
    ------
    InputError
        One is not.
    """
    for title in titles:
        plain = title.isascii() and title.isprintable() and "\\" not in title
        if not (plain and 0 < len(title.strip()) <= 16):
            raise InputError(f"{option} {title}: no AE title; give 1 to 16 plain letters")
