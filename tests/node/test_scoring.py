"""Scoring in a process of its own: what it says, and that it cannot take the node along."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pydicom
import pytest
from node_parts import SECRETS, make_study

from atlas_builder.node.scoring import anonymous, score_in_process, score_scan


def never() -> bool:
    return False


def test_a_series_with_contrast_alone_is_refused(tmp_path: Path) -> None:
    make_study(tmp_path / "study", "one", 24)
    for path in (tmp_path / "study").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.ContrastBolusAgent = "Iomeprol"
        dataset.save_as(path)
    ended = score_scan(tmp_path / "study", tmp_path / "out", "")
    assert (ended.outcome, ended.images) == ("refused", "")
    assert ended.reason == "no plain CT of the head: the only series shows contrast medium"


def test_images_that_were_scored_before_are_not_scored_again(tmp_path: Path) -> None:
    make_study(tmp_path / "study", "one", 24)
    assert score_scan(tmp_path / "study", tmp_path / "out", "a9").outcome == "refused"  # no head
    frames = sorted(f"{path.name}:0" for path in (tmp_path / "study").iterdir())
    known = hashlib.sha256("\n".join(frames).encode()).hexdigest()
    assert score_scan(tmp_path / "study", tmp_path / "out", known).outcome == "unchanged"


def test_messages_lose_what_may_tell_who_it_is(tmp_path: Path) -> None:
    (tmp_path / "MUSTERMANN").mkdir()
    (tmp_path / "MUSTERMANN" / "ERIKA 1941.dcm").touch()
    message = (
        f"{tmp_path}/MUSTERMANN/ERIKA 1941.dcm: a different slice than {tmp_path}/MUSTERMANN at "
        'series 3 (2026-01-05 10:11, "Schaedel SECRET-4711", 5 slices) [1.2.840.113619.2]; /x/y.z'
    )
    assert anonymous(message, tmp_path / "MUSTERMANN") == (
        "an image: a different slice than the scan at series 3 (…, …, 5 slices) […]; …"
    )


@pytest.mark.slow
def test_a_process_says_why_a_scan_is_refused(tmp_path: Path) -> None:
    (tmp_path / "MUSTERMANN").mkdir()
    ended = score_in_process(300.0)(tmp_path / "MUSTERMANN", tmp_path / "out", "", never)
    assert ended.outcome == "refused"
    assert ended.reason.startswith("the scan: ")
    assert not any(secret in ended.reason.encode() for secret in SECRETS)
    assert not (tmp_path / "out").exists()


def test_a_process_that_breaks_hangs_or_is_stopped_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    ended = score_in_process(300.0)(tmp_path, tmp_path / "out", "", never)
    assert (ended.outcome, ended.reason) == ("broken", "scoring ended with status 1")
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(sleeper))
    ended = score_in_process(0.3)(tmp_path, tmp_path / "out", "", never)
    assert (ended.outcome, ended.reason) == ("broken", "not done after 0.3 seconds")
    assert (
        score_in_process(300.0)(tmp_path, tmp_path / "out", "", lambda: True).outcome == "stopped"
    )
