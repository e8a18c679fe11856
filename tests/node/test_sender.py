"""Results sent to a PACS: each object once, whatever happens in between."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from node_parts import fake_score, free_port, make_study

pytest.importorskip("pynetdicom", reason="pynetdicom, of the extra node, is not installed")
from small_pacs import small_pacs

from atlas_builder.core.errors import InputError
from atlas_builder.node.sender import Destination, SendError, send

CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    make_study(tmp_path / "study", "one")
    return sorted((tmp_path / "study").iterdir())


def there(port: int, title: str = "PACS") -> Destination:
    return Destination("127.0.0.1", port, title, "ASPECTS")


def test_objects_arrive_as_they_were_written_and_none_twice(files: list[Path]) -> None:
    sent: set[str] = set()
    with small_pacs() as pacs:
        assert send(there(pacs.port), files[:2], sent, sent.add) == []
        assert send(there(pacs.port), files, sent, sent.add) == []
        assert send(there(pacs.port), files, sent, sent.add) == []
    assert set(pacs.times.values()) == {1}
    assert len(pacs.stored) == 4
    for path in files:
        original = pydicom.dcmread(path)
        assert pacs.stored[original.SOPInstanceUID] == original


# pynetdicom leaves a socket to the garbage collector where nothing answers.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_receiver_that_is_away_refuses_or_rejects_is_told_apart(files: list[Path]) -> None:
    with pytest.raises(SendError, match="cannot be reached"):
        send(there(free_port()), files, set(), print)
    with small_pacs() as pacs:
        with pytest.raises(SendError, match="rejects this node's title"):
            send(there(pacs.port, "OTHER"), files, set(), print)
        pacs.status = 0xA700
        with pytest.raises(SendError, match="refuses an object \\(status A700\\)"):
            send(there(pacs.port), files, set(), print)


def test_what_the_receiver_does_not_take_is_named_and_the_rest_is_sent(
    files: list[Path], tmp_path: Path
) -> None:
    fake_score(tmp_path / "study", tmp_path / "result", "", lambda: False)
    result = tmp_path / "result" / "aspects.sr.dcm"
    sent: set[str] = set()
    with small_pacs(sop_classes=[CT]) as pacs:
        not_taken = send(there(pacs.port), [result, *files], sent, sent.add)
    assert not_taken == ["1.2.840.10008.5.1.4.1.1.7"]
    assert len(pacs.stored) == len(sent) == 4


@pytest.mark.parametrize("text", ["pacs", "pacs:", ":104", "pacs:0", "pacs:70000", "pacs:x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="give HOST:PORT"):
        Destination.parse(text, "PACS", "ASPECTS")
    assert Destination.parse("::1:104", "PACS", "ASPECTS").host == "::1"
