"""The DICOM client that sends results back to a PACS.

Objects keep the identifiers they were written with. Should the node be killed between the
receiver's confirmation and its own record of it, the object is sent once more under the same
identifier, which the receiver knows already: it never holds two.

References
----------
DICOM PS3.4, Annex B Storage Service Class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atlas_builder.core.errors import InputError
from atlas_builder.io.dicom.datasets import read_dataset
from atlas_builder.node.receiver import silence_network

_TIMEOUT_S, _CONNECTION_S = 60, 10
_WARNINGS = range(0xB000, 0xC000)  # stored, though something was coerced


class SendError(Exception):
    """Results could not be sent; the message says why, in a few words."""


@dataclass(frozen=True)
class Destination:
    """Where results are sent.

    Attributes
    ----------
    host : str
        Name or address.
    port : int
        TCP port.
    ae_title : str
        Of the receiver.
    own_title : str
        Of this node.
    """

    host: str
    port: int
    ae_title: str
    own_title: str

    @classmethod
    def parse(cls, text: str, ae_title: str, own_title: str) -> Destination:
        """Read ``host:port``.

        Parameters
        ----------
        text : str
            The address.
        ae_title, own_title : str
            See `Destination`.

        Raises
        ------
        InputError
            It is no such thing.
        """
        host, _, port = text.rpartition(":")
        if not (host and port.isdecimal() and 0 < int(port) < 1 << 16):
            raise InputError(f"--results {text}: no address; give HOST:PORT, such as pacs:104")
        return cls(host, int(port), ae_title, own_title)


@dataclass(frozen=True)
class _Object:
    path: Path
    sop_class: str
    instance: str
    syntax: str


def send(
    destination: Destination,
    files: Sequence[Path],
    sent: set[str],
    when_sent: Callable[[str], None],
) -> list[str]:
    """Send the objects that were not sent before, over one connection.

    Parameters
    ----------
    destination : Destination
        Where to.
    files : sequence of Path
        DICOM files.
    sent : set of str
        SOP Instance UIDs of those that were confirmed before.
    when_sent : callable
        Called with the SOP Instance UID of each as it is confirmed.

    Returns
    -------
    list of str
        SOP classes that the receiver does not take; their objects were not sent.

    Raises
    ------
    SendError
        The receiver cannot be reached, or refuses an object. Those confirmed before stay so.
    """
    from pynetdicom import AE  # noqa: PLC0415 - an extra

    silence_network()
    objects = [one for one in map(_examined, files) if one.instance not in sent]
    if not objects:
        return []
    entity = AE(ae_title=destination.own_title)
    entity.network_timeout = entity.acse_timeout = entity.dimse_timeout = _TIMEOUT_S
    entity.connection_timeout = _CONNECTION_S
    for sop_class, syntax in sorted({(one.sop_class, one.syntax) for one in objects}):
        entity.add_requested_context(sop_class, syntax)
    association = entity.associate(
        destination.host, destination.port, ae_title=destination.ae_title
    )
    if not association.is_established:
        raise SendError(
            "the receiver of results rejects this node's title"
            if association.is_rejected
            else "the receiver of results cannot be reached"
        )
    try:
        taken = {context.abstract_syntax for context in association.accepted_contexts}
        for one in objects:
            if one.sop_class in taken:
                _send_one(association, one)
                when_sent(one.instance)
    finally:
        association.release()
    return sorted({one.sop_class for one in objects} - taken)


def _send_one(association: Any, one: _Object) -> None:
    try:
        answer = association.send_c_store(one.path)
    except (RuntimeError, ValueError, OSError) as error:
        raise SendError(f"the connection broke off ({type(error).__name__})") from None
    status = answer.get("Status")
    if status is None:
        raise SendError("the receiver of results did not answer")
    if status != 0 and status not in _WARNINGS:
        raise SendError(f"the receiver of results refuses an object (status {status:04X})")


def _examined(path: Path) -> _Object:
    header = read_dataset(
        path, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"]
    )
    return _Object(
        path,
        str(header.SOPClassUID),
        str(header.SOPInstanceUID),
        str(header.file_meta.TransferSyntaxUID),
    )
