"""A folder in which scans are dropped."""

from __future__ import annotations

import os
from pathlib import Path

from atlas_builder.node.watcher import Watcher


def test_a_scan_is_taken_up_once_it_no_longer_changes(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path, 10)
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "1.dcm").write_bytes(b"a")
    watcher.look(0.0)
    (tmp_path / "scan" / "2.dcm").write_bytes(b"b")
    watcher.look(6.0)
    assert watcher.settled(5.0, 6.0) == []
    watcher.look(11.0)
    (key,) = watcher.settled(5.0, 11.0)
    assert watcher.find(key) == tmp_path / "scan"
    os.utime(tmp_path / "scan" / "2.dcm", (1, 1))
    watcher.look(12.0)
    assert watcher.find(key) is None


def test_results_hidden_files_links_and_other_files_are_no_scans(tmp_path: Path) -> None:
    for name in ("scan-aspects", ".hidden"):
        (tmp_path / name).mkdir()
    for name in ("notes.txt", "a.nii.gz", "b.ZIP", "c.nii"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path)
    watcher = Watcher(tmp_path, 10)
    watcher.look(0.0)
    found = [watcher.find(key) for key in watcher.settled(0.0, 0.0)]
    assert {path.name for path in found if path} == {"a.nii.gz", "b.ZIP", "c.nii"}


def test_a_folder_of_too_many_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "ctp").mkdir()
    for number in range(5):
        (tmp_path / "ctp" / f"{number}.dcm").write_bytes(b"x")
    watcher = Watcher(tmp_path, 4)
    watcher.look(0.0)
    (key,) = watcher.settled(0.0, 0.0)
    assert watcher.is_too_large(key)


def test_a_folder_that_is_away_for_a_while_is_no_error(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path / "share", 10)
    watcher.look(0.0)
    assert watcher.settled(0.0, 0.0) == []
