"""Images gathered by study until each is complete."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas_builder.node.inbox import Inbox, Received, key_of


def test_a_study_is_complete_when_it_is_quiet_and_its_sender_has_gone(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, 10, 0.0)
    assert inbox.receive("1.2", "1.2.3", b"a", "sender", 1.0) == Received.STORED
    assert inbox.complete(5.0, 100.0) == []  # the connection is open
    inbox.release("sender", 100.0)
    assert inbox.complete(5.0, 104.0) == []
    assert inbox.complete(5.0, 105.0) == [key_of("1.2")]
    inbox.receive("1.2", "1.2.4", b"b", "other", 106.0)
    inbox.release("other", 106.0)
    assert inbox.complete(5.0, 110.0) == []
    folder = inbox.take(key_of("1.2"))
    assert sorted(path.read_bytes() for path in folder.iterdir()) == [b"a", b"b"]
    assert inbox.complete(5.0, 200.0) == []


def test_an_image_that_is_sent_twice_is_stored_once(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, 10, 0.0)
    inbox.receive("1.2", "1.2.3", b"a", "s", 0.0)
    assert inbox.receive("1.2", "1.2.3", b"a", "s", 0.0) == Received.KNOWN
    inbox.release("s", 0.0)
    inbox.take(key_of("1.2"))
    assert inbox.receive("1.2", "1.2.3", b"a", "s", 0.0) == Received.KNOWN
    assert inbox.complete(0.0, 1.0) == []


def test_a_study_over_the_size_is_refused_as_a_whole_also_after_a_restart(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, 3, 0.0)
    found = [inbox.receive("1.2", f"1.2.{n}", b"a", "s", 0.0) for n in range(5)]
    assert found == [Received.STORED] * 3 + [Received.STUDY_REFUSED] * 2
    assert inbox.too_large() == [key_of("1.2")]
    assert list((tmp_path / "incoming").iterdir()) == []
    again = Inbox(tmp_path, 3, 0.0)
    assert again.receive("1.2", "1.2.9", b"a", "s", 0.0) == Received.STUDY_REFUSED
    assert again.receive("1.3", "1.3.9", b"a", "s", 0.0) == Received.STORED
    again.delete(key_of("1.2"))
    assert again.receive("1.2", "1.2.9", b"a", "s", 0.0) == Received.STORED


def test_what_had_arrived_before_a_restart_waits_its_time_again(tmp_path: Path) -> None:
    Inbox(tmp_path, 10, 0.0).receive("1.2", "1.2.3", b"a", "s", 0.0)
    (tmp_path / "incoming" / key_of("1.2") / ".0123.half.dcm").write_bytes(b"cut off")
    again = Inbox(tmp_path, 10, 50.0)
    assert again.complete(5.0, 54.0) == []
    assert again.complete(5.0, 55.0) == [key_of("1.2")]
    assert [path.read_bytes() for path in again.take(key_of("1.2")).iterdir()] == [b"a"]


def test_a_move_that_was_cut_off_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox(tmp_path, 10, 0.0)
    for number in range(3):
        inbox.receive("1.2", f"1.2.{number}", bytes([number]), "s", 0.0)
    moved, replace = [], Path.replace

    def cut_off(path: Path, target: Path) -> Path:
        if moved:
            raise KeyboardInterrupt
        moved.append(path)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", cut_off)
    with pytest.raises(KeyboardInterrupt):
        inbox.take(key_of("1.2"))
    monkeypatch.undo()
    again = Inbox(tmp_path, 10, 0.0)
    assert again.is_arriving(key_of("1.2"))
    folder = again.take(key_of("1.2"))
    assert sorted(path.read_bytes() for path in folder.iterdir()) == [b"\0", b"\1", b"\2"]


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_no_identifier_leads_out_of_the_folder(
    tmp_path_factory: pytest.TempPathFactory, study: str, instance: str
) -> None:
    folder = tmp_path_factory.mktemp("inbox")
    Inbox(folder, 10, 0.0).receive(study, instance, b"a", "s", 0.0)
    (stored,) = (path for path in folder.rglob("*") if path.is_file())
    assert stored.parent.parent == folder / "incoming"
    assert all(part.isalnum() for part in (stored.parent.name, stored.stem))
