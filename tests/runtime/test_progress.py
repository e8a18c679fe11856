"""What a user sees of how far a command is."""

from __future__ import annotations

import io
import sys

import pytest

from atlas_builder.runtime.progress import console_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stage", ["Mapping", "Epochs", "Fetching"])
def test_a_bar_counts_without_saying_what(monkeypatch, stage):
    """Stages count participants, epochs, files: no unit is right for all of them."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with console_progress() as progress:
        for done in range(4):
            progress(stage, done, 3)
    shown = terminal.getvalue()
    last = shown.rsplit("\r", 1)[-1]
    assert last.startswith(f"{stage}: 100%")
    assert "| 3/3 [" in last
    assert "participant" not in shown
    assert "/s" not in shown
    assert "it" not in shown


def test_each_stage_has_a_bar_of_its_own(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with console_progress() as progress:
        progress("Mapping", 1, 1)
        progress("Measuring", 2, 2)
    first, second, _ = terminal.getvalue().split("\n")
    assert "Mapping: 100%" in first
    assert "Measuring: 100%" in second
    assert "2/2" in second


def test_elsewhere_a_stage_is_a_line(monkeypatch):
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    with console_progress() as progress:
        for done in range(3):
            progress("Mapping", done, 2)
    assert file.getvalue() == "Mapping: 2 done\n"
