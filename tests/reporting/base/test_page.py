"""Pages: written piece by piece, and their tables."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from in_process import HERE

from atlas_builder.construction.build import Build
from atlas_builder.reporting.base.page import rows_of
from atlas_builder.reporting.build.participants import ParticipantEntry, participant_entries
from atlas_builder.reporting.build.report import write_build_report


def test_participants_are_not_kept(
    make_build: Callable[..., Build], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory does not grow with the cohort: a participant's pictures go once they are written."""
    alive: weakref.WeakSet[ParticipantEntry] = weakref.WeakSet()
    most = []

    class Counted(ParticipantEntry):
        __hash__ = object.__hash__

    def watched(*arguments: object) -> Iterator[ParticipantEntry]:
        for entry in participant_entries(*arguments):  # type: ignore[arg-type]
            counted = Counted(entry.participant, entry.warnings, entry.levels)
            alive.add(counted)
            most.append(len(alive))
            del entry
            yield counted

    monkeypatch.setattr("atlas_builder.reporting.build.report.participant_entries", watched)
    write_build_report(make_build(), tmp_path, HERE)
    assert len(most) == 6
    assert max(most) <= 2


def test_rows_of_nested_values() -> None:
    nested = {"a": 1, "b": {"c": (2, 3), "d": {"e": None}}, "f": "<i>"}
    assert rows_of(nested) == [
        ("a", "1"),
        ("b.c", "2, 3"),
        ("b.d.e", "None"),
        ("f", "<i>"),
    ]
