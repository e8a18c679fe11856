"""Images sent over the network: those that belong are stored, the others refused."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from node_parts import SECRETS, Log, make_study

pytest.importorskip("pynetdicom", reason="pynetdicom, of the extra node, is not installed")
from small_pacs import echo, send_images

from atlas_builder.core.errors import InputError
from atlas_builder.node.inbox import Inbox, key_of
from atlas_builder.node.receiver import Receiver, ReceiverSettings, check_title

MR = "1.2.840.10008.5.1.4.1.1.4"


@pytest.fixture
def images(tmp_path: Path) -> list[pydicom.FileDataset]:
    return make_study(tmp_path / "study", "one")


@pytest.fixture
def open_receiver(tmp_path: Path) -> Iterator[Callable[..., tuple[Receiver, Inbox, Log]]]:
    opened = []

    def start(*callers: str, most: int = 50) -> tuple[Receiver, Inbox, Log]:
        inbox, log = Inbox(tmp_path / "state", most, 0.0), Log()
        settings = ReceiverSettings("ASPECTS", "127.0.0.1", 0, callers)
        opened.append(Receiver(settings, inbox, log))
        return opened[-1], inbox, log

    yield start
    for receiver in opened:
        receiver.close()


def stored(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "state" / "incoming").rglob("*.dcm"))


def test_a_study_arrives_as_it_was_sent(images, open_receiver, tmp_path: Path) -> None:
    receiver, inbox, _ = open_receiver()
    assert send_images(receiver.port, images) == [0] * 4
    found = {str(d.SOPInstanceUID): d for d in map(pydicom.dcmread, stored(tmp_path))}
    for image in images:
        assert found[image.SOPInstanceUID] == image
    key = key_of(images[0].StudyInstanceUID)
    while inbox.complete(0.0, 1e9) != [key]:  # the connection ends a moment later
        pass


def test_echo_is_answered(open_receiver) -> None:
    receiver, _, _ = open_receiver("CT1")
    assert echo(receiver.port) == 0
    assert echo(receiver.port, calling="STRANGER") is None
    assert echo(receiver.port, called="OTHER") is None


@pytest.mark.parametrize(("called", "calling"), [("OTHER", "CT1"), ("ASPECTS", "STRANGER")])
def test_other_titles_are_refused(
    images, open_receiver, tmp_path: Path, called: str, calling: str
) -> None:
    receiver, _, log = open_receiver("CT1", "CT2")
    assert send_images(receiver.port, images, called, calling) == [None] * 4
    assert stored(tmp_path) == []
    assert log.lines == ["refused: a caller that is not on the list, or calls another title"]


def test_other_modalities_are_refused(images, open_receiver, tmp_path: Path) -> None:
    receiver, _, log = open_receiver()
    images[0].SOPClassUID = images[0].file_meta.MediaStorageSOPClassUID = MR
    images[1].Modality = "PT"
    assert send_images(receiver.port, images) == [None, 0xA900, 0, 0]
    assert len(stored(tmp_path)) == 2
    assert log.lines == ["refused: an image is of another modality than CT"]


@pytest.mark.slow
def test_a_perfusion_series_is_refused_as_a_whole(images, open_receiver, tmp_path: Path) -> None:
    receiver, inbox, _ = open_receiver(most=100)
    image = images[0]
    image.PixelData, image.Rows, image.Columns = np.zeros(4, "<i2").tobytes(), 2, 2

    def perfusion() -> Iterator[pydicom.Dataset]:
        for number in range(300):
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
            yield image

    entity_statuses = send_one_by_one(receiver.port, perfusion())
    assert entity_statuses == [0] * 100 + [0xA700] * 200
    assert inbox.too_large() == [key_of(image.StudyInstanceUID)]
    assert stored(tmp_path) == []


def send_one_by_one(port: int, images: Iterator[pydicom.Dataset]) -> list[int]:
    from pynetdicom import AE  # noqa: PLC0415

    first = next(images)
    entity = AE(ae_title="CT1")
    entity.add_requested_context(first.SOPClassUID, first.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", port, ae_title="ASPECTS")
    try:
        return [association.send_c_store(first).Status] + [
            association.send_c_store(image).Status for image in images
        ]
    finally:
        association.release()


@pytest.mark.slow
def test_damaged_images_end_nothing_and_leave_no_trace(
    images, open_receiver, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Files with random bytes changed: each is stored or refused, and the next study arrives."""
    receiver, _, log = open_receiver(most=5000)
    whole = sorted((tmp_path / "study").iterdir())[0].read_bytes()
    rng = np.random.default_rng(1)
    statuses = []
    for number in range(60):
        content = bytearray(whole[: rng.integers(400, len(whole))] if number % 3 == 0 else whole)
        for place in rng.integers(132, len(content), 12):
            content[place] = rng.integers(256)
        statuses += send_raw(receiver.port, bytes(content))
    assert len(statuses) == 60
    assert 0xC000 in statuses
    assert send_images(receiver.port, images) == [0] * 4
    shown = "".join(log.lines) + "".join(capfd.readouterr())
    assert not any(secret in shown.encode() for secret in SECRETS)


def send_raw(port: int, content: bytes) -> list[int | None]:
    """Send the data set of a file as it stands, whatever it holds."""
    from pynetdicom import AE  # noqa: PLC0415
    from pynetdicom.dimse_primitives import C_STORE  # noqa: PLC0415

    entity = AE(ae_title="CT1")
    entity.acse_timeout = entity.dimse_timeout = 20
    entity.add_requested_context("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
    association = entity.associate("127.0.0.1", port, ae_title="ASPECTS")
    assert association.is_established
    length = 132 + 12 + int.from_bytes(content[140:144], "little")  # of the meta information
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    request.AffectedSOPInstanceUID = "1.2.3.4"
    import io  # noqa: PLC0415

    request.DataSet = io.BytesIO(content[min(length, len(content) - 2) :])
    context = association.accepted_contexts[0].context_id
    association._reactor_checkpoint.clear()
    association.dimse.send_msg(request, context)
    _, answer = association.dimse.get_msg(block=True)
    association._reactor_checkpoint.set()
    association.release()
    return [None if answer is None else answer.Status]


def test_a_port_in_use_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = ReceiverSettings("ASPECTS", "127.0.0.1", port, ())
        with pytest.raises(InputError, match=f"--port {port}: cannot be used"):
            Receiver(settings, Inbox(tmp_path, 10, 0.0), Log())


@pytest.mark.parametrize("title", ["", " ", "A" * 17, "Ä", "A\\B", "A\n"])
def test_what_is_no_title_is_refused(title: str) -> None:
    with pytest.raises(InputError, match="no AE title"):
        check_title("--caller", [title])
    check_title("--caller", ["CT 1", "A" * 16])
