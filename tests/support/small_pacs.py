"""A PACS of a few lines, and a modality that sends to a node, both by pynetdicom."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pydicom
from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts, build_context
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]


class SmallPacs:
    """Stores what is sent to it, and counts how often.

    Attributes
    ----------
    stored : dict of str to Dataset
        By SOP Instance UID.
    times : Counter
        How often each was sent.
    status : int
        What it answers.
    """

    def __init__(self) -> None:
        self.stored: dict[str, pydicom.Dataset] = {}
        self.times: Counter[str] = Counter()
        self.status = 0x0000
        self.port = 0

    def store(self, event: Any) -> int:
        """Answer a C-STORE request."""
        if self.status == 0:
            dataset = pydicom.dcmread(io.BytesIO(event.encoded_dataset()))
            self.stored[str(dataset.SOPInstanceUID)] = dataset
            self.times[str(dataset.SOPInstanceUID)] += 1
        return self.status


@contextmanager
def small_pacs(port: int = 0, sop_classes: Iterable[str] = ()) -> Iterator[SmallPacs]:
    """Run one at a port of this computer, for some SOP classes or all."""
    pacs = SmallPacs()
    entity = AE(ae_title="PACS")
    entity.require_called_aet = True
    chosen = list(sop_classes)
    for context in AllStoragePresentationContexts:
        if not chosen or context.abstract_syntax in chosen:
            entity.add_supported_context(context.abstract_syntax)
    handlers: list[Any] = [(evt.EVT_C_STORE, pacs.store)]
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    assert server is not None
    pacs.port = int(server.server_address[1])
    try:
        yield pacs
    finally:
        server.shutdown()


def send_images(
    port: int, images: Iterable[pydicom.Dataset], called: str = "ASPECTS", calling: str = "CT1"
) -> list[int | None]:
    """Send images to a node, and return the statuses; None where it did not answer."""
    images = list(images)
    entity = AE(ae_title=calling)
    entity.acse_timeout = entity.dimse_timeout = 20
    syntaxes = {(i.SOPClassUID, i.file_meta.TransferSyntaxUID) for i in images}
    contexts = [build_context(sop_class, syntax) for sop_class, syntax in sorted(syntaxes)]
    association = entity.associate("127.0.0.1", port, contexts=contexts, ae_title=called)
    if not association.is_established:
        return [None] * len(images)
    try:
        statuses: list[int | None] = []
        for image in images:
            try:
                statuses.append(association.send_c_store(image).get("Status"))
            except (RuntimeError, ValueError):  # the connection has ended, or the class is refused
                statuses.append(None)
        return statuses
    finally:
        association.release()


def echo(port: int, called: str = "ASPECTS", calling: str = "CT1") -> int | None:
    """Send C-ECHO, and return the status; None where there is no answer."""
    entity = AE(ae_title=calling)
    entity.acse_timeout = entity.dimse_timeout = 20
    entity.add_requested_context(Verification)
    association = entity.associate("127.0.0.1", port, ae_title=called)
    if not association.is_established:
        return None
    try:
        return association.send_c_echo().get("Status")
    finally:
        association.release()
