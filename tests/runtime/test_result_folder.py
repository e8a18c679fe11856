"""A result never goes among somebody's own files."""

from __future__ import annotations

import pytest

from atlas_builder.core.errors import InputError
from atlas_builder.runtime.result_folder import check_result_folder

FILES = {"score.json", "report.html"}


def check(out):
    check_result_folder(out, "score", "score.json", FILES)


def put(folder, *names):
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return folder


def test_a_new_folder_an_empty_one_and_an_earlier_result_will_do(tmp_path):
    check(tmp_path / "new")
    check(put(tmp_path / "empty"))
    check(put(tmp_path / "earlier", "score.json"))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("names", [("notes.txt",), ("report.html",), ("score.json", "notes.txt")])
def test_a_folder_with_anything_else_is_refused(tmp_path, names):
    with pytest.raises(InputError, match=rf"other files than a score \({names[-1]}\)"):
        check(put(tmp_path / "own", *names))


def test_a_file_is_refused(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(InputError, match="out: is a file; give a folder for the score"):
        check(tmp_path / "out")
